import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import { sparkPlatform } from "../../src/platforms/spark/spark-platform.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { compareTabular, inputTensor, OTHERS_ARE_THERE, tabularModels, tensorAnswer } from "../support/tabular-golden.ts";

const NEVER = new AbortController().signal;
const folder = temporaryFolders();

test.skipIf(OTHERS_ARE_THERE)("(models of others are skipped: the folder shared is not there)", () => undefined);

describe.each(tabularModels("spark", "model"))("$name answers as Spark does", async ({ path, cases }) => {
  const program = await sparkPlatform.read(path, NEVER);
  const servable = new TabularServable(program);

  test("and is found by its metadata", async () => {
    expect((await sparkPlatform.detect(path))?.why).toMatch(/^holds metadata of (?:org\.apache\.spark|pyspark)\.ml\./);
  });

  test.each(cases.map((each) => [each.signature, each] as const))("%s", async (signature, { inputs, outputs }) => {
    const given = new Map(Object.entries(inputs).map(([alias, tensor]) => [alias, inputTensor(tensor)]));
    const answers = await servable.run(signature, given, Object.keys(outputs!));
    for (const [alias, wanted] of Object.entries(outputs!)) {
      const declared = program.signatures.get(signature)!.outputs.find((output) => output.alias === alias)!;
      expect(declared.dtype, alias).toBe(wanted.dtype === "list" ? "string" : wanted.dtype);
      compareTabular(tensorAnswer(answers.get(alias)!), wanted, 1e-9, alias);
    }
  });
});

/** A copy of a fixture's model, to be damaged. */
function copyOf(name: string): string {
  const path = join(folder(), name);
  cpSync(fixture("spark", name, "model"), path, { recursive: true });
  return path;
}

/** A folder of metadata only: a stage, or a pipeline of several. */
function saved(...stages: readonly Readonly<Record<string, unknown>>[]): string {
  const path = folder();
  const write = (at: string, metadata: object) => {
    mkdirSync(join(at, "metadata"), { recursive: true });
    writeFileSync(join(at, "metadata", "part-00000"), `${JSON.stringify(metadata)}\n`);
  };
  const whole = (stage: object) => ({
    class: "",
    timestamp: 1,
    sparkVersion: "3.5.3",
    uid: "x",
    paramMap: {},
    defaultParamMap: {},
    ...stage,
  });
  if (stages.length === 1) write(path, whole(stages[0]));
  else {
    write(path, whole({ class: "org.apache.spark.ml.PipelineModel", paramMap: { stageUids: stages.map((_, i) => `s${i}`) } }));
    for (const [i, stage] of stages.entries()) write(join(path, "stages", `${i}_s${i}`), whole(stage));
  }
  return path;
}

async function refusal(path: string): Promise<ServingError> {
  const reason = await sparkPlatform.read(path, NEVER).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(reason).toBeInstanceOf(ServingError);
  return reason as ServingError;
}

const ml = (name: string) => `org.apache.spark.ml.${name}`;
const assembler = { class: ml("feature.VectorAssembler"), paramMap: { inputCols: ["a"], outputCol: "features" } };
const tokens = (pattern: string) => ({
  class: ml("feature.RegexTokenizer"),
  paramMap: { inputCol: "t", outputCol: "w", pattern },
});

