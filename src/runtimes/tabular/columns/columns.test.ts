import { expect, test } from "vitest";
import type { Matrix } from "../matrix.ts";
import { arithmetic, impute, select } from "./columns.ts";

const matrix = (width: number, ...numbers: number[]): Matrix => ({
  rows: numbers.length / width,
  width,
  data: Float64Array.from(numbers),
});

test.each([
  ["add", [3, 8, 5, 10]],
  ["subtract", [-1, 0, 1, 2]],
  ["multiply", [2, 16, 6, 24]],
  ["divide", [0.5, 1, 1.5, 1.5]],
] as const)("each column has its own number to %s", (does, wanted) => {
  expect(arithmetic(does, Float64Array.of(2, 4), matrix(2, 1, 4, 3, 6))).toEqual(matrix(2, ...wanted));
});

test.each([
  ["NaN", Number.NaN, [7, 2, 0, 8]],
  ["a number", 0, [Number.NaN, 2, 7, Number.NaN]],
])("%s that is missing becomes its column's value", (_, missing, wanted) => {
  expect(impute(missing, Float64Array.of(7, 8), matrix(2, Number.NaN, 2, 0, Number.NaN))).toEqual(matrix(2, ...wanted));
});

test("columns are selected in the order that is given", () => {
  expect(select(Int32Array.of(2, 0), matrix(3, 1, 2, 3, 4, 5, 6))).toEqual(matrix(2, 3, 1, 6, 4));
});
