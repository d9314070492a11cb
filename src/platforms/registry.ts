import { basename } from "node:path";
import { ServingError } from "../base/serving-error.ts";
import type { Platform } from "../model/platform.ts";
import type { PythonProgram } from "../model/python-program.ts";

/** Brings a platform when it is first asked for: most servers need few, and all of them would be half of what a start takes. */
type LoadPlatform = () => Promise<Platform>;

/** A platform and what makes it choose a path, for people; nothing where it only refuses what it finds. */
interface Entry {
  readonly name: string;
  readonly load: LoadPlatform;
  readonly looksFor?: string;
  /** Whether it is asked only where a config names the platform. */
  readonly onlyNamed?: true;
}

const torch: LoadPlatform = async () => (await import("./python/torch-platform.ts")).torchPlatform;
const pickle: LoadPlatform = async () => (await import("./python/pickle-platform.ts")).picklePlatform;

/** With other libraries' estimators, which may be in a pickle of scikit-learn's. */
async function sklearn(): Promise<Platform> {
  const [{ sklearnPlatformWith }, { boostersOf }, xgboost, lightgbm, catboost] = await Promise.all([
    import("./sklearn/sklearn-platform.ts"),
    import("./pickled-booster-platform.ts"),
    import("./xgboost/pickled-platform.ts"),
    import("./lightgbm/pickled-platform.ts"),
    import("./catboost/pickled-platform.ts"),
  ]);
  return sklearnPlatformWith(boostersOf([xgboost.xgboostPickles, lightgbm.lightgbmPickles, catboost.catboostPickles]));
}

/** With XGBoost's reader: a MOJO may hold a booster. */
async function h2o(): Promise<Platform> {
  const [{ h2oPlatform }, { readXgboost }] = await Promise.all([
    import("./h2o/h2o-platform.ts"),
    import("./xgboost/read-xgboost.ts"),
  ]);
  return h2oPlatform(readXgboost);
}

function once(make: LoadPlatform): LoadPlatform {
  let made: Promise<Platform> | undefined;
  return () => (made ??= make());
}