describe("what is not covered fails the load with its name and the way out", () => {
  test.each<[string, readonly Readonly<Record<string, unknown>>[], RegExp]>([
    ["a query", [{ class: ml("feature.SQLTransformer"), paramMap: { statement: "DROP" } }], /^SQLTransformer: it is a query/],
    ["recommendations", [{ class: ml("recommendation.ALSModel") }], /^ALSModel: /],
    ["topics", [{ class: ml("clustering.LocalLDAModel") }], /^LocalLDAModel: /],
    [
      "any other stage",
      [assembler, { class: ml("feature.MinHashLSHModel") }],
      /^MinHashLSHModel \(stages\/1_s1\): it is not covered/,
    ],
    [
      "an estimator that was not fitted",
      [{ class: ml("classification.LogisticRegression") }],
      /^LogisticRegression: it is not covered/,
    ],
    [
      "the former API",
      [{ class: "org.apache.spark.mllib.classification.LogisticRegressionModel", version: "1.0" }],
      /former API \(mllib\).*org\.apache\.spark\.ml/,
    ],
    [
      "XGBoost4J-Spark",
      [assembler, { class: "ml.dmlc.xgboost4j.scala.spark.XGBoostClassificationModel" }],
      /XGBoost for Spark.*native booster/,
    ],
    [
      "SynapseML's LightGBM",
      [assembler, { class: "com.microsoft.azure.synapse.ml.lightgbm.LightGBMClassificationModel" }],
      /LightGBM for Spark.*saveNativeModel/,
    ],
    ["a class of somebody's", [{ class: "com.example.MyModel" }], /^com\.example\.MyModel is no class of Spark's own/],
    [
      "a pattern that means something else in JavaScript",
      [tokens("\\bword\\b")],
      /^RegexTokenizer: the pattern .* \\b is not covered/,
    ],
    ["a pattern that could run away", [tokens("(a+)+b")], /^RegexTokenizer: the pattern .* could take very long/],
    [
      "vectors of nobody knows what length",
      [{ class: ml("feature.Normalizer"), paramMap: { inputCol: "features", outputCol: "n" } }],
      /column "features".*VectorSizeHint/,
    ],
    [
      "words of a request",
      [{ class: ml("feature.NGram"), paramMap: { inputCol: "w", outputCol: "n" } }],
      /^NGram: column "w".*tokenizer/,
    ],
    [
      "a column of two kinds",
      [assembler, { class: ml("feature.Tokenizer"), paramMap: { inputCol: "a", outputCol: "w" } }],
      /column "a" would have to be a text and is a number/,
    ],
    [
      "vectors that are too wide",
      [{ class: ml("feature.HashingTF"), paramMap: { inputCol: "w", outputCol: "f", numFeatures: 2 ** 30 } }],
      /^HashingTF: /,
    ],
  ])("%s", async (_, stages, message) => {
    const path = saved(...stages);
    expect(await sparkPlatform.detect(path)).toBeDefined();
    const { code, message: found } = await refusal(path);
    expect(found).toMatch(message);
    expect(code).toBe("unimplemented");
  });
});

describe("the width of vectors that come with the request is found", () => {
  const product = (inputCol: string) => ({
    class: ml("feature.ElementwiseProduct"),
    paramMap: { inputCol, outputCol: "product", scalingVec: { type: 1, values: [1, 2, 3] } },
  });
  const normalizer = { class: ml("feature.Normalizer"), paramMap: { inputCol: "features", outputCol: "unit" } };
  const powers = { class: ml("feature.PolynomialExpansion"), paramMap: { inputCol: "unit", outputCol: "powers", degree: 1 } };
  const both = { class: ml("feature.VectorAssembler"), paramMap: { inputCols: ["unit", "b"], outputCol: "both" } };

  test.each<[string, readonly Readonly<Record<string, unknown>>[], Readonly<Record<string, readonly number[]>>]>([
    ["from a stage behind others", [normalizer, powers, product("powers")], { features: [-1, 3] }],
    ["from what it is put together with", [normalizer, both, product("both")], { features: [-1, 2], b: [-1] }],
    ["where it is the only column that is put together", [assembler, product("features")], { a: [-1, 3] }],
    [
      "from a hint",
      [{ class: ml("feature.VectorSizeHint"), paramMap: { inputCol: "features", size: 7 } }, normalizer],
      { features: [-1, 7] },
    ],
  ])("%s", async (_, stages, shapes) => {
    const { signatures } = await sparkPlatform.read(saved(...stages), NEVER);
    const { inputs } = signatures.get("transform")!;
    expect(Object.fromEntries(inputs.map(({ alias, shape }) => [alias, shape]))).toEqual(shapes);
  });

  test("and not where it could be that of several", async () => {
    const several = { class: ml("feature.VectorAssembler"), paramMap: { inputCols: ["a", "b"], outputCol: "features" } };
    expect(await refusal(saved(several, product("features")))).toMatchObject({
      code: "unimplemented",
      message: 'ElementwiseProduct (stages/1_s1): column "features" has 2 numbers where the model takes 3',
    });
  });
});

describe("a hostile model is refused", () => {
  test("a stage whose uid leads out of the folder", async () => {
    const path = saved(assembler, assembler);
    const metadata = join(path, "metadata", "part-00000");
    writeFileSync(metadata, readFileSync(metadata, "utf8").replace('"s1"', '"../../../etc"'));
    expect(await refusal(path)).toMatchObject({ code: "data-loss", message: "stages/1_../../../etc is not there" });
  });

  test("pipelines within one another without end", async () => {
    const path = folder();
    let at = path;
    for (let depth = 0; depth < 30; depth++) {
      mkdirSync(join(at, "metadata"), { recursive: true });
      const uid = "p";
      writeFileSync(
        join(at, "metadata", "part-00000"),
        JSON.stringify({ class: ml("PipelineModel"), timestamp: 1, sparkVersion: "3.5.3", uid, paramMap: { stageUids: [uid] } }),
      );
      at = join(at, "stages", "0_p");
    }
    expect(await refusal(path)).toMatchObject({ code: "resource-exhausted" });
  });

  test.each<[string, string]>([
    [
      "deep",
      `{"class":"${ml("PipelineModel")}","timestamp":1,"sparkVersion":"3.5.3","uid":"p","paramMap":${"[".repeat(200_000)}`,
    ],
    ["empty", ""],
    ["no JSON", `{"class":"${ml("PipelineModel")}","timestamp":1,`],
    ["of another class", `{"class":7,"timestamp":1}`],
    ["without version", `{"class":"${ml("PipelineModel")}","timestamp":1,"uid":"p"}`],
  ])("metadata that are %s", async (_, line) => {
    const path = saved(assembler);
    writeFileSync(join(path, "metadata", "part-00000"), line);
    const { code, message } = await refusal(path);
    expect(code).toBe("data-loss");
    expect(message).toContain("metadata/part-00000");
  });

  test("names of an object's own things are parameters like others", async () => {
    const path = saved({
      class: ml("feature.VectorAssembler"),
      paramMap: JSON.parse('{"__proto__": {"inputCols": ["a"]}, "outputCol": "v"}'),
    });
    expect(await refusal(path)).toMatchObject({ code: "data-loss", message: "VectorAssembler: inputCols is empty" });
  });
});

/** All files of a model's folder, by their places in it. */
function filesOf(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith(".") && !entry.name.startsWith("_"))
    .map((entry) => join(entry.parentPath, entry.name));
}

