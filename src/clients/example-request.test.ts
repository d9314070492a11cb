import { describe, expect, test } from "vitest";
import type { DType } from "../tensor/dtype.ts";
import type { DeclaredShape } from "../tensor/shape.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import { exampleData, exampleRequest } from "./example-request.ts";

function input(alias: string, dtype: DType, shape: DeclaredShape, more: Partial<TensorInfo> = {}): TensorInfo {
  return { alias, name: alias, dtype, shape, ...more };
}

function signature(...inputs: readonly TensorInfo[]): Signature {
  return { inputs, outputs: [], methodName: "" };
}

describe("made-up values", () => {
  test.each<[DType, DeclaredShape, string]>([
    ["float32", [-1, 3], "[[0.1, 0.2, 0.3]]"],
    ["float16", [], "0.1"],
    ["int64", [2], "[1, 1]"],
    ["uint8", [-1, -1], "[[1, 1]]"],
    ["bool", [1], "[true]"],
    ["string", [-1], '["text"]'],
    ["string", undefined, '["text"]'],
    ["float64", [0, 3], "[]"],
  ])("of %s in the shape [%s]", (dtype, shape, text) => {
    expect(exampleRequest("serving_default", signature(input("x", dtype, shape)))).toBe(`{"inputs": {"x": ${text}}}`);
  });

  test("of a picture have a picture's size, and are all the same", () => {
    const { inputs } = JSON.parse(exampleRequest("serving_default", signature(input("x", "float32", [-1, -1, -1, 3])))) as {
      inputs: { x: number[][][][] };
    };
    expect([inputs.x.length, inputs.x[0].length, inputs.x[0][0].length]).toEqual([1, 32, 32]);
    expect(new Set(inputs.x.flat(3))).toEqual(new Set([0.5]));
  });

  test("have one size for the dimensions of one name", () => {
    const dimensionNames = ["batch", "length"];
    const text = exampleRequest(
      "serving_default",
      signature(
        input("ids", "int32", [-1, -1], { dimensionNames }),
        input("mask", "int32", [-1], { dimensionNames: ["length"] }),
      ),
    );
    expect(JSON.parse(text)).toEqual({ inputs: { ids: [[1, 1]], mask: [1, 1] } });
  });

  test("leave out what is optional, and name any signature but the default one", () => {
    const asked = signature(input("x", "int32", []), input("k", "float32", [1], { optional: true }));
    expect(exampleRequest("other", asked)).toBe('{"signature_name": "other", "inputs": {"x": 1}}');
  });

  test("are of a matrix and not of its columns, or of several inputs in columns", () => {
    const matrix = input("X", "float64", [-1, 2], { optional: true });
    const column = input("a", "float64", [-1], { optional: true, columnOf: "X" });
    expect(exampleRequest("serving_default", signature(matrix, column))).toBe('{"inputs": {"X": [[0.1, 0.2]]}}');
    const several = signature(input("age", "float64", [-1]), input("city", "string", [-1], { nullable: true }));
    expect(exampleRequest("serving_default", several)).toBe('{"inputs": {"age": [0.1], "city": ["text"]}}');
  });

  test("are printable ASCII whatever the alias", () => {
    const text = exampleRequest('"\n', signature(input('größe "\u2028\u0000', "int32", [])));
    expect(text).toMatch(/^[ -~]*$/);
    expect(JSON.parse(text)).toEqual({ signature_name: '"\n', inputs: { 'größe "\u2028\u0000': 1 } });
  });

  test.each<[string, Signature, string]>([
    ["complex numbers", signature(input("z", "complex64", [1])), 'input "z" is complex64'],
    ["a signature that cannot be called", { ...signature(), uncallable: 'input "x" is sparse' }, 'input "x" is sparse'],
    ["more values than anybody reads", signature(input("x", "float32", [4096, 4096])), "16777216 values, more than 2000000"],
  ])("are not there for %s", (_what, asked, message) => {
    const thrown = expect(() => exampleRequest("serving_default", asked));
    thrown.toThrow(expect.objectContaining({ code: "failed-precondition", message: expect.stringContaining(message) as string }));
  });
});

describe("a request that is known", () => {
  const asked = signature(input("x", "int64", [-1]));

  test("is used with all its digits", () => {
    expect(exampleRequest("serving_default", asked, '{"instances": [9007199254740993]}')).toBe(
      '{"instances": [9007199254740993]}',
    );
    expect(exampleRequest("b", asked, '{"signature_name": "b",\n"inputs": [7]}')).toBe('{"signature_name": "b", "inputs": [7]}');
  });

  test.each(['{"signature_name": "b", "inputs": [7]}', "[7]", "{", "[".repeat(99)])("is not used when it is %s", (known) => {
    expect(exampleRequest("serving_default", asked, known)).toBe('{"inputs": {"x": [1]}}');
  });
});

test("Simple TensorFlow Serving's form has the same values", () => {
  expect(exampleData(signature(input("x", "float32", [-1, 2])))).toBe('{"data": {"x": [[0.1, 0.2]]}}');
});
