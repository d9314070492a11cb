import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/**
 * The version a folder's name stands for, by TF Serving's rule: a signed 64-bit decimal number with blanks around it
 * ignored (`7`, `007`, `+7`, `-1`). Undefined for every other name and for numbers beyond 64 bits.
 */
export function parseVersion(name: string): bigint | undefined {
  const found = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)[ \t\n\v\f\r]*$/.exec(name);
  if (!found) return undefined;
  const size = BigInt(found[2]!);
  const version = found[1] === "-" ? -size : size;
  return version < LEAST || version > MOST ? undefined : version;
}

/** A folder named by a version. Thousands of them cost little: the exact number is made only for those that are asked. */
export class VersionDirectory {
  readonly name: string;
  /** The version as far as a double can tell: never higher for a lower version. */
  readonly approximate: number;
  #version: bigint | undefined;

  constructor(name: string, approximate: number, version?: bigint) {
    this.name = name;
    this.approximate = approximate;
    this.#version = version;
  }

  /** The exact number. */
  get version(): bigint {
    this.#version ??= BigInt(this.approximate);
    return this.#version;
  }
}

/** Two folders of one number: the alphabetically last one counts. */
export interface DuplicateVersion {
  readonly version: bigint;
  readonly used: string;
  readonly ignored: string;
}

/** The version folders of one base path. */
export interface VersionDirectories {
  /** Each number once, the highest first. */
  readonly folders: readonly VersionDirectory[];
  readonly duplicates: readonly DuplicateVersion[];
}

/** Sorts names into versions; names that are no version are left out. */
export function collectVersions(names: Iterable<string>): VersionDirectories {
  const found: VersionDirectory[] = [];
  for (const name of names) {
    const folder = versionDirectory(name);
    if (folder !== undefined) found.push(folder);
  }
  return distinct(found);
}

/** The folder of exactly this version; undefined when there is none. */
export function findVersion({ folders }: VersionDirectories, version: bigint): VersionDirectory | undefined {
  let [low, high] = [0, folders.length];
  const approximate = Number(version);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (folders[middle]!.approximate > approximate) low = middle + 1;
    else high = middle;
  }
  for (; low < folders.length && folders[low]!.approximate === approximate; low++) {
    if (folders[low]!.version === version) return folders[low];
  }
  return undefined;
}

/** What a listing of a base path gives. */
export interface VersionListing extends VersionDirectories {
  /** Whether what is listed may change without the base path's own times telling: symbolic links lead elsewhere. */
  readonly linked: boolean;
}

/** Names sorted in one turn of the thread; more are read, sorted and compared in turns of their own. */
const MANY_NAMES = 1000;

/** Lists the version folders of `basePath`, symbolic links to folders included. Rejects as `readdir` does. */
export async function listVersionDirectories(basePath: string): Promise<VersionListing> {
  return pickVersionDirectories(basePath, await readdir(basePath, { withFileTypes: true }));
}

/** The version folders among the entries of `basePath`. */
export async function pickVersionDirectories(basePath: string, entries: readonly Dirent[]): Promise<VersionListing> {
  if (entries.length > MANY_NAMES) await nextTurn();
  const found: VersionDirectory[] = [];
  const links: VersionDirectory[] = [];
  let anyLink = false;
  for (const entry of entries) {
    const link = !entry.isDirectory() && entry.isSymbolicLink();
    if (link) anyLink = true;
    else if (!entry.isDirectory()) continue;
    const folder = versionDirectory(entry.name);
    if (folder !== undefined) (link ? links : found).push(folder);
  }
  for (const link of links) if (await leadsToFolder(basePath, link.name)) found.push(link);
  if (found.length > MANY_NAMES) await nextTurn();
  // Without versions the folder's own files may make it a model, and any of them may be a link.
  return { ...distinct(found), linked: found.length > 0 ? links.length > 0 : anyLink };
}

/** Names of whole numbers that a double holds exactly, as nearly all names are. */
const PLAIN = /^(?:0|[1-9][0-9]{0,14})$/;

function versionDirectory(name: string): VersionDirectory | undefined {
  if (PLAIN.test(name)) return new VersionDirectory(name, Number(name));
  const version = parseVersion(name);
  return version === undefined ? undefined : new VersionDirectory(name, Number(version), version);
}

function distinct(found: VersionDirectory[]): VersionDirectories {
  found.sort(highestAndLastFirst);
  const folders: VersionDirectory[] = [];
  const duplicates: DuplicateVersion[] = [];
  for (const folder of found) {
    const used = folders[folders.length - 1];
    if (used === undefined || used.approximate !== folder.approximate || used.version !== folder.version) folders.push(folder);
    else duplicates.push({ version: used.version, used: used.name, ignored: folder.name });
  }
  return { folders, duplicates };
}

function highestAndLastFirst(a: VersionDirectory, b: VersionDirectory): number {
  if (a.approximate !== b.approximate) return b.approximate - a.approximate;
  if (a.version !== b.version) return a.version < b.version ? 1 : -1;
  return a.name < b.name ? 1 : -1;
}

async function leadsToFolder(basePath: string, name: string): Promise<boolean> {
  try {
    return (await stat(join(basePath, name))).isDirectory();
  } catch {
    return false;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
