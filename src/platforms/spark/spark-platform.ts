import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { firstBytes } from "../files-that-begin.ts";
import { compileModel } from "./compile-stages.ts";
import { ModelFolder } from "./model-folder.ts";

const FIRST_BYTES = 4096;
/** How a line of metadata begins: with the class, that of Spark's former API too. */
const METADATA = /^\{"class":"([\w.$]{1,300})","(?:timestamp|version)":/;

/** Models and pipelines of Spark MLlib, as they save themselves. */
export const sparkPlatform = {
  name: "spark",

  async detect(path: string): Promise<Detection | undefined> {
    const folder = join(path, "metadata");
    const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const { name } of entries.filter((entry) => !entry.isDirectory() && entry.name.startsWith("part-")).slice(0, 10)) {
      const found = METADATA.exec((await firstBytes(join(folder, name), FIRST_BYTES)).toString("latin1"));
      if (found !== null) return { why: `holds metadata of ${found[1]}` };
    }
    return undefined;
  },

  /** Nothing in the files is run. Their numbers are checked: the program's trees lead nowhere but to their leaves. */
  async read(path: string, signal: AbortSignal): Promise<TabularProgram> {
    return compileModel(ModelFolder.of(path, signal), signal);
  },
} satisfies Platform;
