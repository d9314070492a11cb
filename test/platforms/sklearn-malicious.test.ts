import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import type { TabularProgram } from "../../src/model/tabular/tabular-program.ts";
import { sklearnPlatform } from "../../src/platforms/sklearn/sklearn-platform.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";

const newFolder = temporaryFolders();
const never = new AbortController().signal;

/** Reads a pickle of protocol 0 to 2, in latin-1, after what makes the platform take it for one of its own. */
async function read(text: string): Promise<unknown> {
  const file = join(newFolder(), "model.pkl");
  await writeFile(file, `csklearn.base\nBaseEstimator\n0${text}`, "latin1");
  return sklearnPlatform.read(file, never);
}

/** An estimator with attributes; `within` is one attribute's value. */
const estimator = (path: string, state: string): string => {
  const dot = path.lastIndexOf(".");
  return `csklearn.${path.slice(0, dot)}\n${path.slice(dot + 1)}\n)\x81}(${state}ub`;
};
const pipelineOf = (within: string): string => `${estimator("pipeline.Pipeline", `S'steps'\n(lp9\n(S'x'\n${within}ta`)}.`;
const array = (shape: string, type: string, bytes: string): string =>
  `cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(${shape}tcnumpy\ndtype\n(S'${type}'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'${bytes}'\ntb`;

describe("code that a pickle would run is refused with its name, and not run:", () => {
  test.each([
    ["os.system", (arguments_: string) => `cos\nsystem\n(S'${arguments_}'\ntR`],
    ["posix.system", (arguments_: string) => `cposix\nsystem\n(S'${arguments_}'\ntR`],
    ["nt.system", (arguments_: string) => `cnt\nsystem\n(S'${arguments_}'\ntR`],
    ["subprocess.Popen", (arguments_: string) => `csubprocess\nPopen\n((lS'${arguments_}'\nI1\ntR`],
    ["builtins.eval", (arguments_: string) => `c__builtin__\neval\n(S'__import__("os").system("${arguments_}")'\ntR`],
    ["builtins.exec", (arguments_: string) => `cbuiltins\nexec\n(S'import os; os.system("${arguments_}")'\ntR`],
    ["builtins.getattr", () => "cbuiltins\ngetattr\n(cbuiltins\nobject\nS'__subclasses__'\ntR"],
    ["builtins.__import__", () => "cbuiltins\n__import__\n(S'os'\ntR"],
    ["builtins.open", (arguments_: string) => `cbuiltins\nopen\n(S'${arguments_.split(" ")[1]}'\nS'w'\ntR`],
    ["importlib.import_module", () => "cimportlib\nimport_module\n(S'os'\ntR"],
    ["pickle.loads", () => "cpickle\nloads\n(S'cos\\nsystem\\n.'\ntR"],
    ["marshal.loads", () => "cmarshal\nloads\n(S'c'\ntR"],
    ["types.FunctionType", () => "ctypes\nFunctionType\n(tR"],
    ["runpy.run_path", () => "crunpy\nrun_path\n(S'/tmp/x.py'\ntR"],
    ["operator.attrgetter", () => "coperator\nattrgetter\n(S'system'\ntR"],
    ["shutil.rmtree", () => "cshutil\nrmtree\n(S'/'\ntR"],
    ["joblib.load", () => "cjoblib\nload\n(S'other.pkl'\ntR"],
    ["numpy.load", () => "cnumpy\nload\n(S'other.npy'\ntR"],
    ["__main__.Model", () => "c__main__\nModel\n)\x81"],
    // A callable in the arguments of one that may be there, for a transformer to call.
    ["os.system", () => "cfunctools\npartial\n(cos\nsystem\ntR"],
  ])("%s", async (name, call) => {
    const marker = join(newFolder(), "ran");
    const made = call(`touch ${marker}`);
    const refusal = {
      code: "invalid-argument",
      message: expect.stringContaining(`the pickle calls ${name}, which is not a model's part`),
    };
    await expect(read(`${made}.`)).rejects.toMatchObject(refusal);
    await expect(read(pipelineOf(made))).rejects.toMatchObject(refusal);
    expect(existsSync(marker)).toBe(false);
  });

  test("a name that pretends to be scikit-learn's is no estimator", async () => {
    for (const name of ["sklearn.utils\nos.system", "sklearn.utils.os\nsystem"]) {
      await expect(read(`c${name}\n(S'touch ran'\ntR.`)).rejects.toMatchObject({
        code: expect.stringMatching(/unimplemented|data-loss/),
      });
    }
  });

  test("a method called on the way to a state is only data", async () => {
    // What __reduce__ may give beside a call: a state, items and entries for an object that has none.
    const text = "csklearn.base\nBaseEstimator\n)R(S'__class__'\ncsklearn.base\nclone\ndb(lS'a'\na.";
    await expect(read(text)).rejects.toMatchObject({ code: expect.stringMatching(/unimplemented|data-loss/) });
  });
});

describe("what would take all memory or time is refused:", () => {
  test("estimators within one another without an end", async () => {
    const itself = `csklearn.model_selection\nGridSearchCV\n)\x81q\x00}S'best_estimator_'\nh\x00sb.`;
    await expect(read(itself)).rejects.toMatchObject({ code: "resource-exhausted" });
  });

  test("one estimator in two places, sixteen times over", async () => {
    let text = `${estimator("linear_model.LinearRegression", `S'n_features_in_'\nI1\nS'coef_'\n${array("I1\n", "f8", "\\x00".repeat(8))}S'intercept_'\nI0\n`)}`;
    for (let level = 0; level < 15; level++) {
      text = estimator("ensemble.VotingRegressor", `S'weights'\nNS'estimators_'\n(l${text}q\x05ah\x05a`);
    }
    await expect(read(`${text}.`)).rejects.toMatchObject({
      code: "resource-exhausted",
      message: expect.stringContaining("more than 10000 estimators"),
    });
  });

  test("one large table in a thousand places", async () => {
    const width = 2 ** 17;
    const line = estimator(
      "linear_model.LinearRegression",
      `S'n_features_in_'\nI${width}\nS'coef_'\n${array(`I${width}\n`, "f8", "").replace("S''\ntb", `T\x00\x00\x10\x00${"\0".repeat(width * 8)}tb`)}S'intercept_'\nI0\n`,
    );
    const text = estimator("multioutput.MultiOutputRegressor", `S'estimators_'\n(l${line}q\x05a${"h\x05a".repeat(1000)}`);
    await expect(read(`${text}.`)).rejects.toMatchObject({
      code: "resource-exhausted",
      message: expect.stringContaining("too large for the size of its file"),
    });
  });

  test.each([
    ["an array of more than the file has", "I1000000000\n", "of the shape [1000000000] has 8 bytes, not 8000000000"],
    ["an array of negative size", "I-1\n", "has no shape"],
    ["an array of more than numbers can count", "I4611686018427387904\nI4611686018427387904\n", "shape"],
  ])("%s", async (_, shape, message) => {
    const state = `S'n_features_in_'\nI1\nS'coef_'\n${array(shape, "f8", "\\x00".repeat(8))}`;
    await expect(read(`${estimator("linear_model.LinearRegression", state)}.`)).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringContaining(message),
    });
  });
});

