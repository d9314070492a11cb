import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { findModelFile, onlyFile } from "../find-model-file.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";
import { PMML_FILE } from "./model-file.ts";
import { readDocument } from "./read-document.ts";

/** Models as PMML documents. */
export const pmmlPlatform = {
  name: "pmml",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFile(path, PMML_FILE);
    return finding && { why: finding.why };
  },

  async read(path: string, signal: AbortSignal): Promise<TabularProgram> {
    const finding = await findModelFile(path, PMML_FILE);
    if (finding === undefined) throw new ServingError("not-found", "there is no PMML document");
    const { folder, name } = onlyFile(finding, PMML_FILE);
    const bytes = await withModelFile(join(folder, name), name, (handle) => modelBytes(handle, name, signal));
    return readDocument(bytes, name, signal);
  },
} satisfies Platform;
