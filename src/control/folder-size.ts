import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Bytes of all files below a folder, or of one file, through symbolic links; a folder that several ways lead to counts once. What
 * disappears while it looks, or cannot be read, counts nothing. Never rejects.
 */
export function folderSize(path: string): Promise<number> {
  return size(path, new Set());
}

/** `entered` holds the folders counted: links that go round would else be followed as far as a path may be long. */
async function size(path: string, entered: Set<string>): Promise<number> {
  const entry = await stat(path, { bigint: true }).catch(() => undefined);
  if (entry === undefined) return 0;
  if (!entry.isDirectory()) return Number(entry.size);
  const identity = `${entry.dev}:${entry.ino}`;
  if (entered.has(identity)) return 0;
  entered.add(identity);
  const names = await readdir(path).catch(() => []);
  let total = 0;
  for (const name of names) total += await size(join(path, name), entered);
  return total;
}
