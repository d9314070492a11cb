import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { ZipArchive } from "../../base/zip/zip-archive.ts";
import { firstBytes } from "../files-that-begin.ts";
import { type MojoFiles, openArchive, openFolder } from "./mojo-files.ts";

/** The file that makes an archive, or a folder, a MOJO. */
const MODEL_INI = "model.ini";
const EXTENSION = /^[^.].*\.(?:zip|mojo)$/i;
/** The one of several that is the model. */
const NAMES = ["model.zip", "model.mojo"];
/** Most archives of a folder that are looked at. */
const MOST_FILES = 20;
/** What the first file of an archive is called that H2O wrote, for those whose end is missing. */
const FIRST_FILE =
  /^(?:model\.ini|trees\/t|domains\/d|experimental\/|_orig_|boosterBytes|eigenvectors_raw|feature_engineering\/|models\/|x_mean_|vocabulary|vectors|calib\/|archetypes|losses)/;
const FIRST_BYTES = 64;
/** How an archive begins, and where its first file's name is. */
const ARCHIVE = Buffer.from("504b0304", "hex");
const NAME_AT = 30;

/** What a path holds for this platform. */
export interface Finding {
  readonly why: string;
  /** Archives by name, in `folder`; none for a folder that is a MOJO itself. */
  readonly names: readonly string[];
  readonly folder: string;
}

/** Looks for MOJOs at a path: an archive with a `model.ini`, a folder with one, or with such archives. */
export async function findMojo(path: string): Promise<Finding | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (entry?.isFile()) {
    if (!EXTENSION.test(basename(path)) || !(await isMojo(path))) return undefined;
    return { why: "is an H2O MOJO", names: [basename(path)], folder: dirname(path) };
  }
  if (!entry?.isDirectory()) return undefined;
  const files: Dirent[] = (await readdir(path, { withFileTypes: true }).catch(() => [])).filter((each) => !each.isDirectory());
  const found = files.map(({ name }) => name).sort();
  if (
    found.includes(MODEL_INI) &&
    (await firstBytes(join(path, MODEL_INI), FIRST_BYTES)).toString("latin1").startsWith("[info]")
  ) {
    return { why: `holds the files of an H2O MOJO`, names: [], folder: path };
  }
  const names: string[] = [];
  for (const name of found.filter((each) => EXTENSION.test(each)).slice(0, MOST_FILES))
    if (await isMojo(join(path, name))) names.push(name);
  if (names.length === 0) return undefined;
  return { why: `holds ${chosen(names) ?? names.length}, an H2O MOJO`, names, folder: path };
}

/**
 * Opens what was found.
 * @throws ServingError invalid-argument, naming the archives, when it cannot be told which is the model
 */
export async function openMojo({ names, folder }: Finding): Promise<MojoFiles> {
  if (names.length === 0) return await openFolder(folder);
  const name = chosen(names);
  if (name !== undefined) return await openArchive(join(folder, name));
  const shown = names.slice(0, 8).join(", ") + (names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${names.length} MOJOs of H2O is the model (${shown})? Name it ${NAMES[0]}, or keep each in a folder of its own`,
  );
}

function chosen(names: readonly string[]): string | undefined {
  return NAMES.find((each) => names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
}

/** A damaged archive is told by its first file. */
async function isMojo(path: string): Promise<boolean> {
  const first = await firstBytes(path, FIRST_BYTES);
  if (!first.subarray(0, ARCHIVE.length).equals(ARCHIVE)) return false;
  const archive = await ZipArchive.open(path).catch(() => undefined);
  return archive === undefined
    ? FIRST_FILE.test(first.toString("latin1", NAME_AT))
    : archive.entries.some(({ name }) => name === MODEL_INI);
}
