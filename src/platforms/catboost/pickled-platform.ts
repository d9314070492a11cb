import { type PickledLibrary, pickledBoosterPlatform } from "../pickled-booster-platform.ts";
import { pickledCatboost, pickledProgram } from "./pickled-boosters.ts";

/** How pickles of CatBoost's classes are read. */
export const catboostPickles: PickledLibrary = {
  name: "catboost",
  title: "CatBoost",
  module: /catboost\.core/,
  boosters: pickledCatboost,
  precision: "float64",
  program: pickledProgram,
};

/** Models of CatBoost that Python or joblib pickled. */
export const pickledCatboostPlatform = pickledBoosterPlatform(catboostPickles);
