import type { ModelFileKind } from "../find-model-file.ts";

/** LightGBM's text models: their first bytes decide. `.bst` is what MLServer's users have, for XGBoost too. */
export const LIGHTGBM_FILE: ModelFileKind = {
  extensions: [".txt", ".lgb", ".model", ".bst"],
  usual: ["model.txt", "model.lgb", "model.model", "model.bst"],
  fits: (first) => /^tree\r?\nversion=/.test(first.toString("latin1")),
  one: "a LightGBM text model",
  several: "LightGBM models",
  choices: "LightGBM files",
};
