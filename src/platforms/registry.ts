import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { Platform } from "../model/platform.ts";
import { caffe2Platform } from "./caffe2/caffe2-platform.ts";
import { cntkPlatform } from "./cntk/cntk-platform.ts";
import { lightgbmPlatform } from "./lightgbm/lightgbm-platform.ts";
import { pickledLightgbmPlatform } from "./lightgbm/pickled-platform.ts";
import { mxnetPlatform } from "./mxnet/mxnet-platform.ts";
import { onnxPlatform } from "./onnx/onnx-platform.ts";
import { sklearnPlatform } from "./sklearn/sklearn-platform.ts";
import { tensorflowPlatform } from "./tensorflow/tensorflow-platform.ts";
import { unexportedPlatform } from "./tensorflow/unexported-platform.ts";
import { pickledXgboostPlatform } from "./xgboost/pickled-platform.ts";
import { xgboostPlatform } from "./xgboost/xgboost-platform.ts";

/** A platform and what makes it choose a path, for people; nothing where it only refuses what it finds. */
interface Entry {
  readonly platform: Platform;
  readonly looksFor?: string;
}

/** Every platform, in the order they are asked. */
const ENTRIES: readonly Entry[] = [
  { platform: onnxPlatform, looksFor: "an .onnx file, or a folder with model.onnx or one .onnx file" },
  { platform: tensorflowPlatform, looksFor: "a folder with saved_model.pb or saved_model.pbtxt" },
  { platform: xgboostPlatform, looksFor: "a model that XGBoost saved (.json, .ubj, .bst), or a folder with one" },
  { platform: lightgbmPlatform, looksFor: "a model that LightGBM saved as text, or a folder with one" },
  { platform: sklearnPlatform, looksFor: "a model that scikit-learn pickled, by pickle or joblib, or a folder with one" },
  { platform: caffe2Platform, looksFor: "a folder with init_net.pb and predict_net.pb" },
  { platform: mxnetPlatform, looksFor: "PREFIX-symbol.json with PREFIX-NNNN.params, in a folder or as the prefix of a path" },
  { platform: cntkPlatform, looksFor: "a model that CNTK saved (.model, .dnn, .cmf, .cntk), or a folder with one" },
  // Last: what it refuses may be another platform's to serve.
  { platform: unexportedPlatform },
  { platform: pickledLightgbmPlatform },
  { platform: pickledXgboostPlatform },
];

/** Other servers' names of platforms. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["scikitlearn", "sklearn"],
  ["scikit-learn", "sklearn"],
  ["pytorch_onnx", "onnx"],
  ["caffe2_onnx", "onnx"],
  ["cntk_onnx", "onnx"],
  ["mlserver_sklearn.SKLearnModel", "sklearn"],
  ["mlserver_xgboost.XGBoostModel", "xgboost"],
  ["mlserver_lightgbm.LightGBMModel", "lightgbm"],
]);

/** Names that a config may give as a model's platform. */
export const PLATFORM_NAMES: readonly string[] = [...new Set(ENTRIES.map(({ platform }) => platform.name)), ...ALIASES.keys()];

/** The platform that reads a path, and why it was chosen. */
export interface DetectedPlatform {
  readonly platform: Platform;
  readonly why: string;
}

/**
 * Finds the platform of the model at `path`, a version's folder or a bare file. With `only`, no other platform is asked.
 *
 * @throws ServingError invalid-argument for an unknown platform's name; not-found when no platform knows the files, saying
 * what was looked for.
 */
export async function detectPlatform(path: string, only?: string): Promise<DetectedPlatform> {
  const name = only === undefined ? undefined : (ALIASES.get(only) ?? only);
  const asked = name === undefined ? ENTRIES : ENTRIES.filter(({ platform }) => platform.name === name);
  if (asked.length === 0) {
    throw new ServingError("invalid-argument", `there is no platform "${only}" (known: ${PLATFORM_NAMES.join(", ")})`);
  }
  for (const { platform } of asked) {
    const detection = await platform.detect(path);
    if (detection !== undefined) return { platform, why: detection.why };
  }
  const looked = asked.flatMap(({ platform, looksFor }) => (looksFor ? `${platform.name}: ${looksFor}` : [])).join("; ");
  throw new ServingError("not-found", `"${basename(path)}" holds no model that can be served (looked for ${looked})`);
}

/** Whether some platform recognises the files at a path. */
export async function isModel(path: string): Promise<boolean> {
  for (const { platform } of ENTRIES) if ((await platform.detect(path)) !== undefined) return true;
  return false;
}
