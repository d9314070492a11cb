import type { ModelFileKind } from "../find-model-file.ts";
import { formOf } from "./model-form.ts";

/** A trainer's state, which is written beside the model. */
const CHECKPOINT = ".ckp";

/** CNTK's models: their first bytes decide. */
export const CNTK_FILE: ModelFileKind = {
  extensions: [".model", ".dnn", ".cmf", ".cntk", CHECKPOINT],
  usual: ["model.model", "model.dnn", "model.cmf", "model.cntk"],
  fits: (first) => formOf(first) !== undefined,
  one: "a CNTK model",
  several: "CNTK models",
  choices: "CNTK files",
  lesser: CHECKPOINT,
};