const CODES = ["data-loss", "unimplemented", "resource-exhausted", "not-found"];

describe.each(["gbt_lz4", "bisecting", "glr_offset"])("%s with a file that is damaged", (name) => {
  test("is refused wherever the file breaks off, naming file or stage", async () => {
    const path = copyOf(name);
    for (const file of filesOf(path)) {
      const whole = readFileSync(file);
      const step = Math.max(1, Math.floor(whole.length / 200));
      for (let length = 0; length < whole.length - 1; length += step) {
        writeFileSync(file, whole.subarray(0, length));
        const { code, message } = await refusal(path);
        expect(CODES, message).toContain(code);
        expect(message).toContain(file.slice(path.length + 1).replaceAll("\\", "/"));
      }
      writeFileSync(file, whole);
    }
  });

  test("is refused or answers, whichever byte is another", async () => {
    const path = copyOf(name);
    for (const file of filesOf(path)) {
      const whole = readFileSync(file);
      const step = Math.max(1, Math.floor(whole.length / 200));
      for (let at = 0; at < whole.length; at += step) {
        const changed = Buffer.from(whole);
        changed[at] ^= 0xff;
        writeFileSync(file, changed);
        await sparkPlatform.read(path, NEVER).catch((reason: unknown) => {
          expect(reason).toBeInstanceOf(ServingError);
          expect(CODES, (reason as Error).message).toContain((reason as ServingError).code);
        });
      }
      writeFileSync(file, whole);
    }
  });

  test("is refused without one of its folders", async () => {
    const path = copyOf(name);
    rmSync(join(path, readdirSync(path).find((entry) => entry === "data" || entry === "stages")!), { recursive: true });
    const { code, message } = await refusal(path);
    expect(code).toBe("not-found");
    expect(message).toMatch(/^the model has no folder (?:data|stages)/);
  });
});

test("a label that a request leaves out is missing, and one that is there is indexed", async () => {
  const servable = new TabularServable(await sparkPlatform.read(fixture("spark", "columns_keep", "model"), NEVER));
  const { inputs } = tabularModels("spark", "model").find(({ name }) => name === "columns_keep.model")!.cases[0];
  const given = new Map(Object.entries(inputs).map(([alias, tensor]) => [alias, inputTensor(tensor)]));
  const without = await servable.run("transform", given, ["label_ix"]);
  expect(tensorAnswer(without.get("label_ix")!).data.every(Number.isNaN)).toBe(true);
  const rows = inputs.age.shape[0];
  const label = inputTensor({
    dtype: "string",
    shape: [rows],
    data: Array.from({ length: rows }, (_, i) => (i === 0 ? "yes" : "no")),
  });
  const found = tensorAnswer(
    (await servable.run("transform", new Map([...given, ["label", label]]), ["label_ix"])).get("label_ix")!,
  ).data;
  expect(new Set([found[0], found[1]])).toEqual(new Set([0, 1]));
});

test("a category that the indexer does not know is the request's error when it says error", async () => {
  const servable = new TabularServable(await sparkPlatform.read(fixture("spark", "columns_error", "model"), NEVER));
  const row = (city: string, age: number) =>
    new Map([
      ["age", inputTensor({ dtype: "float64", shape: [1], data: [age] })],
      ["income", inputTensor({ dtype: "float64", shape: [1], data: [20_000] })],
      ["city", inputTensor({ dtype: "string", shape: [1], data: [city] })],
    ]);
  expect(() => servable.run("transform", row("Atlantis", 30), ["prediction"])).toThrow(/column "city" has "Atlantis"/);
  expect(await servable.run("transform", row("Lima", 30), ["prediction"])).toBeDefined();
});
