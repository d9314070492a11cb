import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** For tests: waits until the file system gives what is written in `folder` another time than it did last. */
export async function nextFileTime(folder: string): Promise<void> {
  const probe = async () => {
    await writeFile(join(folder, "probe"), "");
    return (await stat(join(folder, "probe"))).mtimeMs;
  };
  const before = await probe();
  while ((await probe()) === before);
}
