import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, parse, resolve } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import { listVersionDirectories } from "./version-directory.ts";

/** A model found by looking around. */
export interface DiscoveredModel {
  /** The folder's name, or the file's without its extension (with it, where that name is taken already). */
  readonly name: string;
  /** Absolute. */
  readonly basePath: string;
}

/**
 * Finds what to serve below `root`, which may be a model file, a model's folder (its files, or its version folders), or a
 * folder of those (one that holds model files not called `model` is such a folder). Hidden entries and what is no model are passed over; sorted by the entries' names.
 *
 * @throws ServingError not-found when `root` is not there, permission-denied when it cannot be read
 */
export async function discoverModels(
  root: string,
  isModel: (path: string) => Promise<boolean>,
): Promise<readonly DiscoveredModel[]> {
  const path = resolve(root);
  try {
    const own = (await holdsModelFiles(path, isModel)) ? undefined : await describeModel(path, isModel);
    if (own !== undefined) return [{ name: own || "model", basePath: path }];
    if (!(await stat(path)).isDirectory()) return [];
    return await discoverChildren(path, await readdir(path, { withFileTypes: true }), isModel);
  } catch (cause) {
    if (cause instanceof ServingError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new ServingError(
      missing ? "not-found" : "permission-denied",
      missing ? `there is no file or folder "${root}"` : `"${root}" cannot be read`,
      { cause },
    );
  }
}

async function discoverChildren(
  folder: string,
  entries: readonly Dirent[],
  isModel: (path: string) => Promise<boolean>,
): Promise<readonly DiscoveredModel[]> {
  const models = new Map<string, DiscoveredModel>();
  const children = entries.map((entry) => entry.name).filter((child) => !child.startsWith("."));
  for (const child of children.sort()) {
    const basePath = join(folder, child);
    // A child may vanish or be closed to us; its siblings are served all the same.
    const plain = await describeModel(basePath, isModel).catch(() => undefined);
    if (plain === undefined) continue;
    const name = models.has(plain) ? child : plain;
    models.set(name, { name, basePath });
  }
  return [...models.values()];
}

/** The name that makes a file the model of its folder rather than one of several in it. */
const FOLDER_MODEL = "model";

/**
 * Whether a folder holds model files that carry names of their own: it is a folder of models then, even while there is just
 * one, so that the next one does not change what the first is called.
 */
async function holdsModelFiles(path: string, isModel: (path: string) => Promise<boolean>): Promise<boolean> {
  if (!(await stat(path)).isDirectory() || (await listVersionDirectories(path)).names.size > 0) return false;
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isFile() || entry.name.startsWith(".") || parse(entry.name).name === FOLDER_MODEL) continue;
    if (await isModel(join(path, entry.name))) return true;
  }
  return false;
}

/** The name of the model at `path`; undefined when there is none. */
async function describeModel(path: string, isModel: (path: string) => Promise<boolean>): Promise<string | undefined> {
  const entry = await stat(path);
  if (entry.isDirectory()) {
    const { names } = await listVersionDirectories(path);
    return names.size > 0 || (await isModel(path)) ? basename(path) : undefined;
  }
  return entry.isFile() && (await isModel(path)) ? parse(path).name : undefined;
}
