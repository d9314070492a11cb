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

/** Two folders of one number: the alphabetically last one counts. */
export interface DuplicateVersion {
  readonly version: bigint;
  readonly used: string;
  readonly ignored: string;
}

/** The version folders of one base path. */
export interface VersionDirectories {
  /** Folder name by version, the highest version first. */
  readonly names: ReadonlyMap<bigint, string>;
  readonly duplicates: readonly DuplicateVersion[];
}

/** Sorts names into versions; names that are no version are left out. */
export function collectVersions(names: Iterable<string>): VersionDirectories {
  const chosen = new Map<bigint, string>();
  const duplicates: DuplicateVersion[] = [];
  for (const name of [...names].sort()) {
    const version = parseVersion(name);
    if (version === undefined) continue;
    const ignored = chosen.get(version);
    if (ignored !== undefined) duplicates.push({ version, used: name, ignored });
    chosen.set(version, name);
  }
  const descending = [...chosen].sort(([a], [b]) => (a < b ? 1 : -1));
  return { names: new Map(descending), duplicates };
}

/** Lists the version folders of `basePath`, symbolic links to folders included. Rejects as `readdir` does. */
export async function listVersionDirectories(basePath: string): Promise<VersionDirectories> {
  const entries = await readdir(basePath, { withFileTypes: true });
  const candidates = entries.filter((entry) => parseVersion(entry.name) !== undefined);
  const folders = await Promise.all(candidates.map((entry) => isFolder(basePath, entry)));
  return collectVersions(candidates.filter((_, index) => folders[index]).map((entry) => entry.name));
}

async function isFolder(basePath: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return (await stat(join(basePath, entry.name))).isDirectory();
  } catch {
    return false;
  }
}
