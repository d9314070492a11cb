import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolders } from "../../base/test-folders.ts";
import { sklearnPlatform } from "./sklearn-platform.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/sklearn");
const newFolder = temporaryFolders();
const never = new AbortController().signal;

async function folderWith(...names: string[]): Promise<string> {
  const folder = newFolder();
  for (const name of names) await cp(join(FIXTURES, "linreg_multi/model.pkl"), join(folder, name));
  return folder;
}

describe("a model is", () => {
  test.each([
    ["model.pkl, whatever lies beside it", ["model.joblib", "other.pkl", "model.pkl"], "model.pkl"],
    ["model.joblib before names of one's own", ["a.joblib", "model.joblib"], "model.joblib"],
    ["the only file that begins like one", ["churn.PICKLE"], "churn.PICKLE"],
  ])("%s", async (_, names, chosen) => {
    const folder = await folderWith(...names);
    await writeFile(join(folder, "requirements.txt"), "scikit-learn\n");
    await writeFile(join(folder, "booster.pkl"), "\x80\x04\x95clightgbm.sklearn.LGBMClassifier");
    expect(await sklearnPlatform.detect(folder)).toEqual({ why: `holds ${chosen}, pickled by scikit-learn` });
    expect(await sklearnPlatform.read(folder, never)).toMatchObject({ runtime: "tabular", inputs: [{ alias: "X", columns: 6 }] });
  });

  test.each([
    "logreg_iris/model.joblib.gz",
    "logreg_iris/model_zlib.joblib",
    "logreg_iris/model_p0.pkl",
    "logreg_iris/model.joblib.bz2",
    "logreg_iris/model.joblib.xz",
    "logreg_iris/model_lz4.joblib",
    "logreg_iris/model.skops",
    "text_selected/model.joblib.lzma",
  ])("a bare file, here %s", async (name) => {
    const file = join(FIXTURES, name);
    expect(await sklearnPlatform.detect(file)).toEqual({ why: "is a scikit-learn model" });
    expect((await sklearnPlatform.read(file, never)).bytes).toBe((await readFile(file)).length);
  });

  test("one of several, which the reader cannot choose from", async () => {
    const folder = await folderWith("b.pkl", "a.joblib");
    expect(await sklearnPlatform.detect(folder)).toEqual({ why: "holds 2, pickled by scikit-learn" });
    await expect(sklearnPlatform.read(folder, never)).rejects.toMatchObject({
      code: "invalid-argument",
      message:
        "which of the 2 pickles of scikit-learn is the model (a.joblib, b.pkl)? Name it model.pkl, or keep each in a folder of its own",
    });
  });

  test("not anything else", async () => {
    const folder = await folderWith(".hidden.pkl", "model.txt");
    await mkdir(join(folder, "model.pkl"));
    await writeFile(join(folder, "other.pkl"), "\x80\x04\x95ctorch.nn.Linear");
    await writeFile(join(folder, "zip.pkl"), "PK\x03\x04sklearn.");
    await writeFile(join(folder, "pickle.skops"), "\x80\x04\x95csklearn.svm.SVC");
    for (const path of [folder, join(folder, "other.pkl"), join(folder, "model.txt"), join(folder, "nowhere")]) {
      expect(await sklearnPlatform.detect(path)).toBeUndefined();
    }
    await expect(sklearnPlatform.read(folder, never)).rejects.toMatchObject({ code: "not-found" });
  });
});

test("each method is a signature, and the first the default", async () => {
  const { signatures } = await sklearnPlatform.read(join(FIXTURES, "logreg_iris/model.pkl"), never);
  expect([...signatures].map(([name, { outputs }]) => [name, outputs[0]!.alias, outputs[0]!.dtype, outputs[0]!.shape])).toEqual([
    ["serving_default", "predict", "string", [-1]],
    ["predict", "predict", "string", [-1]],
    ["predict_proba", "predict_proba", "float64", [-1, 3]],
    ["predict_log_proba", "predict_log_proba", "float64", [-1, 3]],
    ["decision_function", "decision_function", "float64", [-1, 3]],
  ]);
  const transformer = await sklearnPlatform.read(join(FIXTURES, "transformer"), never);
  expect([...transformer.signatures.keys()]).toEqual(["serving_default", "transform"]);
});

