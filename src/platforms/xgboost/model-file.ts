import type { ModelFileKind } from "../find-model-file.ts";
import { formOf } from "./model-form.ts";

/** XGBoost's models: their first bytes decide. The first three of the usual names are MLServer's. */
export const XGBOOST_FILE: ModelFileKind = {
  extensions: [".json", ".ubj", ".bst", ".model", ".xgb", ".deprecated"],
  usual: ["model.bst", "model.json", "model.ubj", "model.model", "model.xgb", "model.deprecated"],
  fits: (first) => formOf(first) !== undefined,
  one: "an XGBoost model",
  several: "XGBoost models",
  choices: "XGBoost files",
  advised: "model.json",
};
