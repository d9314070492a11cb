import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../src/base/serving-error.ts";
import type { TabularProgram } from "../../src/model/tabular/tabular-program.ts";
import { readModel } from "../../src/platforms/catboost/read-model.ts";
import { Evaluation } from "../../src/runtimes/tabular/evaluation.ts";

const FIXTURES = resolve(import.meta.dirname, "../fixtures/catboost");
const never = new AbortController().signal;
const bytesOf = (name: string) => readFileSync(join(FIXTURES, name));
const read = (bytes: Buffer | string, name = "model.json") => readModel(Buffer.from(bytes as string), name, never);

/** One tree of two levels over a number and a statistic of a category, which is compared with a value as well. */
const SMALL = {
  features_info: {
    float_features: [
      {
        borders: [0.5, 1.5],
        feature_id: "size",
        feature_index: 0,
        flat_feature_index: 1,
        has_nans: true,
        nan_value_treatment: "AsTrue",
      },
    ],
    categorical_features: [{ feature_id: "city", feature_index: 0, flat_feature_index: 0, values: [-34376710] }],
    ctrs: [
      {
        borders: [0.25],
        ctr_type: "Borders",
        elements: [{ cat_feature_index: 0, combination_element: "cat_feature_value" }],
        prior_numerator: 0,
        prior_denomerator: 1,
        scale: 1,
        shift: 0,
        target_border_idx: 0,
      },
    ],
  },
  oblivious_trees: [{ leaf_values: [1, 2, 4, 8], splits: [{ split_index: 1 }, { split_index: 3 }] }],
  ctr_data: {
    '{"identifier":[{"cat_feature_index":0,"combination_element":"cat_feature_value"}],"type":"Borders"}': {
      counter_denominator: 0,
      hash_map: ["18446744073709551615", 5, 5, "10520415136754931281", 1, 3],
      hash_stride: 3,
    },
  },
  model_info: { params: { loss_function: { type: "RMSE" } } },
  scale_and_bias: [2, [10]],
};
const TEXT = JSON.stringify(SMALL);

function changed(change: (model: typeof SMALL) => void): string {
  const model = structuredClone(SMALL);
  change(model);
  return JSON.stringify(model);
}

function ask(program: TabularProgram, size: number, city: string): number {
  const values = new Map<string, never>([
    ["column-1", { rows: 1, width: 1, data: Float32Array.of(size) } as never],
    ["column-0", { rows: 1, width: 1, texts: [city] } as never],
  ]);
  const { value } = program.outputs.get("RawFormulaVal")!.get("RawFormulaVal")!;
  return (new Evaluation(program).values(values, [value]).get(value) as { data: Float64Array }).data[0]!;
}

test("a tree's first split is the lowest bit of its leaves' numbers", async () => {
  const program = await read(TEXT);
  // The statistic of Rome is 3 of 4 and 1; of another city it is 0.
  expect(ask(program, 1, "Lima")).toBe(12);
  expect(ask(program, 2, "Lima")).toBe(14);
  expect(ask(program, 1, "Rome")).toBe(18);
  expect(ask(program, 2, "Rome")).toBe(26);
  expect(program.inputs).toMatchObject([
    { alias: "city", type: "texts", integers: true },
    { alias: "size", type: "float32", dtype: "float64" },
  ]);
  expect(program.regression).toBe(program.outputs.get("RawFormulaVal")!.get("RawFormulaVal")!.value);
  expect([...program.signatures.keys()]).toEqual(["serving_default", "RawFormulaVal", "Exponent"]);
});

test.each([
  ["AsTrue", true, 14],
  ["AsTrue", false, 12],
  ["AsFalse", true, 12],
  ["AsIs", true, 12],
])("NaN is %s, and training saw some: %s", async (treatment, seen, wanted) => {
  const text = changed(
    ({
      features_info: {
        float_features: [feature],
      },
    }) => {
      feature!.nan_value_treatment = treatment;
      feature!.has_nans = seen;
    },
  );
  expect(ask(await read(text), Number.NaN, "Lima")).toBe(wanted);
});

