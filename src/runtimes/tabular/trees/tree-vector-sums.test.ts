import { expect, test } from "vitest";
import { stump } from "./test-ensembles.ts";
import { treeVectorSums } from "./tree-vector-sums.ts";

test("vectors of leaves are added to the base in float32, by the numbers of nodes", () => {
  const ensemble = stump(0, 5, 0, 0, { roots: Int32Array.of(0, 0), treeGroups: Int32Array.of(0, 0) });
  const vectors = Float32Array.of(9, 9, 0.1, 2, 0.2, 4);
  const rows = { rows: 2, width: 1, data: Float32Array.of(1, 9) };
  const { width, data } = treeVectorSums({ ensemble, vectors, base: Float32Array.of(1000, -1) }, rows);
  const twice = (value: number) => Math.fround(Math.fround(1000 + Math.fround(value)) + Math.fround(value));
  expect(width).toBe(2);
  expect(Array.from(data)).toEqual([twice(0.1), 3, twice(0.2), 7]);
});
