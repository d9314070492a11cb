import type { BinTrees, ObliviousTrees } from "../../../model/tabular/catboost-operations.ts";
import type { Matrix } from "../matrix.ts";
import { type BinnedRows, RowBins } from "./row-bins.ts";

/** Rows whose bins and sums stay in the core's cache while all trees go over them; a multiple of four. */
const BLOCK = 128;
/** Fewer rows go through the trees one by one. */
const FEW = 4;
/** Levels whose bits fit in a byte, so that the numbers of four leaves are made at once. */
const BYTE_LEVELS = 8;
/** One in each byte of a word, and the highest bit of each. */
const ONES = 0x01010101;
const TWOS = 0x02020202;
const TOPS = 0x80808080 | 0;

/** Adds up what the trees give each row. @param values a matrix of numbers, one of hashes, or both, as the operation takes them */
export type BinTreeSums = (values: readonly Matrix[]) => Matrix;

/**
 * The fast way: the bins of four rows are compared at once with a split, as the bytes of a word. {@link sumBinTreesPlainly} is what it gives.
 */
export function binTreeSums(model: BinTrees): BinTreeSums {
  // Made when they are needed first: few rows are all that many a model is asked.
  const kept = new Map<number, RowBins>();
  const leaves = newLeaves();
  return (values) => {
    const rows = binnedRows(model, values);
    const count = values[0].rows;
    const sums = new Float64Array(count * model.groups);
    const stride = count < FEW ? FEW : BLOCK;
    const rowBins = kept.get(stride) ?? new RowBins(model, stride);
    kept.set(stride, rowBins);
    for (let start = 0; start < count; start += BLOCK) {
      const end = Math.min(BLOCK, count - start);
      rowBins.fill(rows, start, end);
      if (end >= FEW && model.trees.kind === "oblivious") {
        addBlock(model, model.trees, rowBins.bins, leaves, end, sums, start * model.groups);
      } else addRows(model, rowBins, end, sums, start * model.groups);
    }
    return answer(model, sums, count);
  };
}

/** As {@link binTreeSums}, a row and a tree at a time: for tests. */
export function sumBinTreesPlainly(model: BinTrees, values: readonly Matrix[]): Matrix {
  const rows = binnedRows(model, values);
  const count = values[0].rows;
  const sums = new Float64Array(count * model.groups);
  const rowBins = new RowBins(model, 1);
  for (let row = 0; row < count; row++) {
    rowBins.fill(rows, row, 1);
    addRows(model, rowBins, 1, sums, row * model.groups);
  }
  return answer(model, sums, count);
}

/** Numbers of leaves of a block: a byte of a word for each row, its low levels, and its high ones where there are more than eight, or another tree's. */
interface Leaves {
  readonly low: Int32Array;
  readonly lowBytes: Uint8Array;
  readonly high: Int32Array;
  readonly highBytes: Uint8Array;
}

function newLeaves(): Leaves {
  const low = new Int32Array(BLOCK / 4);
  const high = new Int32Array(BLOCK / 4);
  return { low, lowBytes: new Uint8Array(low.buffer), high, highBytes: new Uint8Array(high.buffer) };
}

function binnedRows({ numbers }: BinTrees, values: readonly Matrix[]): BinnedRows {
  const given = numbers.columns.length > 0 ? values[0] : undefined;
  const hashes = values[given === undefined ? 0 : 1];
  return {
    numbers: given?.data ?? [],
    numberColumns: given?.width ?? 0,
    hashes: hashes?.data ?? [],
    hashColumns: hashes?.width ?? 0,
  };
}

function addRows(model: BinTrees, { bins, stride }: RowBins, count: number, sums: Float64Array, at: number): void {
  for (let row = 0; row < count; row++) {
    if (model.trees.kind === "oblivious") addLevels(model, model.trees, bins, stride, row, sums, at + row * model.groups);
    else addNodes(model, bins, stride, row, sums, at + row * model.groups);
  }
}

function addLevels(
  { splits, groups, values }: BinTrees,
  { levels, depths, leaves }: ObliviousTrees,
  bins: Uint8Array,
  stride: number,
  row: number,
  sums: Float64Array,
  at: number,
): void {
  const { columns, leasts, flips } = splits;
  let next = 0;
  for (let tree = 0; tree < depths.length; tree++) {
    let leaf = 0;
    for (let level = 0; level < depths[tree]!; level++) {
      const split = levels[next++]!;
      if ((bins[columns[split]! * stride + row]! ^ flips[split]!) >= leasts[split]!) leaf |= 1 << level;
    }
    const from = leaves[tree]! + leaf * groups;
    for (let group = 0; group < groups; group++) sums[at + group]! += values[from + group]!;
  }
}

