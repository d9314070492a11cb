import { expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import type { Servable } from "../../model/servable.ts";
import type { TabularProgram } from "../../model/tabular/tabular-program.ts";
import { PREDICT_METHOD, type Signature } from "../../tensor/signature.ts";
import { type NamedTensors, type NumericTensor, stringTensor, type Tensor } from "../../tensor/tensor.ts";
import { TabularRuntime } from "./tabular-runtime.ts";
import { stump } from "./trees/test-ensembles.ts";

const signature: Signature = {
  inputs: [{ alias: "X", name: "X", dtype: "float64", shape: [-1, 1] }],
  outputs: [],
  methodName: PREDICT_METHOD,
};

const program: TabularProgram = {
  runtime: "tabular",
  signatures: new Map([["predict", signature]]),
  inputs: [{ alias: "X", value: "input", type: "float64", columns: 1, vector: false }],
  operations: [
    { kind: "tree-sums", from: "input", to: "margin", ensemble: stump(0, 5, -1, 1) },
    { kind: "tree-leaves", from: "input", to: "leaf", ensemble: stump(0, 5, -1, 1) },
    { kind: "link", from: "margin", to: "probability", link: { kind: "sigmoid", steepness: 2 } },
    { kind: "link", from: "probability", to: "both", link: { kind: "complement" } },
    { kind: "link", from: "both", to: "class", link: { kind: "argmax" } },
    { kind: "labels", from: "class", to: "label", labels: ["low", "high"] },
    { kind: "labels", from: "class", to: "number", labels: [7, 8] },
    { kind: "linear", from: "input", to: "line", weights: Float64Array.of(2, -1), bias: Float64Array.of(1, 0) },
  ],
  outputs: new Map([
    [
      "predict",
      new Map([
        ["margin", { value: "margin", dtype: "float64", vector: true }],
        ["leaf", { value: "leaf", dtype: "int32", vector: false }],
        ["both", { value: "both", dtype: "float32", vector: false }],
        ["label", { value: "label", dtype: "string", vector: true }],
        ["number", { value: "number", dtype: "int64", vector: true }],
        ["line", { value: "line", dtype: "float64", vector: false }],
      ] as const),
    ],
  ]),
  bytes: 1,
};

const X = (...values: number[]): NamedTensors =>
  new Map<string, Tensor>([["X", { dtype: "float64", shape: [values.length, 1], data: Float64Array.from(values) }]]);

async function attached(): Promise<Servable> {
  const runtime = new TabularRuntime();
  return runtime.attach(await runtime.load(program, new AbortController().signal));
}

test("each wanted output has its form and type", async () => {
  const servable = await attached();
  const outputs = await servable.run("predict", X(1, 9), ["margin", "leaf", "label", "number", "line"]);
  expect(Object.fromEntries(outputs)).toEqual({
    margin: { dtype: "float64", shape: [2], data: Float64Array.of(-1, 1) },
    leaf: { dtype: "int32", shape: [2, 1], data: Int32Array.of(10, 20) },
    label: stringTensor([2], ["low", "high"]),
    number: { dtype: "int64", shape: [2], data: BigInt64Array.of(7n, 8n) },
    line: { dtype: "float64", shape: [2, 2], data: Float64Array.of(3, -1, 19, -9) },
  });
});

test("a probability is given for both classes, in the type of the output", async () => {
  const both = (await (await attached()).run("predict", X(9), ["both"])).get("both") as NumericTensor;
  const p = 1 / (1 + Math.exp(-2));
  expect(both).toEqual({ dtype: "float32", shape: [1, 2], data: Float32Array.of(1 - p, p) });
});

test("numbers of other types are taken, and an empty request has an empty answer", async () => {
  const servable = await attached();
  const int64 = new Map<string, Tensor>([["X", { dtype: "int64", shape: [2, 1], data: BigInt64Array.of(1n, 9n) }]]);
  expect((await servable.run("predict", int64, ["margin"])).get("margin")!.data).toEqual(Float64Array.of(-1, 1));
  expect((await servable.run("predict", X(), ["line", "label"])).get("line")).toEqual({
    dtype: "float64",
    shape: [0, 2],
    data: new Float64Array(0),
  });
});

test.each<[string, Tensor, string]>([
  ["texts", stringTensor([1, 1], ["1"]), 'input "X" must be numbers, got string'],
  ["a vector", { dtype: "float64", shape: [2], data: new Float64Array(2) }, 'input "X" must have the shape [?, 1], got [2]'],
  [
    "too many columns",
    { dtype: "float64", shape: [1, 2], data: new Float64Array(2) },
    'input "X" must have the shape [?, 1], got [1, 2]',
  ],
])("an input of %s is refused", async (_, tensor, message) => {
  const servable = await attached();
  expect(() => servable.run("predict", new Map([["X", tensor]]), ["margin"])).toThrow(
    expect.objectContaining({ code: "invalid-argument", message }) as ServingError,
  );
});

test("many rows are evaluated in slices with turns for others between them, and answered as few are", async () => {
  const servable = await attached();
  const values = Array.from({ length: 100_000 }, (_, i) => i % 10);
  let turns = 0;
  const counting = setInterval(() => turns++, 0);
  const outputs = servable.run("predict", X(...values), ["margin", "label"]);
  expect(outputs).toBeInstanceOf(Promise);
  const { data } = (await outputs).get("margin") as NumericTensor;
  clearInterval(counting);
  expect(data).toEqual(Float64Array.from(values, (value) => (value < 5 ? -1 : 1)));
  expect((await outputs).get("label")!.shape).toEqual([100_000]);
});

test("whoever leaves ends an evaluation of many rows", async () => {
  const servable = await attached();
  const leaving = new AbortController();
  const outputs = servable.run("predict", X(...Array.from({ length: 100_000 }, () => 1)), ["margin"], { signal: leaving.signal });
  leaving.abort(new ServingError("cancelled", "gone"));
  await expect(outputs).rejects.toMatchObject({ code: "cancelled", message: "gone" });
});