/** Every platform, in the order they are asked. */
const ENTRIES: readonly Entry[] = [
  // First: whatever lies beside a handler is the handler's to load.
  {
    name: "python",
    load: async () => (await import("./python/handler-platform.ts")).handlerPlatform,
    looksFor: "a folder with handler.py, or a .mar archive of TorchServe's",
  },
  {
    name: "onnx",
    load: async () => (await import("./onnx/onnx-platform.ts")).onnxPlatform,
    looksFor: "an .onnx file, or a folder with model.onnx or one .onnx file",
  },
  {
    name: "tensorflow",
    load: async () => (await import("./tensorflow/tensorflow-platform.ts")).tensorflowPlatform,
    looksFor: "a folder with saved_model.pb or saved_model.pbtxt",
  },
  {
    name: "xgboost",
    load: async () => (await import("./xgboost/xgboost-platform.ts")).xgboostPlatform,
    looksFor: "a model that XGBoost saved (.json, .ubj, .bst), or a folder with one",
  },
  {
    name: "lightgbm",
    load: async () => (await import("./lightgbm/lightgbm-platform.ts")).lightgbmPlatform,
    looksFor: "a model that LightGBM saved as text, or a folder with one",
  },
  {
    name: "catboost",
    load: async () => (await import("./catboost/catboost-platform.ts")).catboostPlatform,
    looksFor: "a model that CatBoost saved (.cbm, .json), or a folder with one",
  },
  {
    name: "sklearn",
    load: once(sklearn),
    looksFor: "a model that scikit-learn saved by pickle, joblib or skops, or a folder with one",
  },
  { name: "h2o", load: once(h2o), looksFor: "an H2O MOJO (.zip), or a folder with one or its files" },
  {
    name: "spark",
    load: async () => (await import("./spark/spark-platform.ts")).sparkPlatform,
    looksFor: "a folder that Spark MLlib saved, with metadata",
  },
  {
    name: "pmml",
    load: async () => (await import("./pmml/pmml-platform.ts")).pmmlPlatform,
    looksFor: "a PMML document (.pmml, .xml), or a folder with one",
  },
  {
    name: "caffe2",
    load: async () => (await import("./caffe2/caffe2-platform.ts")).caffe2Platform,
    looksFor: "a folder with init_net.pb and predict_net.pb",
  },
  {
    name: "mxnet",
    load: async () => (await import("./mxnet/mxnet-platform.ts")).mxnetPlatform,
    looksFor: "PREFIX-symbol.json with PREFIX-NNNN.params, in a folder or as the prefix of a path",
  },
  {
    name: "cntk",
    load: async () => (await import("./cntk/cntk-platform.ts")).cntkPlatform,
    looksFor: "a model that CNTK saved (.model, .dnn, .cmf, .cntk), or a folder with one",
  },
  {
    name: "pytorch",
    load: async () => (await import("./pytorch/pt2-platform.ts")).pt2Platform,
    looksFor: "a program that torch.export saved (.pt2), or a folder with one",
  },
  { name: "pytorch", load: torch, looksFor: "a file of PyTorch's (.pt, .pth, .ts, .bin, .ckpt), or a folder with one" },
  // Last: what it refuses may be another platform's to serve.
  { name: "tensorflow", load: async () => (await import("./tensorflow/unexported-platform.ts")).unexportedPlatform },
  { name: "h2o", load: async () => (await import("./h2o/unserved-platform.ts")).unservedH2oPlatform },
  { name: "lightgbm", load: async () => (await import("./lightgbm/pickled-platform.ts")).pickledLightgbmPlatform },
  { name: "xgboost", load: async () => (await import("./xgboost/pickled-platform.ts")).pickledXgboostPlatform },
  { name: "catboost", load: async () => (await import("./catboost/pickled-platform.ts")).pickledCatboostPlatform },
  { name: "python", load: pickle, onlyNamed: true },
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
export const PLATFORM_NAMES: readonly string[] = [...new Set(ENTRIES.map(({ name }) => name)), ...ALIASES.keys()];

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
  const wanted = only === undefined ? undefined : (ALIASES.get(only) ?? only);
  const asked = ENTRIES.filter(({ name, onlyNamed }) => (wanted === undefined ? !onlyNamed : name === wanted));
  if (asked.length === 0) {
    throw new ServingError("invalid-argument", `there is no platform "${only}" (known: ${PLATFORM_NAMES.join(", ")})`);
  }
  for (const { load } of asked) {
    const platform = await load();
    const detection = await platform.detect(path);
    if (detection !== undefined) return { platform, why: detection.why };
  }
  const looked = asked.flatMap(({ name, looksFor }) => (looksFor ? `${name}: ${looksFor}` : [])).join("; ");
  throw new ServingError("not-found", `"${basename(path)}" holds no model that can be served (looked for ${looked})`);
}

/** What Python workers can load of the files that a platform reads, by its name. */
const WORKERS: ReadonlyMap<string, LoadPlatform> = new Map([
  ["sklearn", pickle],
  ["xgboost", pickle],
  ["lightgbm", pickle],
  ["catboost", pickle],
  ["pytorch", torch],
]);

/** What a Python worker may make of files that `platform` has refused to read; undefined where it can make nothing of them. */
export async function workerProgram(platform: string, path: string, signal: AbortSignal): Promise<PythonProgram | undefined> {
  try {
    const other = await WORKERS.get(platform)?.();
    if (other === undefined || (await other.detect(path)) === undefined) return undefined;
    const program = await other.read(path, signal);
    return program.runtime === "python" ? program : undefined;
  } catch {
    return undefined;
  }
}

/** Whether some platform recognises the files at a path. */
export async function isModel(path: string): Promise<boolean> {
  for (const { load, onlyNamed } of ENTRIES) if (!onlyNamed && (await (await load()).detect(path)) !== undefined) return true;
  return false;
}
