import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import type { ReadXgboost } from "../pickled-booster.ts";
import { compileMojo } from "./compile-mojo.ts";
import { findMojo, openMojo } from "./model-file.ts";

/** MOJOs of H2O. @param readXgboost reads the boosters that are in some of them */
export function h2oPlatform(readXgboost: ReadXgboost) {
  return {
    name: "h2o",

    async detect(path: string): Promise<Detection | undefined> {
      const finding = await findMojo(path);
      return finding && { why: finding.why };
    },

    /** Every index of the files is checked: the program's trees lead nowhere but to their leaves. */
    async read(path: string, signal: AbortSignal): Promise<TabularProgram> {
      const finding = await findMojo(path);
      if (finding === undefined) throw new ServingError("not-found", "there is no MOJO of H2O");
      return await compileMojo(await openMojo(finding), readXgboost, signal);
    },
  } satisfies Platform;
}
