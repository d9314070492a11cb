import type { TreeEnsemble } from "../../../model/tabular/tabular-program.ts";
import type { Matrix } from "../matrix.ts";
import { LevelWalk } from "./level-walk.ts";
import { leafOf } from "./tree-walk.ts";

/** Numbers of the leaves that each row reaches in each tree, as the library of the ensemble counts leaves. */
export type TreeLeaves = (rows: Matrix) => Matrix;

/** The fastest way to find leaves; {@link leavesPlainly} is what it gives. */
export function treeLeaves(ensemble: TreeEnsemble): TreeLeaves {
  const { layout, left, roots } = ensemble;
  if (layout === undefined) return (rows) => leavesPlainly(ensemble, rows);
  const walk = new LevelWalk(ensemble, layout);
  const width = roots.length;
  return (matrix) => {
    const leaves = new Int32Array(matrix.rows * width);
    for (let start = 0; start < matrix.rows; start += walk.block) {
      const end = Math.min(start + walk.block, matrix.rows);
      walk.take(matrix, start, end);
      for (let tree = 0; tree < width; tree++) {
        walk.tree(tree);
        for (let row = start; row < end; row++) leaves[row * width + tree] = left[walk.leaves[row - start]!]!;
      }
    }
    return { rows: matrix.rows, width, data: leaves };
  };
}

/** As {@link treeLeaves}, a row and a tree at a time. */
export function leavesPlainly(ensemble: TreeEnsemble, { rows, width, data }: Matrix): Matrix {
  const { roots, left } = ensemble;
  const leaves = new Int32Array(rows * roots.length);
  for (let row = 0; row < rows; row++) {
    for (let tree = 0; tree < roots.length; tree++) {
      leaves[row * roots.length + tree] = left[leafOf(ensemble, roots[tree]!, data, row * width)]!;
    }
  }
  return { rows, width: roots.length, data: leaves };
}
