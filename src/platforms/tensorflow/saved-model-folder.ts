import { lstat, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { throwIfAborted } from "../../base/abort.ts";
import { resolveInside } from "../../base/path-safety.ts";

/** The files that make a folder a SavedModel, in the order the engine looks for them. */
const FILES = ["saved_model.pb", "saved_model.pbtxt"] as const;

const VARIABLES = "variables";

/** Where a SavedModel is. */
export interface SavedModelFolder {
  readonly folder: string;
  readonly file: (typeof FILES)[number];
  readonly why: string;
}

/** Looks for a SavedModel at a path by names alone: a folder that holds its file, or the file itself. */
export async function findSavedModel(path: string): Promise<SavedModelFolder | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (entry?.isFile()) {
    const file = FILES.find((name) => name === basename(path));
    return file && { folder: dirname(path), file, why: `is ${file}` };
  }
  if (!entry?.isDirectory()) return undefined;
  for (const file of FILES) {
    const found = await lstat(join(path, file)).catch(() => undefined);
    if (found !== undefined && !found.isDirectory()) return { folder: path, file, why: `holds ${file}` };
  }
  return undefined;
}

/** Whether the file is there that says what the variables' files hold. */
export async function hasVariables(folder: string): Promise<boolean> {
  const entry = await stat(join(folder, VARIABLES, "variables.index")).catch(() => undefined);
  return entry?.isFile() === true;
}

/**
 * Sum of the sizes of a SavedModel's variables, in bytes; 0 when it has none.
 * @throws ServingError invalid-argument for one that is no regular file inside the folder.
 */
export async function variablesBytes(folder: string, signal: AbortSignal): Promise<number> {
  const names = await readdir(join(folder, VARIABLES), { withFileTypes: true }).catch(() => []);
  let sum = 0;
  for (const { name } of names.filter((each) => !each.isDirectory())) {
    throwIfAborted(signal);
    sum += (await stat(await resolveInside(folder, `${VARIABLES}/${name}`))).size;
  }
  return sum;
}
