import { describe, expect, test } from "vitest";
import type { DType } from "../tensor/dtype.ts";
import { clientProgram } from "./client-program.ts";
import { grpcRequest } from "./grpc-request.ts";
import { printJson } from "./json-tree.ts";

function request(
  example: string,
  inputs: Readonly<Record<string, DType>>,
  more: { version?: bigint; signatureName?: string } = {},
) {
  const program = clientProgram({
    url: "http://127.0.0.1:8501",
    grpcAddress: "127.0.0.1:8500",
    grpcTls: false,
    authentication: "none",
    model: "m",
    signatureName: "serving_default",
    signature: {
      inputs: Object.entries(inputs).map(([alias, dtype]) => ({ alias, name: alias, dtype, shape: undefined })),
      outputs: [],
      methodName: "",
    },
    example,
    ...more,
  });
  return (form: "list" | "map") => JSON.parse(printJson(grpcRequest(program, form))) as Record<string, unknown>;
}

describe("elements of", () => {
  test.each<[DType, string, object]>([
    ["float32", "[0.5]", { dtype: "DT_FLOAT", float_val: [0.5] }],
    ["float64", "[0.5]", { dtype: "DT_DOUBLE", double_val: [0.5] }],
    ["int8", "[-1]", { dtype: "DT_INT8", int_val: [-1] }],
    ["uint16", "[1]", { dtype: "DT_UINT16", int_val: [1] }],
    ["int64", "[9007199254740993]", { dtype: "DT_INT64", int64_val: ["9007199254740993"] }],
    ["uint64", "[18446744073709551615]", { dtype: "DT_UINT64", uint64_val: ["18446744073709551615"] }],
    ["uint32", "[1]", { dtype: "DT_UINT32", uint32_val: [1] }],
    ["bool", "[true]", { dtype: "DT_BOOL", bool_val: [true] }],
    ["string", '["ö"]', { dtype: "DT_STRING", string_val: ["w7Y="] }],
    ["string", "[null]", { dtype: "DT_STRING", string_val: ["/w=="] }],
    ["float64", "[null]", { dtype: "DT_DOUBLE", double_val: ["NaN"] }],
    ["string", '[{"b64": "/w=="}]', { dtype: "DT_STRING", string_val: ["/w=="] }],
    // By numpy's float16 and ml_dtypes' bfloat16.
    ["float16", "[0.1]", { dtype: "DT_HALF", half_val: [0x2e66] }],
    ["float16", "[-2]", { dtype: "DT_HALF", half_val: [0xc000] }],
    ["float16", "[65504]", { dtype: "DT_HALF", half_val: [0x7bff] }],
    ["float16", "[65520]", { dtype: "DT_HALF", half_val: [0x7c00] }],
    ["float16", "[6e-8]", { dtype: "DT_HALF", half_val: [1] }],
    ["float16", "[0]", { dtype: "DT_HALF", half_val: [0] }],
    ["bfloat16", "[0.1]", { dtype: "DT_BFLOAT16", half_val: [0x3dcd] }],
  ])("%s %s", (dtype, values, tensor) => {
    const { inputs } = request(`{"inputs": {"x": ${values}}}`, { x: dtype })("map") as { inputs: { x: object } };
    expect(inputs.x).toEqual({ tensor_shape: { dim: [{ size: "1" }] }, ...tensor });
  });
});

test("version and signature are said where they are not the usual ones", () => {
  const made = request('{"signature_name": "s", "inputs": {"x": 1}}', { x: "int32" }, { version: 3n, signatureName: "s" });
  expect(made("map").model_spec).toEqual({ name: "m", version: "3", signature_name: "s" });
  expect(made("list").model_spec).toEqual({ name: "m", version: { value: "3" }, signature_name: "s" });
});

describe("the inputs of a REST body", () => {
  const shape = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size: String(size) })) });

  test.each<[string, Readonly<Record<string, DType>>, object]>([
    ['{"instances": [[1, 2], [3, 4]]}', { x: "int32" }, { x: { int_val: [1, 2, 3, 4], tensor_shape: shape(2, 2) } }],
    [
      '{"instances": [{"a": 1, "b": [2]}, {"a": 3, "b": [4]}]}',
      { a: "int32", b: "int32" },
      { a: { int_val: [1, 3], tensor_shape: shape(2) }, b: { int_val: [2, 4], tensor_shape: shape(2, 1) } },
    ],
    ['{"inputs": [[5]]}', { x: "int32" }, { x: { int_val: [5], tensor_shape: shape(1, 1) } }],
    ['{"inputs": {"x": 5}}', { x: "int32" }, { x: { int_val: [5], tensor_shape: shape() } }],
  ])("%s become columns", (example, inputs, tensors) => {
    const made = request(example, inputs)("map").inputs as Record<string, object>;
    for (const [alias, tensor] of Object.entries(tensors))
      expect(made[alias]).toEqual({ dtype: "DT_INT32", ...(tensor as object) });
    expect(Object.keys(made)).toEqual(Object.keys(tensors));
  });

  test("that a TensorProto repeats are one value", () => {
    const rows = Array.from({ length: 50 }, () => Array<number>(50).fill(0.5));
    const { inputs } = request(JSON.stringify({ instances: rows }), { x: "float32" })("map") as { inputs: { x: object } };
    expect(inputs.x).toEqual({ dtype: "DT_FLOAT", tensor_shape: shape(50, 50), float_val: [0.5] });
  });

  test.each(['{"inputs": {"other": 1}}', '{"instances": [1, {"a": 2}]}', "{}"])(
    "%s that are not the signature's are refused",
    (example) => {
      const thrown = expect(() => request(example, { a: "int32", b: "int32" })("map"));
      thrown.toThrow(expect.objectContaining({ code: "failed-precondition" }));
    },
  );
});
