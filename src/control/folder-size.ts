import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes of all files below a folder, or of one file. What disappears while it looks counts nothing. */
export async function folderSize(path: string): Promise<number> {
  const entry = await stat(path).catch(() => undefined);
  if (entry === undefined) return 0;
  if (!entry.isDirectory()) return entry.size;
  const names = await readdir(path).catch(() => []);
  let total = 0;
  for (const name of names) total += await folderSize(join(path, name));
  return total;
}
