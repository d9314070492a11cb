import type { ModelFileKind } from "../find-model-file.ts";
import { beginsLikeBinary } from "./binary-model.ts";
import { beginsLikeDocument } from "./document-model.ts";

/** Models of CatBoost: their first bytes decide. */
export const CATBOOST_FILE: ModelFileKind = {
  extensions: [".cbm", ".json", ".bin", ".catboost"],
  usual: ["model.cbm", "model.json"],
  fits: (first) => beginsLikeBinary(first) || beginsLikeDocument(first),
  one: "a CatBoost model",
  several: "CatBoost models",
  choices: "CatBoost files",
};
