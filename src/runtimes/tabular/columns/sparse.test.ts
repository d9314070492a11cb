import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linear } from "../estimators/linear.ts";
import type { Matrix, SparseMatrix } from "../matrix.ts";
import { arithmetic, concat, select } from "./columns.ts";
import { normalize } from "./normalize.ts";
import { dense, sparseConcat, sparseLinear, sparseScale, sparseSelect } from "./sparse.ts";

/** A matrix of three columns, and the same as sparse rows. */
const PAIR = fc
  .array(fc.array(fc.constantFrom(0, 0, 0, 1, -2.5, 3), { minLength: 3, maxLength: 3 }), { maxLength: 6 })
  .map((rows) => {
    const matrix = { rows: rows.length, width: 3, data: Float64Array.from(rows.flat()) };
    return [matrix, sparseConcat([matrix])] as const;
  });

/** 0 and -0 are the same. */
const numbers = ({ rows, width, data }: Matrix) => ({ rows, width, data: Array.from(data, (value) => value + 0) });
const same = (sparse: Matrix | SparseMatrix, plain: Matrix) => {
  expect(numbers(dense(sparse))).toEqual(numbers(plain));
};

describe("sparse rows are what a matrix would be", () => {
  test.each([
    ["as they are", (value: SparseMatrix) => value, (value: Matrix) => value],
    ["times weights", (value) => sparseLinear(WEIGHTS, BIAS, value), (value) => linear(WEIGHTS, BIAS, value)],
    ["multiplied by column", (value) => sparseScale("multiply", BY, value), (value) => arithmetic("multiply", BY, value)],
    ["divided by column", (value) => sparseScale("divide", BY, value), (value) => arithmetic("divide", BY, value)],
    ["some columns", (value) => sparseSelect(PLACES, value), (value) => select(PLACES, value) as Matrix],
    ["side by side", (value) => sparseConcat([value, dense(value)]), (value) => concat([value, value]) as Matrix],
    ["normalized", (value) => normalize("l2", value), (value) => normalize("l2", value) as Matrix],
  ] as [string, (value: SparseMatrix) => Matrix | SparseMatrix, (value: Matrix) => Matrix][])("%s", (_, ofSparse, ofMatrix) => {
    fc.assert(fc.property(PAIR, ([matrix, sparse]) => same(ofSparse(sparse), ofMatrix(matrix))));
  });
});

const WEIGHTS = Float64Array.of(1, 2, 3, 4, 5, 6);
const BIAS = Float64Array.of(0.5, -1);
const BY = Float64Array.of(2, 4, -8);
const PLACES = Int32Array.of(0, 2);

test("sparse rows that would be too large as a matrix are refused", () => {
  const value = { rows: 1, width: 2 ** 28, starts: new Int32Array(2), columns: new Int32Array(0), values: new Float64Array(0) };
  expect(() => dense(value)).toThrow(expect.objectContaining({ code: "resource-exhausted" }));
});
