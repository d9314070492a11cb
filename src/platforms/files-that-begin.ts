import { constants, type Dirent } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Most files of a folder whose first bytes are looked at. */
const MOST_FILES = 100;
const FIRST_BYTES = 256;

/** Which files may be a model. */
export interface ModelFileRules {
  /** What their names end in, in lower case. */
  readonly extensions: readonly string[];
  /** Names that are looked at first. */
  readonly usual: readonly string[];
  /** Whether the first bytes of a file are a model's. */
  readonly fits: (first: Buffer) => boolean;
  /** How many first bytes that takes. Default 256. */
  readonly bytes?: number;
}

/**
 * The files at a path, itself or in the folder, with one of the extensions and fitting first bytes, by name. Undefined for what is neither
 * a file nor a folder.
 */
export async function filesThatBegin(
  path: string,
  { extensions, usual, fits, bytes = FIRST_BYTES }: ModelFileRules,
): Promise<{ readonly bare: boolean; readonly folder: string; readonly names: readonly string[] } | undefined> {
  const entry = await stat(path).catch(() => undefined);
  if (!entry?.isFile() && !entry?.isDirectory()) return undefined;
  const bare = entry.isFile();
  const folder = bare ? dirname(path) : path;
  const candidates = (bare ? [basename(path)] : await namesIn(path, usual)).filter((name) => isCalled(name, extensions));
  const names: string[] = [];
  for (const name of candidates.slice(0, MOST_FILES)) if (fits(await firstBytes(join(folder, name), bytes))) names.push(name);
  return { bare, folder, names };
}

/** The names of a folder, the usual ones first. */
async function namesIn(folder: string, usual: readonly string[]): Promise<string[]> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => !each.isDirectory()).map((each) => each.name);
  return names.sort((a, b) => Number(usual.includes(b)) - Number(usual.includes(a)) || (a < b ? -1 : 1));
}

function isCalled(name: string, extensions: readonly string[]): boolean {
  return !name.startsWith(".") && extensions.some((each) => name.toLowerCase().endsWith(each));
}

/** The first bytes, `most` of them, of a regular file; none of what is not or cannot be read. */
export async function firstBytes(file: string, most: number): Promise<Buffer> {
  // Not blocking: opening a pipe would wait for whoever writes to it.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined);
  try {
    if (!(await handle?.stat())?.isFile()) return Buffer.alloc(0);
    const { bytesRead, buffer } = await handle!.read(Buffer.alloc(most), 0, most, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return Buffer.alloc(0);
  } finally {
    await handle?.close();
  }
}
