import type { TreeEnsemble } from "../../model/tabular-program.ts";
import type { Matrix } from "./matrix.ts";
import { leafOf } from "./tree-walk.ts";

/** The number of the leaf that each row reaches in each tree, as the library of the ensemble counts leaves. */
export function treeLeaves(ensemble: TreeEnsemble, { rows, width, data }: Matrix): Matrix {
  const { roots, left } = ensemble;
  const leaves = new Int32Array(rows * roots.length);
  for (let row = 0; row < rows; row++) {
    for (let tree = 0; tree < roots.length; tree++) {
      leaves[row * roots.length + tree] = left[leafOf(ensemble, roots[tree]!, data, row * width)]!;
    }
  }
  return { rows, width: roots.length, data: leaves };
}