test.each([
  ["logreg_iris", "setosa,versicolor,virginica", /^link/],
  // Without probabilities the class that is predicted has 1.
  ["linearsvc_iris", "0,1,2", /^one-hot/],
  ["svc_binary_bool_v15", "0,1", /^one-hot/],
  ["nested_v15", "setosa,versicolor,virginica", /^columns/],
])("a classifier, here %s, says what classify calls answer", async (name, labels, scores) => {
  const { classes, regression } = await sklearnPlatform.read(join(FIXTURES, name, "model.pkl"), never);
  expect(classes?.labels.join()).toBe(labels);
  expect(classes?.scores).toMatch(scores);
  expect(regression).toBeUndefined();
});

test.each(["ridge", "stacking_regressor_v15", "svr_rbf_v15", "target_log1p_v15"])(
  "a regressor, here %s, says what regress calls answer",
  async (name) => {
    const program = await sklearnPlatform.read(join(FIXTURES, name, "model.pkl"), never);
    expect(program.regression).toBe(program.outputs.get("predict")!.get("predict")!.value);
    expect(program.classes).toBeUndefined();
  },
);

test.each(["linreg_multi", "one_class_svm_v15", "multi_output_v15", "transformer"])("%s is neither of the two", async (name) => {
  const { classes, regression } = await sklearnPlatform.read(join(FIXTURES, name, "model.pkl"), never);
  expect([classes, regression]).toEqual([undefined, undefined]);
});

/** A pickle of protocol 0 to 2, in latin-1, after what makes the platform take it for one. */
const pickled = (text: string): string => `csklearn.base\nBaseEstimator\n0${text}`;
const estimator = (path: string, state = ""): string => {
  const dot = path.lastIndexOf(".");
  return `csklearn.${path.slice(0, dot)}\n${path.slice(dot + 1)}\n)\x81}(${state}ub`;
};
const ONE_NUMBER = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR";
const array = (shape: string, bytes: string): string =>
  `${ONE_NUMBER}(I1\n(${shape}tcnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'${bytes}'\ntb`;
const EIGHT = "\\x00".repeat(8);
/** 2^53 + 1. */
const ODD = "\\x01\\x00\\x00\\x00\\x00\\x00\\x20\\x00";

const WAY_OUT = "; skl2onnx may make ONNX of it; a Python worker can serve it (--allow_code)";

