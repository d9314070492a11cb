import { join } from "node:path";
import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { findModelFile, onlyFile } from "../find-model-file.ts";
import { modelBytes } from "../model-bytes.ts";
import { withModelFile } from "../with-model-file.ts";
import { XGBOOST_FILE } from "./model-file.ts";
import { readModel } from "./read-model.ts";

/** Models of XGBoost, as JSON, UBJSON or in its former binary form. */
export const xgboostPlatform = {
  name: "xgboost",

  async detect(path: string): Promise<Detection | undefined> {
    const finding = await findModelFile(path, XGBOOST_FILE);
    return finding && { why: finding.why };
  },

  /** Every index of the file is checked: the program's trees lead nowhere but to their leaves. */
  async read(path: string, signal: AbortSignal): Promise<TabularProgram> {
    const finding = await findModelFile(path, XGBOOST_FILE);
    if (finding === undefined) throw new ServingError("not-found", "there is no model of XGBoost");
    const { folder, name } = onlyFile(finding, XGBOOST_FILE);
    const bytes = await withModelFile(join(folder, name), name, (handle) => modelBytes(handle, name, signal));
    return readModel(bytes, name, signal);
  },
} satisfies Platform;