function addNodes(
  { splits, trees, groups, values }: BinTrees,
  bins: Uint8Array,
  stride: number,
  row: number,
  sums: Float64Array,
  at: number,
): void {
  if (trees.kind !== "nodes") return;
  const { columns, leasts, flips } = splits;
  const { roots, nodes, next } = trees;
  for (let tree = 0; tree < roots.length; tree++) {
    let node = roots[tree]!;
    while (node >= 0) {
      const split = nodes[node]!;
      const holds = (bins[columns[split]! * stride + row]! ^ flips[split]!) >= leasts[split]!;
      node = next[2 * node + (holds ? 1 : 0)]!;
    }
    const from = ~node;
    for (let group = 0; group < groups; group++) sums[at + group]! += values[from + group]!;
  }
}

function addBlock(
  { splits, groups, values }: BinTrees,
  { levels, depths, leaves: starts }: ObliviousTrees,
  bins: Uint8Array,
  leaves: Leaves,
  count: number,
  sums: Float64Array,
  at: number,
): void {
  const words = new Int32Array(bins.buffer);
  const used = (count + 3) >> 2;
  let first = 0;
  for (let tree = 0; tree < depths.length; tree++) {
    const depth = depths[tree]!;
    const low = Math.min(depth, BYTE_LEVELS);
    findLeaves(splits, levels, first, low, words, leaves.low, used);
    const start = starts[tree]!;
    const next = tree + 1 < depths.length ? depths[tree + 1]! : BYTE_LEVELS + 1;
    if (groups === 1 && depth <= BYTE_LEVELS && next <= BYTE_LEVELS) {
      // Two trees at once: sums are read and written half as often, and added in the same order.
      findLeaves(splits, levels, first + depth, next, words, leaves.high, used);
      const other = starts[tree + 1]!;
      const { lowBytes, highBytes } = leaves;
      for (let row = 0; row < count; row++) {
        sums[at + row] = sums[at + row]! + values[start + lowBytes[row]!]! + values[other + highBytes[row]!]!;
      }
      first += depth + next;
      tree++;
      continue;
    }
    if (depth > BYTE_LEVELS) {
      findLeaves(splits, levels, first + low, depth - low, words, leaves.high, used);
      for (let row = 0; row < count; row++) {
        const from = start + (leaves.lowBytes[row]! | (leaves.highBytes[row]! << BYTE_LEVELS)) * groups;
        for (let group = 0; group < groups; group++) sums[at + row * groups + group]! += values[from + group]!;
      }
    } else if (groups === 1) {
      for (let row = 0; row < count; row++) sums[at + row]! += values[start + leaves.lowBytes[row]!]!;
    } else {
      for (let row = 0; row < count; row++) {
        const from = start + leaves.lowBytes[row]! * groups;
        for (let group = 0; group < groups; group++) sums[at + row * groups + group]! += values[from + group]!;
      }
    }
    first += depth;
  }
}

/** Makes the bits of up to eight levels, the first lowest, of four rows a word. No bin is above 127, so that no byte borrows from the next. */
function findLeaves(
  { columns, leasts, flips }: BinTrees["splits"],
  levels: Int32Array,
  first: number,
  count: number,
  words: Int32Array,
  found: Int32Array,
  used: number,
): void {
  if (count % 2 === 1 || count === 0) found.fill(0, 0, used);
  let level = 0;
  if (count % 2 === 1) {
    const split = levels[first]!;
    const from = columns[split]! * (BLOCK / 4);
    const least = Math.imul(leasts[split]!, ONES);
    const flip = Math.imul(flips[split]!, ONES);
    for (let i = 0; i < used; i++) found[i] = (((((words[from + i]! ^ flip) | TOPS) - least) | 0) >>> 7) & ONES;
    level = 1;
  }
  // Two levels at once: what is found is read and written half as often.
  for (; level < count; level += 2) {
    const split = levels[first + level]!;
    const other = levels[first + level + 1]!;
    const from = columns[split]! * (BLOCK / 4);
    const otherFrom = columns[other]! * (BLOCK / 4);
    const least = Math.imul(leasts[split]!, ONES);
    const otherLeast = Math.imul(leasts[other]!, ONES);
    const flip = Math.imul(flips[split]!, ONES);
    const otherFlip = Math.imul(flips[other]!, ONES);
    const keep = level === 0 ? 0 : -1;
    for (let i = 0; i < used; i++) {
      const one = (((((words[from + i]! ^ flip) | TOPS) - least) | 0) >>> 7) & ONES;
      const two = (((((words[otherFrom + i]! ^ otherFlip) | TOPS) - otherLeast) | 0) >>> 6) & TWOS;
      found[i] = (found[i]! & keep) | ((one | two) << level);
    }
  }
}

function answer({ groups, scale, bias, width, places }: BinTrees, sums: Float64Array, rows: number): Matrix {
  const data = new Float64Array(rows * width);
  if (width > groups) data.fill(Number.NEGATIVE_INFINITY);
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      data[row * width + places[group]!] = scale * sums[row * groups + group]! + bias[group]!;
    }
  }
  return { rows, width, data };
}
