import { describe, expect, test } from "vitest";
import { fromBfloat16Bits, fromFloat16Bits } from "../codec/json/half.ts";
import { ARRAY_TYPES, type DType, type NumericDType } from "../tensor/dtype.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import type { NumericTensor } from "../tensor/tensor.ts";
import { hasFreeRows, madeUpInputs, seededRandom } from "./warm-up-inputs.ts";

const random = () => seededRandom(1);

function signatureOf(...inputs: readonly Partial<TensorInfo>[]): Signature {
  return {
    inputs: inputs.map((input, i) => ({ alias: `i${i}`, name: `i${i}`, dtype: "float32", shape: [], ...input })),
    outputs: [],
    methodName: "",
  };
}

const only = (input: Partial<TensorInfo>, values: "zeros" | "random", rows = 1) =>
  madeUpInputs(signatureOf(input), values, rows, random()).get("i0")!;

test("a matrix is made up, and not the columns that could come for it", () => {
  const signature = signatureOf({ shape: [-1, 2], optional: true }, { shape: [-1], optional: true, columnOf: "i0" });
  expect([...madeUpInputs(signature, "zeros", 3, random()).keys()]).toEqual(["i0"]);
  expect(hasFreeRows(signature)).toBe(true);
});

describe("shapes", () => {
  test.each<[TensorInfo["shape"], readonly number[]]>([
    [[], []],
    [[-1], [5]],
    [
      [-1, -1, 3],
      [5, 1, 3],
    ],
    [
      [2, -1],
      [2, 1],
    ],
    [
      [0, 4],
      [0, 4],
    ],
    [undefined, [5]],
  ])("%j with 5 rows is %j", (shape, expected) => {
    const tensor = only({ shape }, "zeros", 5);
    expect(tensor.shape).toEqual(expected);
    expect(tensor.data).toHaveLength(expected.reduce((product, size) => product * size, 1));
  });

  test("only a first dimension that is free depends on the number of rows", () => {
    expect(hasFreeRows(signatureOf({ shape: [2, -1] }, { shape: [] }))).toBe(false);
    expect(hasFreeRows(signatureOf({ shape: [2] }, { shape: [-1] }))).toBe(true);
    expect(hasFreeRows(signatureOf({ shape: undefined }))).toBe(true);
    expect(hasFreeRows(signatureOf({ shape: [-1], optional: true }))).toBe(false);
  });

  test("more memory than a request may take is refused before it is taken", () => {
    const signature = signatureOf({ shape: [30_000, 30_000] });
    expect(() => madeUpInputs(signature, "zeros", 1, random())).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });
});

test("an input with a default is left out", () => {
  const inputs = madeUpInputs(signatureOf({}, { optional: true }, {}), "zeros", 1, random());
  expect([...inputs.keys()]).toEqual(["i0", "i2"]);
});

test("strings are empty", () => {
  expect(only({ dtype: "string", shape: [3] }, "random").data).toEqual({
    length: 3,
    offsets: new Uint32Array(4),
    bytes: new Uint8Array(0),
  });
});

describe.each(Object.keys(ARRAY_TYPES) as NumericDType[])("%s", (dtype) => {
  const valuesOf = (tensor: NumericTensor) =>
    Array.from(tensor.data as Float32Array, (item) =>
      dtype === "float16" ? fromFloat16Bits(item) : dtype === "bfloat16" ? fromBfloat16Bits(item) : Number(item),
    );
  const whole = !/^(b?float|complex)/.test(dtype);

  test("zeros are zeros in its own array", () => {
    const tensor = only({ dtype, shape: [50] }, "zeros") as NumericTensor;
    expect(tensor.data).toBeInstanceOf(ARRAY_TYPES[dtype].array);
    expect(tensor.data).toHaveLength(50 * ARRAY_TYPES[dtype].width);
    expect(new Set(valuesOf(tensor))).toEqual(new Set([0]));
  });

  test(`random values are ${whole ? "0 and 1" : "many, of at least 0 and at most 1"}`, () => {
    const values = valuesOf(only({ dtype, shape: [50] }, "random") as NumericTensor);
    if (whole) expect(new Set(values)).toEqual(new Set([0, 1]));
    else expect(new Set(values).size).toBeGreaterThan(25);
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});

test("random values are the same again for the same seed", () => {
  const draw = (seed: number, dtype: DType) =>
    madeUpInputs(signatureOf({ dtype, shape: [9] }), "random", 1, seededRandom(seed)).get("i0");
  expect(draw(7, "float32")).toEqual(draw(7, "float32"));
  expect(draw(7, "float32")).not.toEqual(draw(8, "float32"));
  expect(new Set(Array.from({ length: 9 }, seededRandom(0))).size).toBe(9);
});