describe("refuses", () => {
  test.each([
    [
      "an estimator that is not covered",
      `${estimator("neighbors._regression.Own")}.`,
      "unimplemented",
      `Own of scikit-learn is not covered${WAY_OUT}`,
    ],
    [
      "a pipeline with a step that is not covered",
      `${estimator("pipeline.Pipeline", `S'steps'\n(lp0\n(S'x'\n${estimator("preprocessing._data.Own")}ta`)}.`,
      "unimplemented",
      `Own of scikit-learn is not covered${WAY_OUT}`,
    ],
    [
      "a predictor before other steps",
      `${estimator("pipeline.Pipeline", `S'steps'\n(lp0\n(S'x'\n${estimator("linear_model._base.LinearRegression", `S'n_features_in_'\nI1\nS'coef_'\n${array("I1\n", EIGHT)}S'intercept_'\nI0\n`)}ta(S'y'\n${estimator("cluster._kmeans.KMeans")}ta`)}.`,
      "unimplemented",
      `LinearRegression: as a step that others follow, it is not covered${WAY_OUT}`,
    ],
    [
      "labels that would be other ones",
      `${estimator("linear_model._logistic.LogisticRegression", `S'n_features_in_'\nI1\nS'coef_'\n${array("I1\n", EIGHT)}S'intercept_'\n${array("I1\n", EIGHT)}S'classes_'\n${array("I2\n", EIGHT + ODD).replaceAll("S'f8'", "S'i8'")}`)}.`,
      "unimplemented",
      `LogisticRegression: labels of more than 53 bits are not covered${WAY_OUT}`,
    ],
    ["a call", "cos\nsystem\n(S'id'\ntR.", "invalid-argument", "the pickle calls os.system, which is not a model's part"],
    [
      "a class of one's own",
      "c__main__\nMyModel\n)\x81.",
      "invalid-argument",
      "the pickle calls __main__.MyModel, which is not a model's part",
    ],
    [
      "what is no model",
      "K\x01.",
      "unimplemented",
      `the pickle holds something else, not an estimator of scikit-learn${WAY_OUT}`,
    ],
    [
      "what is not fitted",
      `${estimator("linear_model._base.LinearRegression")}.`,
      "data-loss",
      "LinearRegression: n_features_in_ is no number of columns (is it fitted?)",
    ],
    [
      "an estimator without attributes",
      "csklearn.linear_model._base\nLinearRegression\n)\x81.",
      "data-loss",
      "LinearRegression has no attributes",
    ],
    [
      "numbers that do not fit together",
      `${estimator("linear_model._base.LinearRegression", `S'n_features_in_'\nI2\nS'coef_'\n${array("I1\n", EIGHT)}`)}.`,
      "data-loss",
      "LinearRegression: coef_ has 1 numbers, not 2",
    ],
    [
      "an array of too few bytes",
      `${estimator("linear_model._base.LinearRegression", `S'n_features_in_'\nI2\nS'coef_'\n${array("I2\n", EIGHT)}`)}.`,
      "data-loss",
      "an array of numpy of the shape [2] has 8 bytes, not 16",
    ],
    ["a file that breaks off", "(K\x01", "data-loss", "the pickle breaks off: 1 bytes should follow, 0 do"],
  ])("%s", async (_, text, code, message) => {
    const file = join(newFolder(), "churn.pkl");
    await writeFile(file, pickled(text), "latin1");
    await expect(sklearnPlatform.read(file, never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`^churn\\.pkl: ${escaped(message)}( \\(byte \\d+\\))?$`)),
    });
  });

  test("pipelines within themselves", async () => {
    const file = join(newFolder(), "churn.pkl");
    const itself = `csklearn.pipeline\nPipeline\n)\x81q\x00}S'steps'\n(lp1\n(S'x'\nh\x00tasb.`;
    await writeFile(file, pickled(itself), "latin1");
    await expect(sklearnPlatform.read(file, never)).rejects.toMatchObject({
      code: "resource-exhausted",
      message: "churn.pkl: Pipeline: there are more than 10000 estimators, or 16 in one another",
    });
  });

  test("nothing of a tree that leads nowhere", async () => {
    const bytes = await readFile(join(FIXTURES, "dtree_iris/model.pkl"));
    // The root's left child, the first number of 8 bytes of its records, is the second node.
    const nodes = bytes.indexOf("node_count");
    const start = bytes.indexOf(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]), nodes);
    expect(start).toBeGreaterThan(nodes);
    const file = join(newFolder(), "tree.pkl");
    for (const [child, shown] of [
      [0, "0"],
      [99, "99"],
    ] as const) {
      bytes.writeBigInt64LE(BigInt(child), start);
      await writeFile(file, bytes);
      await expect(sklearnPlatform.read(file, never)).rejects.toMatchObject({
        code: "data-loss",
        message: expect.stringMatching(new RegExp(`^tree\\.pkl: Tree: nodes lead from 0 to ${shown} and \\d+ of \\d+$`)),
      });
    }
  });

  test("to go on when it is aborted", async () => {
    const file = join(FIXTURES, "dtree_iris/model.pkl");
    await expect(sklearnPlatform.read(file, AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
