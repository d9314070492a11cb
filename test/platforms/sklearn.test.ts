import { expect, test } from "vitest";
import { sklearnPlatform } from "../../src/platforms/sklearn/sklearn-platform.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import { compareTabular, inputTensor, OTHERS_ARE_THERE, tabularModels, tensorAnswer } from "../support/tabular-golden.ts";

/** Relative above 1. */
const TOLERANCE = 1e-9;
const NEVER = new AbortController().signal;
const models = tabularModels("sklearn", /^model/);

test.skipIf(OTHERS_ARE_THERE)("(models of others are skipped: the folder shared is not there)", () => undefined);

test.each(models)("$name answers as scikit-learn does", async ({ path, cases }) => {
  const servable = new TabularServable(await sklearnPlatform.read(path, NEVER));
  expect(cases.length).toBeGreaterThan(0);
  for (const { signature, inputs, outputs = {}, error } of cases) {
    const tensors = new Map(Object.entries(inputs).map(([alias, tensor]) => [alias, inputTensor(tensor)]));
    const run = async () => servable.run(signature, tensors, Object.keys(outputs));
    if (error !== undefined) {
      await expect(run()).rejects.toMatchObject({ code: "invalid-argument" });
      continue;
    }
    const answers = await run();
    for (const [alias, wanted] of Object.entries(outputs)) {
      const own = answers.get(alias) ?? expect.fail(`${signature} has no output ${alias}`);
      // Counts of words are float64 here, as all that is made of rows.
      if (signature !== "transform") expect(own.dtype, alias).toBe(wanted.dtype);
      compareTabular(tensorAnswer(own), wanted, TOLERANCE, `${signature}, ${alias}`);
    }
  }
});
