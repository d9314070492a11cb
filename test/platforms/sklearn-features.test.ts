import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { zip } from "../../src/base/zip/test-zip.ts";
import { sklearnPlatform } from "../../src/platforms/sklearn/sklearn-platform.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { stringTensor } from "../../src/tensor/tensor.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { compareTabular, inputTensor, type TabularCase, tabularModels, tensorAnswer } from "../support/tabular-golden.ts";

/** Models of columns, encoders, texts and selectors, as make_features.py and make_sklearn.py name them. */
const OF_FEATURES =
  /^(bins|columns|function|hashing|imputed|missing|normalized|one_hot|ordinal|pipeline|polynomial|power|projected|quantile|quantiles|ridge_poly|selected|target|text|tfidf|union)_/;
const FILES = /^model.*\.(pkl|joblib|gz|bz2|xz|lzma|skops)$/;
const never = new AbortController().signal;
const newFolder = temporaryFolders();

const models = tabularModels("sklearn", FILES).filter(({ name }) => OF_FEATURES.test(name) || name.startsWith("ridge_poly"));

test("there are the models that are compared", () => {
  expect(models.length).toBeGreaterThan(120);
});

describe("scikit-learn's own answers", () => {
  test.each(models)("$name", async ({ path, cases }) => {
    const program = await sklearnPlatform.read(path, never);
    // Threads get it as a copy.
    const servable = new TabularServable(structuredClone(program));
    expect(cases.length).toBeGreaterThan(0);
    for (const { signature, inputs, outputs = {} } of cases) {
      const given = new Map(Object.entries(inputs).map(([name, tensor]) => [name, inputTensor(tensor)] as const));
      const answers = await servable.run(signature, given, Object.keys(outputs));
      for (const [alias, wanted] of Object.entries(outputs)) {
        compareTabular(tensorAnswer(answers.get(alias)!), wanted, 1e-9, signature);
      }
    }
  });
});

describe("columns of a data frame", () => {
  const read = async (name: string) => sklearnPlatform.read(fixture("sklearn", name, "model.pkl"), never);

  test("are inputs of their own, of texts or numbers, and may be left out where nobody uses them", async () => {
    const { signatures } = await read("columns_by_name");
    expect(signatures.get("predict")!.inputs).toEqual([
      { alias: "id", name: "id", dtype: "string", shape: [-1], nullable: true, optional: true },
      { alias: "age", name: "age", dtype: "float64", shape: [-1], nullable: true },
      { alias: "income", name: "income", dtype: "float64", shape: [-1], nullable: true },
      { alias: "city", name: "city", dtype: "string", shape: [-1], nullable: true },
      { alias: "plan", name: "plan", dtype: "string", shape: [-1], nullable: true },
      { alias: "rooms", name: "rooms", dtype: "float64", shape: [-1], nullable: true },
      { alias: "note", name: "note", dtype: "string", shape: [-1], nullable: true },
    ]);
  });

  test("that nobody uses may be of any type", async () => {
    const servable = new TabularServable(await read("columns_by_name"));
    const doubles = (value: number): Tensor => ({ dtype: "float64", shape: [1], data: Float64Array.of(value) });
    const texts = (value: string): Tensor => stringTensor([1], [value]);
    const row = new Map<string, Tensor>([
      ["age", doubles(40)],
      ["income", doubles(30_000)],
      ["city", texts("Lima")],
      ["plan", texts("pro")],
      ["rooms", doubles(2)],
      ["note", texts("near the sea")],
    ]);
    const ask = async (given: ReadonlyMap<string, Tensor>) =>
      tensorAnswer((await servable.run("predict_proba", given, ["predict_proba"])).get("predict_proba")!).data;
    const answer = await ask(row);
    expect(await ask(new Map([...row, ["id", doubles(7)]]))).toEqual(answer);
    expect(await ask(new Map([...row, ["id", texts("seven")]]))).toEqual(answer);
    expect(() => servable.run("predict", new Map([...row].slice(1)), ["predict"])).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: 'input "age" is missing' }),
    );
    expect(() => servable.run("predict", new Map([...row, ["rooms", doubles(9)]]), ["predict"])).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: 'column "rooms" has 9, which the model does not know' }),
    );
  });

  test("without names are a matrix where all are numbers", async () => {
    const { inputs } = await read("columns_slices");
    expect(inputs).toMatchObject([{ alias: "X", type: "float64", columns: 4, vector: false }]);
  });

  test("of texts without names are a matrix of texts", async () => {
    const { inputs } = await read("one_hot_texts");
    expect(inputs).toMatchObject([{ alias: "X", type: "texts", columns: 2, vector: false }]);
  });

  test("are one input where a model is of texts", async () => {
    const { signatures } = await read("text_tfidf");
    expect(signatures.get("transform")!.inputs).toEqual([
      { alias: "X", name: "X", dtype: "string", shape: [-1], nullable: true },
    ]);
  });
});

