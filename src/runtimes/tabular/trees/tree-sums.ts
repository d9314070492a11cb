import type { TreeEnsemble } from "../../../model/tabular/tabular-program.ts";
import { type Matrix, zerosLike } from "../matrix.ts";
import { LevelWalk } from "./level-walk.ts";
import { leafOf } from "./tree-walk.ts";

/** Rows that go through one tree before the next tree comes, where there is no layout. */
const BLOCK = 64;

/** Adds up what the trees of an ensemble give each row, in the order and precision of its library. */
export type TreeSums = (rows: Matrix) => Matrix;

/**
 * The fastest way to add up this ensemble: by levels where it has a layout, which it has when all nodes compare numbers and only NaN is missing, as
 * in nearly every model. {@link sumPlainly} is what both ways give.
 */
export function treeSums(ensemble: TreeEnsemble): TreeSums {
  const { layout } = ensemble;
  if (layout === undefined) return (rows) => sumInBlocks(ensemble, rows);
  const walk = new LevelWalk(ensemble, layout);
  return (rows) => sumByLevels(ensemble, walk, rows);
}

/** As {@link treeSums}, a row and a tree at a time: for tests. */
export function sumPlainly(ensemble: TreeEnsemble, { rows, width, data }: Matrix): Matrix {
  const { groups, base, baseIsAdded, divisor, roots, treeGroups } = ensemble;
  const sums = zerosLike(ensemble.values, rows * groups);
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      const at = row * groups + group;
      if (baseIsAdded === "first") sums[at] = base[group]!;
      for (let tree = 0; tree < roots.length; tree++) {
        if (treeGroups[tree] === group)
          sums[at]! += valueOfLeaf(ensemble, leafOf(ensemble, roots[tree]!, data, row * width), data, row * width);
      }
      if (divisor !== 1) sums[at]! /= divisor;
      if (baseIsAdded === "last") sums[at]! += base[group]!;
    }
  }
  return { rows, width: groups, data: sums };
}

function sumByLevels(ensemble: TreeEnsemble, walk: LevelWalk, matrix: Matrix): Matrix {
  const { groups, roots, treeGroups, values, linearLeaves } = ensemble;
  const { rows, width, data } = matrix;
  const { block, leaves } = walk;
  const sums = started(ensemble, rows);
  for (let start = 0; start < rows; start += block) {
    const end = Math.min(start + block, rows);
    walk.take(matrix, start, end);
    for (let tree = 0; tree < roots.length; tree++) {
      walk.tree(tree);
      const group = treeGroups[tree]!;
      for (let row = start; row < end; row++) {
        const leaf = leaves[row - start]!;
        sums[row * groups + group]! +=
          linearLeaves === undefined ? values[leaf]! : valueOfLeaf(ensemble, leaf, data, row * width);
      }
    }
  }
  return finished(ensemble, sums, rows);
}

function sumInBlocks(ensemble: TreeEnsemble, { rows, width, data }: Matrix): Matrix {
  const { groups, roots, treeGroups, values, linearLeaves } = ensemble;
  const sums = started(ensemble, rows);
  for (let start = 0; start < rows; start += BLOCK) {
    const end = Math.min(start + BLOCK, rows);
    for (let tree = 0; tree < roots.length; tree++) {
      const root = roots[tree]!;
      const group = treeGroups[tree]!;
      for (let row = start; row < end; row++) {
        const leaf = leafOf(ensemble, root, data, row * width);
        sums[row * groups + group]! +=
          linearLeaves === undefined ? values[leaf]! : valueOfLeaf(ensemble, leaf, data, row * width);
      }
    }
  }
  return finished(ensemble, sums, rows);
}

function started({ groups, base, baseIsAdded, values }: TreeEnsemble, rows: number): Float32Array | Float64Array {
  const sums = zerosLike(values, rows * groups);
  if (baseIsAdded === "first") for (let i = 0; i < sums.length; i++) sums[i] = base[i % groups]!;
  return sums;
}

function finished({ groups, base, baseIsAdded, divisor }: TreeEnsemble, sums: Float32Array | Float64Array, rows: number): Matrix {
  if (divisor !== 1) for (let i = 0; i < sums.length; i++) sums[i]! /= divisor;
  if (baseIsAdded === "last") for (let i = 0; i < sums.length; i++) sums[i]! += base[i % groups]!;
  return { rows, width: groups, data: sums };
}

/** A leaf's value, or what its linear function gives for the row. */
function valueOfLeaf({ values, linearLeaves }: TreeEnsemble, leaf: number, data: ArrayLike<number>, row: number): number {
  const start = linearLeaves?.starts[leaf] ?? -1;
  if (linearLeaves === undefined || start < 0) return values[leaf]!;
  const { constants, lengths, columns, coefficients } = linearLeaves;
  let sum = constants[leaf]!;
  for (let i = start; i < start + lengths[leaf]!; i++) {
    const value = data[row + columns[i]!]!;
    if (Number.isNaN(value)) return values[leaf]!;
    sum += coefficients[i]! * value;
  }
  return sum;
}
