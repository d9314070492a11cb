import type { XgboostOperation } from "../../../model/tabular/xgboost-operations.ts";
import type { Matrix } from "../matrix.ts";
import { leafOf } from "./tree-walk.ts";

/** Adds up the vectors of the leaves that a row reaches, in float32, in the order of the trees, from the base on. */
export function treeVectorSums(
  { ensemble, vectors, base }: Pick<XgboostOperation, "ensemble" | "vectors" | "base">,
  { rows, width: columns, data }: Matrix,
): Matrix {
  const width = base.length;
  const sums = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    sums.set(base, row * width);
    for (const root of ensemble.roots) {
      const start = leafOf(ensemble, root, data, row * columns) * width;
      for (let i = 0; i < width; i++) sums[row * width + i]! += vectors[start + i]!;
    }
  }
  return { rows, width, data: sums };
}
