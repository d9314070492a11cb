import { expect, test } from "vitest";
import type { Signature, Signatures, TensorInfo } from "../tensor/signature.ts";
import { modelTable, type TableRow } from "./model-table.ts";

const info = (alias: string, more: Partial<TensorInfo> = {}): TensorInfo => ({
  alias,
  name: alias,
  dtype: "float32",
  shape: [],
  ...more,
});

function row(more: Partial<TableRow> = {}): TableRow {
  const none: Signatures = new Map();
  return { model: "m", version: "1", platform: "onnx", why: "holds model.onnx", state: "AVAILABLE", signatures: none, ...more };
}

test("columns are as wide as their widest cell, and no line ends in blanks", () => {
  const text = modelTable([row({ model: "a-long-name" }), row({ version: "9223372036854775807", state: "END" })]);
  expect(text.split("\n")).toEqual([
    "  MODEL        VERSION              PLATFORM  WHY               STATE",
    "  a-long-name  1                    onnx      holds model.onnx  AVAILABLE",
    "  m            9223372036854775807  onnx      holds model.onnx  END",
  ]);
});

test("without rows there is the head alone", () => {
  expect(modelTable([])).toBe("  MODEL  VERSION  PLATFORM  WHY  STATE");
});

test("signatures show names, types and sizes, with what is free or optional", () => {
  const signatures: Signatures = new Map([
    [
      "serving_default",
      {
        inputs: [
          info("image", { shape: [-1, 3, -1], dimensionNames: ["batch", "", ""] }),
          info("scale", { optional: true }),
          info("words", { dtype: "string", shape: undefined }),
        ],
        outputs: [info("y", { dtype: "int64", shape: [-1] }), info("z")],
        methodName: "",
      },
    ],
  ]);
  expect(modelTable([row({ signatures })]).split("\n")[2]).toBe(
    "    serving_default(image: float32[batch, 3, ?], scale?: float32[], words: string[...]) -> y: int64[?], z: float32[]",
  );
});

test("what is wrong with a version stands below it", () => {
  const lines = modelTable([row({ state: "END", error: "model.onnx is empty" }), row({ model: "other" })]).split("\n");
  expect(lines[2]).toBe("    model.onnx is empty");
  expect(lines[3]).toMatch(/^ {2}other/);
});

test("the default signature comes first, one that cannot be called says why, and the engine's own are left out", () => {
  const signature: Signature = { inputs: [], outputs: [info("y")], methodName: "" };
  const signatures: Signatures = new Map([
    ["__saved_model_init_op", { ...signature, uncallable: "it has no output that is a tensor" }],
    ["sparse", { ...signature, uncallable: 'input "x" is a sparse tensor' }],
    ["serving_default", signature],
  ]);
  expect(
    modelTable([row({ signatures })])
      .split("\n")
      .slice(2),
  ).toEqual(["    serving_default() -> y: float32[]", '    sparse cannot be called: input "x" is a sparse tensor']);
});
