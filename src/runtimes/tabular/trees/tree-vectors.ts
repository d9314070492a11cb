import type { TabularOperation } from "../../../model/tabular/tabular-program.ts";
import type { Matrix } from "../matrix.ts";
import { treeLeaves } from "./tree-leaves.ts";

/** Vectors of leaves, as the operation has them. */
type TreeVectors = Pick<Extract<TabularOperation, { kind: "tree-vectors" }>, "ensemble" | "width" | "vectors">;

/** Rows whose leaves are found at once. */
const SLICE = 1024;

/** Adds up the vectors of the leaves that a row reaches, in the order of the trees, and divides by the ensemble's divisor. In float64. */
export function treeVectors({ ensemble, width, vectors }: TreeVectors): (matrix: Matrix) => Matrix {
  const { divisor, roots } = ensemble;
  const leavesOf = treeLeaves(ensemble);
  const trees = roots.length;
  return ({ rows, width: columns, data }) => {
    const sums = new Float64Array(rows * width);
    for (let start = 0; start < rows; start += SLICE) {
      const end = Math.min(rows, start + SLICE);
      const leaves = leavesOf({ rows: end - start, width: columns, data: data.subarray(start * columns, end * columns) }).data;
      for (let row = start; row < end; row++) {
        for (let tree = 0; tree < trees; tree++) {
          const from = leaves[(row - start) * trees + tree]! * width;
          for (let i = 0; i < width; i++) sums[row * width + i]! += vectors[from + i]!;
        }
      }
    }
    if (divisor !== 1) for (let i = 0; i < sums.length; i++) sums[i]! /= divisor;
    return { rows, width, data: sums };
  };
}
