import type { TabularOperation } from "../../model/tabular-program.ts";
import type { Matrix } from "./matrix.ts";
import { leafOf } from "./tree-walk.ts";

/** Adds up the vectors of the leaves that a row reaches, in the order of the trees, and divides by the ensemble's divisor. In float64. */
export function treeVectors(
  { ensemble, width, vectors }: Pick<Extract<TabularOperation, { kind: "tree-vectors" }>, "ensemble" | "width" | "vectors">,
  matrix: Matrix,
): Matrix {
  const { roots, left, divisor } = ensemble;
  const sums = new Float64Array(matrix.rows * width);
  for (let row = 0; row < matrix.rows; row++) {
    for (const root of roots) {
      const start = left[leafOf(ensemble, root, matrix.data, row * matrix.width)]! * width;
      for (let i = 0; i < width; i++) sums[row * width + i]! += vectors[start + i]!;
    }
  }
  for (let i = 0; i < sums.length; i++) sums[i]! /= divisor;
  return { rows: matrix.rows, width, data: sums };
}
