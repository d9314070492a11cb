import { expect, test } from "vitest";
import type { TabularProgram } from "../../src/model/tabular/tabular-program.ts";
import { detectPlatform } from "../../src/platforms/registry.ts";
import { TabularServable } from "../../src/runtimes/tabular/tabular-servable.ts";
import { compareTabular, inputTensor, tabularModels, tensorAnswer } from "../support/tabular-golden.ts";

/** All files of a platform's models, those that are pickled among them. */
const MODELS = [
  ...tabularModels("xgboost", /^model.*\.(?:json|ubj|bst|deprecated|pkl|joblib)$/).map((model) => ({
    ...model,
    tolerance: 1e-6,
  })),
  ...tabularModels("lightgbm", /^model.*\.(?:txt|pkl|joblib)$/).map((model) => ({ ...model, tolerance: 1e-9 })),
  ...tabularModels("catboost", /^model.*\.(?:pkl|joblib)$/).map((model) => ({ ...model, tolerance: 1e-9 })),
  ...tabularModels("boosters-in-pipelines", /^model\.(?:pkl|joblib)$/).map((model) => ({ ...model, tolerance: 1e-6 })),
];
const never = new AbortController().signal;
/** What only estimators have, and others beside their golden answers do not. */
const OF_ESTIMATORS = ["sklearn_predict", "predict_proba"];

test.each(MODELS)("$name answers as its library does", async ({ path, cases, tolerance }) => {
  const { platform } = await detectPlatform(path);
  const program = (await platform.read(path, never)) as TabularProgram;
  const servable = new TabularServable(program);
  const isPickle = /\.(?:pkl|joblib)$/.test(path);
  for (const { signature, inputs, outputs = {} } of cases) {
    if (!isPickle && OF_ESTIMATORS.includes(signature)) continue;
    const tensors = new Map(Object.entries(inputs).map(([name, tensor]) => [name, inputTensor(tensor)]));
    for (const [alias, wanted] of Object.entries(outputs)) {
      const answer = (await servable.run(signature, tensors, [alias])).get(alias)!;
      expect(answer.dtype, signature).toBe(wanted.dtype);
      compareTabular(tensorAnswer(answer), wanted, tolerance, signature);
    }
  }
});
