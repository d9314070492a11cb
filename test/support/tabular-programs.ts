import type { TabularInput, TabularOperation, TabularProgram } from "../../src/model/tabular/tabular-program.ts";
import { type TabularAnswer, tabularSignatures } from "../../src/model/tabular/tabular-signatures.ts";

/** A vector answer of a value, which is called so too. */
const vector = (value: string, dtype: TabularAnswer["dtype"]): TabularAnswer => ({
  alias: value,
  value,
  dtype,
  vector: true,
  width: 1,
});

/**
 * A classifier of one matrix whose columns have names: `a + 10 b - 25` is its margin, in which a missing value counts as 0, and `no` and `yes`
 * are its classes.
 */
export const CLASSIFIER: TabularProgram = program(
  [{ alias: "X", value: "X", type: "float64", columns: 2, vector: false, columnNames: ["a", "b"] }],
  [
    { kind: "linear", from: "X", to: "margin", weights: Float64Array.of(1, 10), bias: Float64Array.of(-25) },
    { kind: "link", from: "margin", to: "yes", link: { kind: "sigmoid", steepness: 1 } },
    { kind: "link", from: "yes", to: "both", link: { kind: "complement" } },
    { kind: "link", from: "both", to: "number", link: { kind: "argmax" } },
    { kind: "labels", from: "number", to: "label", labels: ["no", "yes"] },
  ],
  new Map([
    ["predict", [vector("label", "string")]],
    ["decision_function", [vector("margin", "float64")]],
    ["predict_proba", [{ alias: "probabilities", value: "both", dtype: "float64", vector: false, width: 2 }]],
  ]),
  { classes: { scores: "both", labels: ["no", "yes"] } },
);

/**
 * A regressor of a number, a text and a number that may be left out: `value` is `age + 100 c + 1000 bonus`, where the code c is 0 of Rome, 1 of
 * Paris, 3 of what is missing and 7 of others; what is missing counts as 0 elsewhere. `city` is the text itself.
 */
export const REGRESSOR: TabularProgram = program(
  [
    { alias: "age", value: "age", type: "float64", columns: 1, vector: true },
    { alias: "city", value: "city", type: "texts", columns: 1, vector: true },
    { alias: "bonus", value: "bonus", type: "float64", columns: 1, vector: true, optional: true },
  ],
  [
    { kind: "lookup", from: "city", to: "code", tables: [{ keys: ["Rome", "Paris"], unknown: 7, missing: 3 }], what: ["city"] },
    { kind: "concat", from: ["age", "code", "bonus"], to: "numbers" },
    { kind: "linear", from: "numbers", to: "value", weights: Float64Array.of(1, 100, 1000), bias: Float64Array.of(0) },
  ],
  new Map([["predict", [vector("value", "float64"), vector("city", "string")]]]),
  { regression: "value" },
);

function program(
  inputs: readonly TabularInput[],
  operations: readonly TabularOperation[],
  methods: ReadonlyMap<string, readonly TabularAnswer[]>,
  more: Partial<TabularProgram>,
): TabularProgram {
  return { runtime: "tabular", inputs, operations, ...tabularSignatures(inputs, methods), bytes: 1, ...more };
}
