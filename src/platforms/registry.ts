import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { Platform } from "../model/platform.ts";
import type { PythonProgram } from "../model/python-program.ts";
import { caffe2Platform } from "./caffe2/caffe2-platform.ts";
import { catboostPlatform } from "./catboost/catboost-platform.ts";
import { catboostPickles, pickledCatboostPlatform } from "./catboost/pickled-platform.ts";
import { cntkPlatform } from "./cntk/cntk-platform.ts";
import { h2oPlatform } from "./h2o/h2o-platform.ts";
import { unservedH2oPlatform } from "./h2o/unserved-platform.ts";
import { lightgbmPlatform } from "./lightgbm/lightgbm-platform.ts";
import { lightgbmPickles, pickledLightgbmPlatform } from "./lightgbm/pickled-platform.ts";
import { mxnetPlatform } from "./mxnet/mxnet-platform.ts";
import { onnxPlatform } from "./onnx/onnx-platform.ts";
import { boostersOf } from "./pickled-booster-platform.ts";
import { pmmlPlatform } from "./pmml/pmml-platform.ts";
import { handlerPlatform } from "./python/handler-platform.ts";
import { picklePlatform } from "./python/pickle-platform.ts";
import { torchPlatform } from "./python/torch-platform.ts";
import { pt2Platform } from "./pytorch/pt2-platform.ts";
import { sklearnPlatformWith } from "./sklearn/sklearn-platform.ts";
import { sparkPlatform } from "./spark/spark-platform.ts";
import { tensorflowPlatform } from "./tensorflow/tensorflow-platform.ts";
import { unexportedPlatform } from "./tensorflow/unexported-platform.ts";
import { pickledXgboostPlatform, xgboostPickles } from "./xgboost/pickled-platform.ts";
import { readXgboost } from "./xgboost/read-xgboost.ts";
import { xgboostPlatform } from "./xgboost/xgboost-platform.ts";

/** A platform and what makes it choose a path, for people; nothing where it only refuses what it finds. */
interface Entry {
  readonly platform: Platform;
  readonly looksFor?: string;
  /** Whether it is asked only where a config names the platform. */
  readonly onlyNamed?: true;
}

/** Other libraries' estimators that may be in a pickle of scikit-learn's. */
const BOOSTERS = boostersOf([xgboostPickles, lightgbmPickles, catboostPickles]);

/** Every platform, in the order they are asked. */
const ENTRIES: readonly Entry[] = [
  // First: whatever lies beside a handler is the handler's to load.
  { platform: handlerPlatform, looksFor: "a folder with handler.py, or a .mar archive of TorchServe's" },
  { platform: onnxPlatform, looksFor: "an .onnx file, or a folder with model.onnx or one .onnx file" },
  { platform: tensorflowPlatform, looksFor: "a folder with saved_model.pb or saved_model.pbtxt" },
  { platform: xgboostPlatform, looksFor: "a model that XGBoost saved (.json, .ubj, .bst), or a folder with one" },
  { platform: lightgbmPlatform, looksFor: "a model that LightGBM saved as text, or a folder with one" },
  { platform: catboostPlatform, looksFor: "a model that CatBoost saved (.cbm, .json), or a folder with one" },
  {
    platform: sklearnPlatformWith(BOOSTERS),
    looksFor: "a model that scikit-learn saved by pickle, joblib or skops, or a folder with one",
  },
  { platform: h2oPlatform(readXgboost), looksFor: "an H2O MOJO (.zip), or a folder with one or its files" },
  { platform: sparkPlatform, looksFor: "a folder that Spark MLlib saved, with metadata" },
  { platform: pmmlPlatform, looksFor: "a PMML document (.pmml, .xml), or a folder with one" },
  { platform: caffe2Platform, looksFor: "a folder with init_net.pb and predict_net.pb" },
  { platform: mxnetPlatform, looksFor: "PREFIX-symbol.json with PREFIX-NNNN.params, in a folder or as the prefix of a path" },
  { platform: cntkPlatform, looksFor: "a model that CNTK saved (.model, .dnn, .cmf, .cntk), or a folder with one" },
  { platform: pt2Platform, looksFor: "a program that torch.export saved (.pt2), or a folder with one" },
  { platform: torchPlatform, looksFor: "a file of PyTorch's (.pt, .pth, .ts, .bin, .ckpt), or a folder with one" },
  // Last: what it refuses may be another platform's to serve.
  { platform: unexportedPlatform },
  { platform: unservedH2oPlatform },
  { platform: pickledLightgbmPlatform },
  { platform: pickledXgboostPlatform },
  { platform: pickledCatboostPlatform },
  { platform: picklePlatform, onlyNamed: true },
];

/** Other servers' names of platforms. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["scikitlearn", "sklearn"],
  ["torchscript", "pytorch"],
  ["pytorch_libtorch", "pytorch"],
  ["torchserve", "python"],
  ["scikit-learn", "sklearn"],
  ["pytorch_onnx", "onnx"],
  ["caffe2_onnx", "onnx"],
  ["cntk_onnx", "onnx"],
  ["mlserver_sklearn.SKLearnModel", "sklearn"],
  ["mlserver_xgboost.XGBoostModel", "xgboost"],
  ["mlserver_lightgbm.LightGBMModel", "lightgbm"],
  ["mllib", "spark"],
  ["mlserver_mllib.MLlibModel", "spark"],
  ["mlserver_catboost.CatboostModel", "catboost"],
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
  const asked =
    name === undefined ? ENTRIES.filter(({ onlyNamed }) => !onlyNamed) : ENTRIES.filter(({ platform }) => platform.name === name);
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

/** What Python workers can load of the files that a platform reads, by its name. */
const WORKERS: ReadonlyMap<string, Platform> = new Map<string, Platform>([
  ["sklearn", picklePlatform],
  ["xgboost", picklePlatform],
  ["lightgbm", picklePlatform],
  ["catboost", picklePlatform],
  ["pytorch", torchPlatform],
]);

/** What a Python worker may make of files that `platform` has refused to read; undefined where it can make nothing of them. */
export async function workerProgram(platform: string, path: string, signal: AbortSignal): Promise<PythonProgram | undefined> {
  const other = WORKERS.get(platform);
  try {
    if (other === undefined || (await other.detect(path)) === undefined) return undefined;
    const program = await other.read(path, signal);
    return program.runtime === "python" ? program : undefined;
  } catch {
    return undefined;
  }
}

/** Whether some platform recognises the files at a path. */
export async function isModel(path: string): Promise<boolean> {
  for (const { platform, onlyNamed } of ENTRIES) if (!onlyNamed && (await platform.detect(path)) !== undefined) return true;
  return false;
}
