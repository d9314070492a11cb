import {
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  NODE_ZERO_IS_MISSING,
  type TreeEnsemble,
} from "../../model/tabular-program.ts";
import { type Matrix, zerosLike } from "./matrix.ts";
import { leafOf } from "./tree-walk.ts";

/** Rows that go through one tree before the next tree comes: the tree stays in the core's cache, and so do they. */
const BLOCK = 64;

/** Adds up what the trees of an ensemble give each row, in the order and precision of its library. */
export type TreeSums = (rows: Matrix) => Matrix;

/**
 * The fastest way to add up this ensemble: where all nodes compare numbers and only NaN is missing, as in nearly every model, the walk has no
 * case to tell apart. {@link sumPlainly} is what both ways give.
 */
export function treeSums(ensemble: TreeEnsemble): TreeSums {
  const walk = hasPlainNodes(ensemble) ? plainWalk(ensemble) : ruledWalk(ensemble);
  return (rows) => sumInBlocks(ensemble, rows, walk);
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

/** Finds the leaf of a row from a root. */
type Walk = (root: number, data: ArrayLike<number>, row: number) => number;

function sumInBlocks(ensemble: TreeEnsemble, { rows, width, data }: Matrix, walk: Walk): Matrix {
  const { groups, base, baseIsAdded, divisor, roots, treeGroups, values, linearLeaves } = ensemble;
  const sums = zerosLike(values, rows * groups);
  if (baseIsAdded === "first") for (let i = 0; i < sums.length; i++) sums[i] = base[i % groups]!;
  for (let start = 0; start < rows; start += BLOCK) {
    const end = Math.min(start + BLOCK, rows);
    for (let tree = 0; tree < roots.length; tree++) {
      const root = roots[tree]!;
      const group = treeGroups[tree]!;
      for (let row = start; row < end; row++) {
        const leaf = walk(root, data, row * width);
        sums[row * groups + group]! +=
          linearLeaves === undefined ? values[leaf]! : valueOfLeaf(ensemble, leaf, data, row * width);
      }
    }
  }
  if (divisor !== 1) for (let i = 0; i < sums.length; i++) sums[i]! /= divisor;
  if (baseIsAdded === "last") for (let i = 0; i < sums.length; i++) sums[i]! += base[i % groups]!;
  return { rows, width: groups, data: sums };
}

function plainWalk({ features, values, left, right, rules, leftWhen }: TreeEnsemble): Walk {
  if (leftWhen === "less") {
    return (root, data, row) => {
      let node = root;
      for (let feature = features[node]!; feature >= 0; feature = features[node]!) {
        const value = data[row + feature]!;
        node = value < values[node]! || (Number.isNaN(value) && rules[node]! & NODE_DEFAULT_LEFT) ? left[node]! : right[node]!;
      }
      return node;
    };
  }
  return (root, data, row) => {
    let node = root;
    for (let feature = features[node]!; feature >= 0; feature = features[node]!) {
      const value = data[row + feature]!;
      node = value <= values[node]! || (Number.isNaN(value) && rules[node]! & NODE_DEFAULT_LEFT) ? left[node]! : right[node]!;
    }
    return node;
  };
}

function ruledWalk(ensemble: TreeEnsemble): Walk {
  return (root, data, row) => leafOf(ensemble, root, data, row);
}

function hasPlainNodes({ features, rules }: TreeEnsemble): boolean {
  for (let node = 0; node < features.length; node++) {
    if (features[node]! < 0) continue;
    if ((rules[node]! & (NODE_CATEGORICAL | NODE_ZERO_IS_MISSING | NODE_NAN_IS_MISSING)) !== NODE_NAN_IS_MISSING) return false;
  }
  return true;
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
