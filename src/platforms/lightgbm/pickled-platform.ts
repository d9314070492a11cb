import { type PickledLibrary, pickledBoosterPlatform } from "../pickled-booster-platform.ts";
import { pickledLightgbm, pickledProgram } from "./pickled-boosters.ts";

/** How pickles of LightGBM's classes are read. */
export const lightgbmPickles: PickledLibrary = {
  name: "lightgbm",
  title: "LightGBM",
  module: /lightgbm\.(basic|sklearn)/,
  boosters: pickledLightgbm,
  precision: "float64",
  program: pickledProgram,
};

/** Models of LightGBM that Python or joblib pickled. */
export const pickledLightgbmPlatform = pickledBoosterPlatform(lightgbmPickles);
