import { describe, expect, test } from "vitest";
import { catboostPlatform } from "../../src/platforms/catboost/catboost-platform.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { stringTensor } from "../../src/tensor/tensor.ts";
import { fixture } from "../support/folders.ts";
import { compareTabular, inputTensor, type TabularCase, tabularModels, tensorAnswer } from "../support/tabular-golden.ts";

const MODELS = tabularModels("catboost", /^model\.(?:cbm|json)$/);
const never = new AbortController().signal;

function tensorsOf(inputs: TabularCase["inputs"], row?: number) {
  return new Map(
    Object.entries(inputs).map(([name, tensor]) => {
      if (row === undefined) return [name, inputTensor(tensor)] as const;
      const width = tensor.shape[1] ?? 1;
      const one = { ...tensor, shape: [1, ...tensor.shape.slice(1)], data: tensor.data.slice(row * width, (row + 1) * width) };
      return [name, inputTensor(one)] as const;
    }),
  );
}

describe.each(MODELS)("$name answers as CatBoost does", async ({ path, cases }) => {
  const program = await catboostPlatform.read(path, never);
  const servable = new TabularServable(program);

  test.each(cases.map((each) => [each.signature, each] as const))("%s", async (signature, { inputs, outputs = {} }) => {
    const declared = program.signatures.get(signature)!;
    for (const [alias, wanted] of Object.entries(outputs)) {
      expect(declared.outputs).toMatchObject([
        { alias, name: alias, dtype: wanted.dtype, shape: [-1, ...wanted.shape.slice(1)] },
      ]);
      // All rows at once, and one by one: these are two ways.
      const answer = (await servable.run(signature, tensorsOf(inputs), [alias])).get(alias)!;
      compareTabular(tensorAnswer(answer), wanted, 1e-9, signature);
      const width = wanted.shape[1] ?? 1;
      for (let row = 0; row < wanted.shape[0]!; row++) {
        const one = (await servable.run(signature, tensorsOf(inputs, row), [alias])).get(alias)!;
        const own = { ...wanted, shape: [1, ...wanted.shape.slice(1)], data: wanted.data.slice(row * width, (row + 1) * width) };
        compareTabular(tensorAnswer(one), own, 1e-9, `${signature} of row ${row}`);
      }
    }
  });
});

test("what Python has as True is a category that true in JSON, a truth value and the text 1 are", async () => {
  const program = await catboostPlatform.read(fixture("catboost", "categories_only"), never);
  const { inputs } = program.signatures.get("serving_default")!;
  expect(inputs.map(({ booleanDigits }) => booleanDigits)).toEqual(inputs.map(() => true));
  const servable = new TabularServable(program);
  const ask = async (tensor: Tensor) =>
    (await servable.run("RawFormulaVal", new Map(inputs.map(({ alias }) => [alias, tensor])), ["RawFormulaVal"])).get(
      "RawFormulaVal",
    );
  const truths: Tensor = { dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) };
  expect(await ask(truths)).toEqual(await ask(stringTensor([2], ["1", "0"])));
});
