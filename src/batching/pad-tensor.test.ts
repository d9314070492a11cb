import { describe, expect, test } from "vitest";
import { stringTensor, type Tensor } from "../tensor/tensor.ts";
import { shaped } from "./fake-batching.ts";
import { canPad, padTensor } from "./pad-tensor.ts";

describe("padding", () => {
  const cases: readonly [string, Tensor, readonly number[], Tensor][] = [
    ["a matrix", shaped([2, 1], [1, 2]), [9, 3], shaped([2, 3], [1, 1, 1, 2, 1, 1])],
    ["a cube", shaped([1, 2, 1], [3, 4]), [1, 3, 2], shaped([1, 3, 2], [3, 3, 4, 3, 3, 3])],
    ["what needs none", shaped([1, 2], [1, 2]), [1, 2], shaped([1, 2], [1, 2])],
    ["no rows", shaped([0, 2], []), [1, 3], shaped([0, 3], [])],
    ["strings", stringTensor([1, 2], ["a", "bc"]), [1, 3], stringTensor([1, 3], ["a", "bc", "a"])],
    [
      "complex numbers",
      { dtype: "complex64", shape: [1, 1], data: Float32Array.of(1, 2) },
      [1, 2],
      { dtype: "complex64", shape: [1, 2], data: Float32Array.of(1, 2, 1, 2) },
    ],
    [
      "64-bit integers",
      { dtype: "int64", shape: [1, 1], data: BigInt64Array.of(7n) },
      [1, 2],
      { dtype: "int64", shape: [1, 2], data: BigInt64Array.of(7n, 7n) },
    ],
  ];
  test.each(cases)("of %s", (_what, tensor, target, expected) => {
    expect(padTensor(tensor, target)).toEqual(expected);
  });

  test.each([[[]], [[1, 1, 1, 1, 1, 1, 1]]])("of %j is refused for its rank", (shape) => {
    expect(canPad(shape)).toBe(false);
    expect(() => padTensor(shaped(shape, [1]), shape)).toThrow("Only tensors with rank from 1 to 6 can be padded.");
  });

  test("of rows without elements is refused", () => {
    expect(canPad([1, 0])).toBe(false);
    expect(() => padTensor(shaped([1, 0], []), [1, 2])).toThrow("Got empty tensor in batch of non-empty tensors.");
  });
});
