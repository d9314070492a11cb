import { type PickledLibrary, pickledBoosterPlatform } from "../pickled-booster-platform.ts";
import { pickledXgboost } from "./pickled-boosters.ts";

/** How pickles of XGBoost's classes are read. */
export const xgboostPickles: PickledLibrary = {
  name: "xgboost",
  title: "XGBoost",
  module: /xgboost\.(core|sklearn)/,
  boosters: pickledXgboost,
  precision: "float32",
};

/** Models of XGBoost that Python or joblib pickled. */
export const pickledXgboostPlatform = pickledBoosterPlatform(xgboostPickles);