test("a column that no tree asks may be left out", async () => {
  const text = changed((model) => {
    model.oblivious_trees[0]!.splits = [];
    model.oblivious_trees[0]!.leaf_values = [7];
    model.features_info.ctrs = [];
    model.features_info.float_features[0]!.borders = [];
  });
  const { inputs, operations } = await read(text);
  expect(inputs).toMatchObject([{ alias: "city" }, { alias: "size", optional: true }]);
  expect(operations.length).toBeGreaterThan(0);
});

describe("is refused as damaged:", () => {
  test.each<[string, (model: typeof SMALL) => void, string]>([
    [
      "a split that is not there",
      (model) => (model.oblivious_trees[0]!.splits[0]!.split_index = 4),
      "has split 4 in tree 0 where 0 to 3 is expected",
    ],
    ["a split below none", (model) => (model.oblivious_trees[0]!.splits[0]!.split_index = -1), "has split -1 in tree 0"],
    ["too few leaves", (model) => (model.oblivious_trees[0]!.leaf_values = [1]), "oblivious_trees[0] has 1 leaf_values where"],
    [
      "borders that fall",
      (model) => (model.features_info.float_features[0]!.borders = [2, 1]),
      "has borders of number 0 that do not rise",
    ],
    [
      "a category that is not there",
      (model) => (model.features_info.ctrs[0]!.elements[0]!.cat_feature_index = 1),
      "has no table for a statistic of Borders",
    ],
    ["no table", (model) => (model.ctr_data = {} as never), "has no table for a statistic of Borders"],
    [
      "a class that was not counted",
      (model) => (model.features_info.ctrs[0]!.target_border_idx = 2),
      "has a statistic of class 2 where 2 classes were counted",
    ],
    ["a negative class", (model) => (model.features_info.ctrs[0]!.target_border_idx = -1), "has a statistic of class -1"],
    [
      "two features in a column",
      (model) => (model.features_info.float_features[0]!.flat_feature_index = 0),
      "has two features in column 0",
    ],
    [
      "a column before the first",
      (model) => (model.features_info.float_features[0]!.flat_feature_index = -1),
      "has two features in column -1",
    ],
    [
      "a column far away",
      (model) => (model.features_info.float_features[0]!.flat_feature_index = 2 ** 30),
      "has a column 1073741824 where",
    ],
    ["biases of other sums", (model) => (model.scale_and_bias = [1, [1, 2]]), "has 2 biases where 1 are expected"],
    ["a text for a number", (model) => (model.scale_and_bias = ["1", [1]] as never), "scale_and_bias[0] is no number"],
  ])("%s", async (_, change, message) => {
    const error = await read(changed(change)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/^model\.json[: ].*; save the model again/),
    });
    expect((error as Error).message).toContain(message);
  });

  test("a document that breaks off", async () => {
    await expect(read(TEXT.slice(0, -1))).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringContaining("is no whole JSON document"),
    });
  });

  test("a tree of nodes with splits that are not there, however deep it is", async () => {
    let tree = '{"value":1}';
    for (let i = 0; i < 5000; i++) tree = `{"left":{"value":0},"right":${tree},"split":{"split_index":${i === 2500 ? 9 : 0}}}`;
    const text = TEXT.replace(/"oblivious_trees":.*?,"ctr_data"/, `"trees":[${tree}],"ctr_data"`);
    await expect(read(text)).rejects.toThrow("has split 9 in tree 0 where 0 to 3 is expected");
    expect(ask(await read(text.replace('"split_index":9', '"split_index":0')), 0.1, "Rome")).toBe(10);
  });
});

