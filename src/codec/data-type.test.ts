import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import type { DType } from "../tensor/dtype.ts";
import {
  dataTypeName,
  dataTypeNumber,
  dataTypeWord,
  declaredDType,
  dtypeOfName,
  dtypeOfNumber,
  servableDType,
} from "./data-type.ts";

// From the table of tensorflow.DataType; the words are TensorFlow's DataTypeString.
const TABLE: readonly [DType, number, string, string][] = [
  ["float32", 1, "DT_FLOAT", "float"],
  ["float64", 2, "DT_DOUBLE", "double"],
  ["int32", 3, "DT_INT32", "int32"],
  ["uint8", 4, "DT_UINT8", "uint8"],
  ["int16", 5, "DT_INT16", "int16"],
  ["int8", 6, "DT_INT8", "int8"],
  ["string", 7, "DT_STRING", "string"],
  ["complex64", 8, "DT_COMPLEX64", "complex64"],
  ["int64", 9, "DT_INT64", "int64"],
  ["bool", 10, "DT_BOOL", "bool"],
  ["bfloat16", 14, "DT_BFLOAT16", "bfloat16"],
  ["uint16", 17, "DT_UINT16", "uint16"],
  ["complex128", 18, "DT_COMPLEX128", "complex128"],
  ["float16", 19, "DT_HALF", "half"],
  ["uint32", 22, "DT_UINT32", "uint32"],
  ["uint64", 23, "DT_UINT64", "uint64"],
];

test.each(TABLE)("%s is number %i, %s, in a word %s", (dtype, number, name, word) => {
  expect(dataTypeNumber(dtype)).toBe(number);
  expect(dataTypeName(dtype)).toBe(name);
  expect(dataTypeWord(dtype)).toBe(word);
  expect(dtypeOfNumber(number)).toBe(dtype);
  expect(dtypeOfName(name)).toBe(dtype);
  expect(servableDType(number)).toBe(dtype);
});

describe("other data types", () => {
  test.each([
    [0, "DT_INVALID"],
    [11, "DT_QINT8"],
    [20, "DT_RESOURCE"],
    [21, "DT_VARIANT"],
    [24, "DT_FLOAT8_E5M2"],
    [33, "DT_FLOAT4_E2M1FN"],
    [34, "number 34"],
    [100, "number 100"],
    [101, "DT_FLOAT_REF"],
    [999, "number 999"],
    [-1, "number -1"],
  ])("%i is refused by name", (number, name) => {
    expect(dtypeOfNumber(number)).toBeUndefined();
    expect(() => servableDType(number)).toThrow(
      new ServingError("invalid-argument", `a tensor of data type ${name} cannot be served`),
    );
  });

  test.each([
    [1, "float32"],
    [101, "float32"],
    [107, "string"],
    [123, "uint64"],
    [0, undefined],
    [100, undefined],
    [111, undefined],
    [-1, undefined],
  ])("%i is declared for %s", (number, dtype) => {
    expect(declaredDType(number)).toBe(dtype);
  });

  test("a name that is no data type has no element type", () => {
    expect(dtypeOfName("toString")).toBeUndefined();
  });
});
