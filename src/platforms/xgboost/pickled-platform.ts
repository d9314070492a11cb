import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import { filesThatBegin } from "../files-that-begin.ts";
import { NAMES } from "./model-file.ts";

const EXTENSIONS = [".pkl", ".pickle", ".joblib"];

/** Pickles of XGBoost's classes. They are programs, which nothing here runs; reading one says how to save the model. */
export const pickledXgboostPlatform = {
  name: "xgboost",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await find(path);
    return found && { why: found.bare ? "is a pickled XGBoost model" : `holds ${found.name}, a pickled XGBoost model` };
  },

  /** Rejects always. */
  async read(path: string): Promise<never> {
    const found = await find(path);
    if (found === undefined) throw new ServingError("not-found", "there is no pickled model of XGBoost");
    throw new ServingError(
      "unimplemented",
      `${found.name} is a pickled XGBoost model, which is Python code: save the model with booster.save_model("model.json")` +
        (found.isBooster ? "" : " (the booster of a scikit-learn estimator is model.get_booster())"),
    );
  },
} satisfies Platform;

async function find(path: string): Promise<{ bare: boolean; name: string; isBooster: boolean } | undefined> {
  let isBooster = false;
  const fits = (first: Buffer): boolean => {
    const text = first.toString("latin1");
    const [, module] = /xgboost\.(core|sklearn)/.exec(text) ?? [];
    isBooster ||= module === "core";
    return module !== undefined;
  };
  const found = await filesThatBegin(path, { extensions: EXTENSIONS, usual: NAMES, fits });
  return found?.names[0] === undefined ? undefined : { bare: found.bare, name: found.names[0], isBooster };
}