test.each([
  ["text", "review"],
  ["embedding", "place"],
])("a model of a %s feature is refused by its name", async (kind, name) => {
  await expect(read(bytesOf(`refused/${kind}.cbm`), "model.cbm")).rejects.toMatchObject({
    code: "unimplemented",
    message: `model.cbm uses the ${kind} feature "${name}", which is not covered`,
  });
});

describe.each([
  "binary_cat_ctr/model.cbm",
  "lossguide_classes/model.cbm",
  "every_statistic/model.cbm",
  "one_hot/model.cbm",
  "deep/model.cbm",
  "binary_cat_ctr/model.json",
  "lossguide/model.json",
])("%s", (name) => {
  const bytes = bytesOf(name);
  const file = name.slice(name.indexOf("/") + 1);

  test("is refused wherever it breaks off", async () => {
    for (let i = 0; i < 200; i++) {
      const length = Math.floor((bytes.toString("latin1").trimEnd().length * i) / 200);
      const error = await read(bytes.subarray(0, length), file).catch((reason: unknown) => reason);
      expect(error, `cut to ${length} bytes`).toMatchObject({ code: "data-loss", message: expect.stringMatching(/^model\./) });
    }
  });

  test("is refused or leads nowhere outside, whatever is changed in it", async () => {
    const edit = fc.record({
      at: fc.oneof(fc.nat(bytes.length - 1), fc.nat(Math.min(1200, bytes.length - 1))),
      put: fc.oneof(
        fc.constantFrom(
          "0",
          "9",
          "-1",
          "99999999999",
          "1e999",
          "[",
          "]",
          "{",
          "}",
          "\0",
          "\x01",
          "\x7f",
          "\x80",
          "\xff",
          "\xff\xff\xff\xff",
        ),
        fc.uint8Array({ minLength: 1, maxLength: 4 }).map((each) => Buffer.from(each).toString("latin1")),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        let text = bytes.toString("latin1");
        for (const { at, put } of edits) text = text.slice(0, at) + put + text.slice(at + put.length);
        const program = await read(Buffer.from(text, "latin1"), file).catch((reason: unknown) => {
          expect(reason).toBeInstanceOf(ServingError);
          expect(["data-loss", "unimplemented"]).toContain((reason as ServingError).code);
        });
        if (program !== undefined) answersOf(program);
      }),
      { numRuns: 200 },
    );
  });
});

/** Asks all that a program answers; every number of it must be there. */
function answersOf(program: TabularProgram): void {
  const rows = 5;
  if (program.inputs.some(({ columns }) => columns > 10_000)) return;
  const values = new Map(
    program.inputs.map(({ value, type, columns }) => {
      const numbers = Float32Array.from({ length: rows * columns }, (_, i) => [Number.NaN, -5, 0, 2.5, 1e30][i % 5]!);
      const texts = Array.from({ length: rows * columns }, (_, i) => ["Oslo", "Lima", "", "x", "東京"][i % 5]!);
      return [value, type === "texts" ? { rows, width: columns, texts } : { rows, width: columns, data: numbers }] as const;
    }),
  );
  const evaluation = new Evaluation(program);
  for (const outputs of program.outputs.values()) {
    for (const { value } of outputs.values()) {
      const answer = evaluation.values(values as never, [value]).get(value)! as {
        data?: ArrayLike<number>;
        texts?: ArrayLike<unknown>;
      };
      const given = answer.data ?? answer.texts!;
      expect(given.length % rows).toBe(0);
      for (let i = 0; i < given.length; i++) expect(given[i]).toBeDefined();
    }
  }
}

test("stops when told to", async () => {
  const cancel = new AbortController();
  const model = structuredClone(SMALL);
  model.oblivious_trees = Array.from({ length: 150_000 }, () => SMALL.oblivious_trees[0]!);
  const reading = readModel(Buffer.from(JSON.stringify(model)), "model.json", cancel.signal);
  cancel.abort();
  await expect(reading).rejects.toMatchObject({ code: "cancelled" });
});
