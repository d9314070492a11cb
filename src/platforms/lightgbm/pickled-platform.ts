import { ServingError } from "../../base/serving-error.ts";
import type { Detection, Platform } from "../../model/platform.ts";
import { filesThatBegin } from "../files-that-begin.ts";
import { NAMES } from "./model-file.ts";

const EXTENSIONS = [".pkl", ".pickle", ".joblib"];

/** Pickles of LightGBM's classes. They are programs, which nothing here runs; reading one says how to save the model. */
export const pickledLightgbmPlatform = {
  name: "lightgbm",

  async detect(path: string): Promise<Detection | undefined> {
    const found = await find(path);
    return found && { why: found.bare ? "is a pickled LightGBM model" : `holds ${found.name}, a pickled LightGBM model` };
  },

  /** Rejects always. */
  async read(path: string): Promise<never> {
    const found = await find(path);
    if (found === undefined) throw new ServingError("not-found", "there is no pickled model of LightGBM");
    throw new ServingError(
      "unimplemented",
      `${found.name} is a pickled LightGBM model, which is Python code: save the model with booster.save_model("model.txt")` +
        (found.isBooster ? "" : " (the booster of a scikit-learn estimator is model.booster_)"),
    );
  },
} satisfies Platform;

async function find(path: string): Promise<{ bare: boolean; name: string; isBooster: boolean } | undefined> {
  let isBooster = false;
  const fits = (first: Buffer): boolean => {
    const text = first.toString("latin1");
    if (first[0] !== 0x80 || !text.includes("lightgbm.")) return false;
    isBooster ||= text.includes("lightgbm.basic");
    return true;
  };
  const found = await filesThatBegin(path, { extensions: EXTENSIONS, usual: NAMES, fits });
  return found?.names[0] === undefined ? undefined : { bare: found.bare, name: found.names[0], isBooster };
}
