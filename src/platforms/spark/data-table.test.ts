import { describe, expect, test } from "vitest";
import { type TestValue, testTable } from "./test-tables.ts";

/** The columns of vectors: `[type, size, indices, values]` each. */
function vectors(...rows: readonly (readonly [TestValue, TestValue, TestValue, TestValue])[]) {
  const column = (i: number) => rows.map((row) => row[i]);
  return testTable({ "v.type": column(0), "v.size": column(1), "v.indices": column(2), "v.values": column(3) });
}

/** The columns of a matrix. */
function matrix(
  type: number,
  rows: number,
  columns: number,
  starts: readonly number[],
  places: readonly number[],
  values: readonly number[],
  isTurned: number,
) {
  return testTable({
    "m.type": [type],
    "m.numRows": [rows],
    "m.numCols": [columns],
    "m.colPtrs": [starts],
    "m.rowIndices": [places],
    "m.values": [values],
    "m.isTransposed": [isTurned],
  });
}

test("vectors of both kinds are written out", () => {
  const table = vectors([1, null, [], [1, 2, 3]], [0, 3, [2, 0], [7, 5]]);
  expect(table.vectors("v")).toEqual({ rows: 2, columns: 3, data: Float64Array.of(1, 2, 3, 5, 0, 7) });
});

test.each<[string, ReturnType<typeof matrix>]>([
  ["by columns", matrix(1, 2, 3, [], [], [1, 4, 2, 5, 3, 6], 0)],
  ["by rows", matrix(1, 2, 3, [], [], [1, 2, 3, 4, 5, 6], 1)],
  ["sparse by columns", matrix(0, 2, 3, [0, 2, 4, 6], [0, 1, 0, 1, 1, 0], [1, 4, 2, 5, 6, 3], 0)],
  ["sparse by rows", matrix(0, 2, 3, [0, 3, 6], [0, 1, 2, 2, 1, 0], [1, 2, 3, 6, 5, 4], 1)],
])("a matrix %s is written out", (_, table) => {
  expect(table.matrix("m")).toEqual({ rows: 2, columns: 3, data: Float64Array.of(1, 2, 3, 4, 5, 6) });
});

describe("what lies about its size is refused", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["a vector of 2^40 zeros", () => vectors([0, 2 ** 40, [], []]).vectors("v"), /no possible length/],
    ["a vector of 2^27 zeros", () => vectors([0, 2 ** 27, [], []]).vectors("v"), /no possible length/],
    ["a vector of -1 numbers", () => vectors([0, -1, [], []]).vectors("v"), /no possible length/],
    ["a place behind the end", () => vectors([0, 3, [3], [1]]).vectors("v"), /a damaged vector/],
    ["a place that is none", () => vectors([0, 3, [0.5], [1]]).vectors("v"), /a damaged vector/],
    ["more places than numbers", () => vectors([0, 3, [0, 1], [1]]).vectors("v"), /a damaged vector/],
    ["vectors of two lengths", () => vectors([1, null, [], [1]], [1, null, [], [1, 2]]).vectors("v"), /different lengths/],
    [
      "a vector of another length than the model",
      () => vectors([1, null, [], [1]]).vectors("v", 2),
      /vectors of 1 numbers, not 2/,
    ],
    ["a matrix of 2^20 by 2^20", () => matrix(0, 2 ** 20, 2 ** 20, [], [], [], 0).matrix("m"), /no possible size/],
    ["a matrix of other numbers", () => matrix(1, 2, 2, [], [], [1, 2, 3], 0).matrix("m"), /a damaged matrix/],
    ["columns that go back", () => matrix(0, 2, 2, [0, 2, 1], [0, 1], [1, 2], 0).matrix("m"), /a damaged matrix/],
    ["columns behind the end", () => matrix(0, 2, 2, [0, 2, 9], [0, 1], [1, 2], 0).matrix("m"), /a damaged matrix/],
    ["a row that there is not", () => matrix(0, 2, 2, [0, 1, 2], [0, 2], [1, 2], 0).matrix("m"), /a damaged matrix/],
    ["a column that is not there", () => testTable({ a: [1] }).numbers("b"), /column "b" is not there/],
    ["texts in the place of numbers", () => testTable({ a: ["x"] }).numbers("a"), /has texts, not numbers/],
    ["a list in the place of a number", () => testTable({ a: [[1]] }).numbers("a"), /a list 1 deep, not 0/],
    ["two rows where there should be one", () => testTable({ a: [1, 2] }).number("a"), /is there 2 times/],
    ["no rows", () => testTable({ a: [] }).numbers("a"), /data has no rows/],
  ])("%s", (_, read, message) => {
    expect(read).toThrow(expect.objectContaining({ code: "data-loss", message: expect.stringMatching(message) }));
  });
});
