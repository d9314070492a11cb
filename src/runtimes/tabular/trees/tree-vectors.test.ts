import { expect, test } from "vitest";
import { stump } from "./test-ensembles.ts";
import { treeVectors } from "./tree-vectors.ts";

test("the vectors of the leaves are averaged, whatever the leaves' values are", () => {
  const ensemble = stump(0, 5, -1, 1, {
    roots: Int32Array.of(0, 0),
    treeGroups: Int32Array.of(0, 0),
    left: Int32Array.of(1, 1, 0),
    divisor: 4,
  });
  const rows = { rows: 2, width: 1, data: Float64Array.of(1, 9) };
  const vectors = Float64Array.of(10, 20, 30, 40, 50, 60);
  expect(treeVectors({ ensemble, width: 3, vectors })(rows)).toEqual({
    rows: 2,
    width: 3,
    data: Float64Array.of(20, 25, 30, 5, 10, 15),
  });
});