/** Models of which each part is reached: trees, sets of categories, trees of points, support vectors, members within members. */
const MODELS = ["hist_categories_v024", "knr_ball_tree_v15", "svc_ovo_v15", "nested_v15", "isolation_features_v15"];

describe("a file that is cut off or changed at 200 places ends in an error that names it, or in a model that answers:", () => {
  test.each(MODELS)("%s", { timeout: 60_000 }, async (name) => {
    const bytes = await readFile(fixture("sklearn", name, "model.pkl"));
    const file = join(newFolder(), "model.pkl");
    for (let i = 0; i < 200; i++) {
      const place = Math.floor((i * bytes.length) / 200);
      await writeFile(file, bytes.subarray(0, place));
      await expect(sklearnPlatform.read(file, never)).rejects.toMatchObject(REFUSAL);
      const changed = Buffer.from(bytes);
      changed[place] ^= 0x55 + (i % 3);
      await writeFile(file, changed);
      const program = await sklearnPlatform.read(file, never).catch((reason: unknown) => {
        expect(reason).toMatchObject(REFUSAL);
      });
      if (program !== undefined) await expectAnswer(program);
    }
  });
});

const REFUSAL = {
  name: "ServingError",
  code: expect.stringMatching(/^(data-loss|unimplemented|invalid-argument|resource-exhausted|not-found)$/),
  message: expect.stringMatching(/^(model\.pkl: |there is no pickle)/),
};

/** A row of zeros is answered, or refused. */
async function expectAnswer(program: TabularProgram): Promise<void> {
  const servable = new TabularServable(program);
  const { columns } = program.inputs[0];
  const row: Tensor = { dtype: "float64", shape: [1, columns], data: new Float64Array(columns) };
  for (const [name, { outputs }] of program.signatures) {
    try {
      const answers = await servable.run(
        name,
        new Map([["X", row]]),
        outputs.map(({ alias }) => alias),
      );
      expect(answers.size).toBe(outputs.length);
    } catch (reason) {
      expect(reason).toBeInstanceOf(ServingError);
    }
  }
}
