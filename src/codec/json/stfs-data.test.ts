import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DType } from "../../tensor/dtype.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import { stringBytes } from "../../tensor/string-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { readStfsInputs } from "./stfs-data.ts";
import { scanStfsDocument } from "./stfs-document.ts";

const input = (alias: string, dtype: DType, ...shape: number[]): TensorInfo => ({ alias, name: alias, dtype, shape });
const read = (text: string, ...inputs: TensorInfo[]) => {
  const { head, document } = scanStfsDocument(new TextEncoder().encode(text));
  return readStfsInputs(document, head.base64, inputs);
};
const plain = ({ shape, dtype, data }: Tensor) => ({
  dtype,
  shape,
  data:
    dtype === "string"
      ? Array.from({ length: data.length }, (_, i) => Buffer.from(stringBytes(data, i)).toString("hex"))
      : [...data],
});
const only = (text: string, info: TensorInfo) => plain(read(text, info).tensors.get(info.alias)!);

const KEYS = input("keys", "int32", -1, 1);
const FEATURES = input("features", "float32", -1, 2);

test("reads inputs by name and passes over other names", () => {
  const { tensors, format } = read('{"data": {"features": [[1, 2]], "more": {"a": [1]}, "keys": [[11]]}}', KEYS, FEATURES);
  expect(format).toBe("named");
  expect([...tensors].map(([name, tensor]) => [name, plain(tensor)])).toEqual([
    ["features", { dtype: "float32", shape: [1, 2], data: [1, 2] }],
    ["keys", { dtype: "int32", shape: [1, 1], data: [11] }],
  ]);
});

describe("one input", () => {
  test.each([
    ["a list", '{"data": [[1, 2], [3, 4]]}', [2, 2]],
    ["by name", '{"data": {"features": [[1, 2], [3, 4]]}}', [2, 2]],
    ["as data, the name where there is no signature", '{"data": {"data": [[1, 2], [3, 4]]}}', [2, 2]],
  ])("may be given as %s", (_, text, shape) => {
    expect(only(text, FEATURES)).toEqual({ dtype: "float32", shape, data: [1, 2, 3, 4] });
  });

  test("named data is found by its name", () => {
    expect(only('{"data": {"data": 5}}', input("data", "float32"))).toEqual({ dtype: "float32", shape: [], data: [5] });
  });
});

describe("numbers are converted as numpy does", () => {
  test.each<[DType, string, unknown[] | bigint[]]>([
    ["int32", "[[11.0], [2.0]]", [11, 2]],
    ["int64", "[1.0, -3]", [1n, -3n]],
    ["uint8", "[255.0, 0]", [255, 0]],
    ["bool", "[1, 0]", [1, 0]],
    ["bool", "[true, false]", [1, 0]],
    ["int64", "[9007199254740993]", [9007199254740993n]],
  ])("%s %s", (dtype, text, data) => {
    expect(only(`{"data": ${text}}`, input("x", dtype)).data).toEqual(data);
  });

  test.each<[DType, string, string]>([
    ["int32", "[1.5]", "JSON Value: 1.5 Type: Number is not of expected type: int32"],
    ["int32", "[2147483648.0]", "Type: Number is not of expected type: int32"],
    ["uint8", "[-1.0]", "Type: Number is not of expected type: uint8"],
    ["bool", "[2]", "Type: Number is not of expected type: bool"],
    ["int32", '["a"]', "Type: String is not of expected type: int32"],
    ["float32", '["a"]', "Type: String is not of expected type: float"],
  ])("but nothing is lost: %s %s", (dtype, text, message) => {
    expect(() => read(`{"data": ${text}}`, input("x", dtype))).toThrow(message);
  });

  test("whole numbers come out as they went in, however they are written", () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const text = values.map((value) => `${value}.0`).join(", ");
        expect(only(`{"data": [${text}]}`, input("x", "int32", -1)).data).toEqual(values.map((value) => value | 0));
      }),
    );
  });
});

describe("strings", () => {
  const TEXT = input("images", "string", -1);

  test.each([
    ["as they are", '{"data": {"images": ["aGk", "hi"]}}', ["61476b", "6869"]],
    ["decoded where that is asked", '{"base64_decode": true, "data": {"images": ["aGk", "aGk="]}}', ["6869", "6869"]],
    ["of the url-safe alphabet", '{"base64_decode": true, "data": {"images": ["_-8", "/+8="]}}', ["ffef", "ffef"]],
    ["from base64 objects without being asked", '{"data": {"images": [{"b64": "_-8="}]}}', ["ffef"]],
    ["with escapes", '{"base64_decode": true, "data": {"images": ["\\/+8\\u003d"]}}', ["ffef"]],
    ["from a base64 object alone", '{"data": {"b64": "_-8="}}', ["ffef"]],
  ])("are read %s", (_, text, expected) => {
    expect(only(text, TEXT).data).toEqual(expected);
  });

  test("any bytes survive either alphabet", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom("base64", "base64url"), (value, alphabet) => {
        const text = Buffer.from(value).toString(alphabet as "base64");
        const written = only(JSON.stringify({ data: [{ b64: text }] }), TEXT);
        expect(written).toEqual({ dtype: "string", shape: [1], data: [Buffer.from(value).toString("hex")] });
      }),
    );
  });

  test.each(["a", "a*b", "aGk==", "ab=c"])("refuses what is not base64: %s", (text) => {
    expect(() => read(`{"data": [{"b64": "${text}"}]}`, TEXT)).toThrow("Unable to base64 decode");
  });
});

describe("images for an input of pixels", () => {
  test.each([
    ['{"data": {"x": ["_-8", {"b64": "/+8="}]}}', ["ffef", "ffef"]],
    ['{"data": {"x": {"b64": "/+8="}}}', ["ffef"]],
  ])("are kept encoded: %s", (text, expected) => {
    const { images, tensors } = read(text, input("x", "uint8", -1, 8, 8, 3));
    const encoded = images!.encoded;
    expect(tensors.size).toBe(0);
    expect(images!.alias).toBe("x");
    expect(Array.from({ length: encoded.length }, (_, i) => Buffer.from(stringBytes(encoded, i)).toString("hex"))).toEqual(
      expected,
    );
  });

  test("may be numbers all the same", () => {
    expect(only('{"data": [[[1, 2]]]}', input("x", "uint8", 1, 1, 2))).toMatchObject({ shape: [1, 1, 2], data: [1, 2] });
  });
});

describe("what is missing", () => {
  test.each(["{}", '{"data": {}}', '{"data": []}', '{"data": null}', '{"data": ""}', '{"data": { }}'])("empty: %s", (text) => {
    expect(() => read(text, KEYS)).toThrow("Inference with empty data, please check the request JSON");
  });

  test("names the input and shows the data", () => {
    expect(() => read('{"data": {"keys": [[1]]}}', KEYS, FEATURES)).toThrow(
      `Input op name 'features' does not exist in input data: {"keys": [[1]]}, please check the request JSON`,
    );
  });

  test("a list for several inputs names the first", () => {
    expect(() => read('{"data": [1]}', KEYS, FEATURES)).toThrow("Input op name 'keys' does not exist in input data: [1]");
  });

  test("an optional input may be", () => {
    const { tensors } = read('{"data": {"keys": [[1]]}}', KEYS, { ...FEATURES, optional: true });
    expect([...tensors.keys()]).toEqual(["keys"]);
  });
});
