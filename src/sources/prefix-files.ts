import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * The files that a base path is the prefix of, where it is no file or folder itself: `mx_mlp-symbol.json` and `mx_mlp-0001.params` of
 * `mx_mlp`. Behind the prefix is a `-` or a `.`. Absolute paths, sorted by name; never rejects.
 */
export async function prefixFiles(path: string): Promise<readonly string[]> {
  const [folder, prefix] = [dirname(path), basename(path)];
  if (prefix === "") return [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((each) => !each.isDirectory() && isCalled(each.name, prefix)).map(({ name }) => name);
  return names.sort().map((name) => join(folder, name));
}

function isCalled(name: string, prefix: string): boolean {
  return name.startsWith(prefix) && (name[prefix.length] === "-" || name[prefix.length] === ".");
}
