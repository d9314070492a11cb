import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { packingOf } from "../../codec/pickle/unpack-pickle.ts";
import { firstBytes } from "../files-that-begin.ts";

/** What a file is called; its first bytes decide. joblib compresses by these names, and the last of them are for people to see. */
const NAMED = /^[^.].*\.((pkl|pickle|joblib|sav)(\.(gz|z|bz2|xz|lzma|lz4))?|skops)$/i;
/** The one of several that is the model, the first there is. */
const NAMES = ["model.pkl", "model.pickle", "model.joblib", "model.skops"];
/** Most files of a folder whose first bytes are looked at. */
const MOST_FILES = 100;
const FIRST_BYTES = 4096;

/** What a path holds for this platform. */
export interface Finding {
  readonly folder: string;
  /** By name; at least one. */
  readonly names: readonly string[];
  readonly why: string;
}

/** Looks for pickles of scikit-learn's at a path, by names and first bytes: a bare file, or files in a folder. */
export async function findModelFiles(path: string): Promise<Finding | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isFile() && !entry?.isDirectory()) return undefined;
  const bare = entry.isFile();
  const folder = bare ? dirname(path) : path;
  const candidates = (bare ? [basename(path)] : await namesIn(path)).filter((name) => NAMED.test(name));
  const names: string[] = [];
  for (const name of candidates.slice(0, MOST_FILES)) {
    if (beginsLikeModel(name, await firstBytes(join(folder, name), FIRST_BYTES))) names.push(name);
  }
  if (names.length === 0) return undefined;
  return {
    folder,
    names,
    why: bare ? "is a scikit-learn model" : `holds ${chosen(names) ?? names.length}, pickled by scikit-learn`,
  };
}

/** The file that is the model. @throws ServingError invalid-argument, naming the files, when it cannot be told */
export function onlyName({ names }: Finding): string {
  const name = chosen(names);
  if (name !== undefined) return name;
  const shown = names.slice(0, 8).join(", ") + (names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${names.length} pickles of scikit-learn is the model (${shown})? Name it ${NAMES[0]}, or keep each in a folder of its own`,
  );
}

function chosen(names: readonly string[]): string | undefined {
  return NAMES.find((each) => names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
}

/** The names of a folder, those that models usually have first. */
async function namesIn(folder: string): Promise<string[]> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => !each.isDirectory()).map((each) => each.name);
  return names.sort((a, b) => Number(NAMES.includes(b)) - Number(NAMES.includes(a)) || (a < b ? -1 : 1));
}

/** A module of scikit-learn's is among the first names of a pickle; of a compressed one nothing can be told. */
function beginsLikeModel(name: string, first: Buffer): boolean {
  const packing = packingOf(first);
  // Only skops writes archives.
  if (packing === "zip" || /\.skops$/i.test(name)) return packing === "zip" && /\.skops$/i.test(name);
  if (packing !== undefined) return true;
  // Not a module of that name in another library: `lightgbm.sklearn.`.
  return /(^|[^.])sklearn\./.test(first.toString("latin1"));
}
