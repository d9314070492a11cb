import { constants, type Dirent } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import { formOf } from "./model-form.ts";

/** What a file may be called; its first bytes decide. */
const EXTENSIONS = [".json", ".ubj", ".bst", ".model", ".xgb", ".deprecated"];
/** The one of several that is the model, the first there is; the first three are MLServer's. */
const NAMES = ["model.bst", "model.json", "model.ubj", "model.model", "model.xgb", "model.deprecated"];
/** Most files of a folder whose first bytes are looked at. */
const MOST_FILES = 100;
const FIRST_BYTES = 256;

/** What a path holds for this platform. */
export type Finding =
  | { readonly kind: "file"; readonly folder: string; readonly name: string; readonly why: string }
  | { readonly kind: "several"; readonly names: readonly string[]; readonly why: string };

/** Looks for a model of XGBoost at a path, by names and first bytes: a bare file, a folder's `model.bst`, or its only one. */
export async function findModelFile(path: string): Promise<Finding | undefined> {
  const found = await filesThatBegin(path, EXTENSIONS, (first) => formOf(first) !== undefined);
  if (found === undefined || found.names.length === 0) return undefined;
  const { bare, folder, names } = found;
  const name = NAMES.find((each) => names.includes(each)) ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) return { kind: "several", names, why: `holds ${names.length} XGBoost models` };
  return { kind: "file", folder, name, why: bare ? "is an XGBoost model" : `holds ${name}, an XGBoost model` };
}

/** The one file of a finding. @throws ServingError invalid-argument, naming the files, when there are several. */
export function onlyFile(finding: Finding): Finding & { readonly kind: "file" } {
  if (finding.kind === "file") return finding;
  const shown = finding.names.slice(0, 8).join(", ") + (finding.names.length > 8 ? ", ..." : "");
  throw new ServingError(
    "invalid-argument",
    `which of the ${finding.names.length} XGBoost files is the model (${shown})? Name it model.json, or keep each in a folder of its own`,
  );
}

/**
 * The files at a path, itself or in the folder, with one of the extensions and fitting first bytes, by name. Undefined for what is neither
 * a file nor a folder.
 */
export async function filesThatBegin(
  path: string,
  extensions: readonly string[],
  fits: (first: Buffer) => boolean,
): Promise<{ readonly bare: boolean; readonly folder: string; readonly names: readonly string[] } | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isFile() && !entry?.isDirectory()) return undefined;
  const bare = entry.isFile();
  const folder = bare ? dirname(path) : path;
  const candidates = (bare ? [basename(path)] : await namesIn(path)).filter((name) => isCalled(name, extensions));
  const names: string[] = [];
  for (const name of candidates.slice(0, MOST_FILES)) if (fits(await firstBytes(join(folder, name)))) names.push(name);
  return { bare, folder, names };
}

/** The names of a folder, those that models usually have first. */
async function namesIn(folder: string): Promise<string[]> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => !each.isDirectory()).map((each) => each.name);
  return names.sort((a, b) => Number(NAMES.includes(b)) - Number(NAMES.includes(a)) || (a < b ? -1 : 1));
}

function isCalled(name: string, extensions: readonly string[]): boolean {
  return !name.startsWith(".") && extensions.some((each) => name.toLowerCase().endsWith(each));
}

/** The first bytes of a regular file; none of what is not or cannot be read. */
async function firstBytes(file: string): Promise<Buffer> {
  // Not blocking: opening a pipe would wait for whoever writes to it.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined);
  try {
    if (!(await handle?.stat())?.isFile()) return Buffer.alloc(0);
    const { bytesRead, buffer } = await handle!.read(Buffer.alloc(FIRST_BYTES), 0, FIRST_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  } finally {
    await handle?.close();
  }
}
