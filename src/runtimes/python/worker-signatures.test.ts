import { expect, test } from "vitest";
import { readWorkerSignatures } from "./worker-signatures.ts";

const x = { name: "x", dtype: "float32", shape: [-1, 4] };

test("signatures are read in their order, with what their author has declared", () => {
  const { signatures, strict } = readWorkerSignatures([
    { name: "serving_default", inputs: [x], outputs: [{ name: "y", dtype: "string", shape: null }], strict: true },
    { name: "open", inputs: [{ ...x, optional: true, nullable: true }], outputs: null, alone: null },
  ]);
  expect(strict).toEqual([true, false]);
  expect([...signatures.keys()]).toEqual(["serving_default", "open"]);
  expect(signatures.get("serving_default")).toEqual({
    inputs: [{ alias: "x", name: "x", dtype: "float32", shape: [-1, 4] }],
    outputs: [{ alias: "y", name: "y", dtype: "string", shape: undefined }],
    methodName: "tensorflow/serving/predict",
  });
  expect(signatures.get("open")).toMatchObject({
    inputs: [{ optional: true, nullable: true }],
    outputs: [],
    openOutputs: true,
    runsAlone: "its outputs are not declared",
  });
});

test.each<[string, unknown]>([
  ["nothing", []],
  ["a text", "x"],
  ["no name", [{ inputs: [], outputs: [] }]],
  [
    "a name twice",
    [
      { name: "a", inputs: [x], outputs: [] },
      { name: "a", inputs: [x], outputs: [] },
    ],
  ],
  ["no inputs", [{ name: "a", outputs: [] }]],
  ["an input twice", [{ name: "a", inputs: [x, x], outputs: [] }]],
  ["an unknown type", [{ name: "a", inputs: [{ ...x, dtype: "datetime64" }], outputs: [] }]],
  ["a size that is none", [{ name: "a", inputs: [{ ...x, shape: [1.5] }], outputs: [] }]],
  ["null", [null]],
])("%s is refused", (_what, told) => {
  expect(() => readWorkerSignatures(told)).toThrow("the model's signatures cannot be used");
});