const node = (name: string, rest: object) => ({
  __loader__: "ObjectNode",
  __module__: name.slice(0, name.lastIndexOf(".")),
  __class__: name.slice(name.lastIndexOf(".") + 1),
  ...rest,
});

test.each([
  [
    "names a function that runs something",
    "schema.json",
    node("os.system", {}),
    "invalid-argument",
    "schema.json names os.system, which is not a model's part",
  ],
  [
    "has a class of one's own",
    "schema.json",
    node("__main__.Model", {}),
    "invalid-argument",
    "schema.json names __main__.Model, which is not a model's part",
  ],
  [
    "leads out of its archive",
    "../schema.json",
    {},
    "data-loss",
    'the archive "evil.skops" is damaged: it has a file of the name "../schema.json", outside of its folder',
  ],
  [
    "is no model",
    "schema.json",
    { __loader__: "JsonNode", content: "1" },
    "unimplemented",
    "the pickle holds something else, not an estimator of scikit-learn",
  ],
])("a skops file that %s is refused", async (_, name, schema, code, message) => {
  const file = join(newFolder(), "evil.skops");
  await writeFile(file, zip([{ name, content: JSON.stringify(schema) }]));
  await expect(sklearnPlatform.read(file, never)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  await expect(sklearnPlatform.read(file, never)).rejects.toMatchObject({ message: expect.stringContaining("evil.skops") });
});

test.each(["columns_by_name", "text_selected", "one_hot_infrequent", "quantiles_normal", "text_union", "imputed_texts_constant"])(
  "%s cut off or changed at 200 places ends in an error that names the file, or in a model that answers",
  async (name) => {
    for (const original of ["model.pkl", "model.skops"]) {
      const path = fixture("sklearn", name, original);
      const whole = await readFile(path).catch(() => undefined);
      if (whole === undefined) continue;
      const file = join(newFolder(), `changed-${original}`);
      for (let i = 0; i < 200; i++) {
        const at = Math.floor((i * whole.length) / 200);
        const bytes = i % 2 === 0 ? Buffer.from(whole.subarray(0, at)) : Buffer.from(whole);
        if (i % 2 === 1) bytes[at] ^= 1 << (i % 8);
        await writeFile(file, bytes);
        const reason = await readAndAsk(file, models.find((model) => model.path === path)!.cases).catch(
          (error: unknown) => error,
        );
        if (!(reason instanceof Error)) continue;
        expect(reason).toMatchObject({ name: "ServingError" });
        const { code, message } = reason as Error & { code: string };
        // What does not begin as a model any more is none, and a model that was read may refuse a row.
        if (code !== "not-found" && !isOfRow(message))
          expect(message.startsWith(`${basename(file)}: `) || message.includes(`"${basename(file)}"`), message).toBe(true);
        expect(["data-loss", "invalid-argument", "not-found", "unimplemented", "resource-exhausted"]).toContain(code);
      }
    }
  },
  120_000,
);

/** Reads a model and asks it what it was asked before; what it does not have any more is left out. */
async function readAndAsk(file: string, cases: readonly TabularCase[]): Promise<void> {
  const program = await sklearnPlatform.read(file, never);
  const servable = new TabularServable(program);
  for (const { signature, inputs, outputs = {} } of cases) {
    const given = new Map(Object.entries(inputs).map(([name, tensor]) => [name, inputTensor(tensor)] as const));
    if (program.outputs.has(signature)) await servable.run(signature, given, Object.keys(outputs));
  }
}

function isOfRow(message: string): boolean {
  return /^(the input|input|column|the request) /.test(message);
}
