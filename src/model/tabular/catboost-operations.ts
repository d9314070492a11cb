/** What CatBoost's models need beside the operations of all libraries. */
export type CatboostOperation =
  /**
   * The hash that CatBoost knows a text by, an int32. A missing text is the request's error; `what` names columns for it.
   */
  | { readonly kind: "text-hashes"; readonly from: string; readonly to: string; readonly what: readonly string[] }
  /**
   * The sums of {@link BinTrees}: `from` is a matrix of numbers, rounded to float32, when the model has bins of numbers, then one of hashes
   * when it has bins of categories or statistics; any value of the request's rows when it has none of either.
   */
  | { readonly kind: "bin-tree-sums"; readonly from: readonly string[]; readonly to: string; readonly model: BinTrees };

/**
 * Trees over bins. A row's values become small whole numbers, its bins, each in a column of its own: how many borders of a part of a column's
 * borders are below the number, which of some values a category is, or what the statistic of its categories comes to. A split is a comparison
 * with a bin. All arrays are over shared memory, so that a model is there once for all threads; all indexes in them have been checked.
 */
export interface BinTrees {
  /** Bins of numbers come first, then those of categories, then those of statistics. */
  readonly numbers: NumberBins;
  readonly categories: CategoryBins;
  readonly statistics: readonly CategoryStatistic[];
  /** Columns of bins, all together. */
  readonly bins: number;
  readonly splits: BinSplits;
  readonly trees: ObliviousTrees | NodeTrees;
  /** Sums of a leaf, side by side in `values`. */
  readonly groups: number;
  /** Leaves of all trees, a leaf's sums side by side. */
  readonly values: Float64Array;
  readonly scale: number;
  /** What is added to the scaled sums, one of each group. */
  readonly bias: Float64Array;
  /** Columns of an answer, and the one that each group is; those that are none are -Infinity. */
  readonly width: number;
  readonly places: Int32Array;
}

/** Bins that count borders below a number. A column of bins has {@link MOST_BIN} borders at most. */
export interface NumberBins {
  /** By column of bins: the matrix's column, the first of its borders, and their number. Borders rise. */
  readonly columns: Int32Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** By column of bins, whether NaN is above all borders (1), or below them (0). */
  readonly nanIsMost: Uint8Array;
  readonly borders: Float32Array;
}

/** Bins that are the place of a category's hash in a list, from 1 on; 0 for another. A column of bins has {@link MOST_BIN} values at most. */
export interface CategoryBins {
  /** By column of bins: the column of hashes, the first of its values, and their number. */
  readonly columns: Int32Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly values: Int32Array;
}

/** What the categories of some columns, and whether some splits hold, were worth in training. */
export interface CategoryStatistic {
  /** Columns of hashes, in the order in which they are hashed together. */
  readonly columns: Int32Array;
  /** Numbers of the splits that are hashed behind them, by {@link BinSplits}. */
  readonly splits: Int32Array;
  /** The combinations that are known. */
  readonly table: HashTable;
  /** The first of its columns of bins, and their number. */
  readonly firstBin: number;
  readonly bins: number;
  /** By combination, the bins side by side; those of one that is not known come last. */
  readonly values: Uint8Array;
}

/**
 * Places of 64-bit hashes. A hash is looked for from {@link hashSlot} on, in one slot after the other up to one without a place; there is one.
 */
export interface HashTable {
  /** Low and high halves by slot; the number of slots is a power of two. */
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** By slot, the place of its hash, or -1. */
  readonly places: Int32Array;
  /** Hashes that it has, and the place of one that it does not have. */
  readonly count: number;
}

/** A split holds of a row when `(its bin ^ flips) >= least`: with 127 and `127 ^ value` for one value, with 0 for the bins from `least` on. */
export interface BinSplits {
  readonly columns: Int32Array;
  readonly leasts: Uint8Array;
  readonly flips: Uint8Array;
}

/** Trees that ask the same split of all nodes of a level: the leaf's number is made of a bit for each split that holds, the first lowest. */
export interface ObliviousTrees {
  readonly kind: "oblivious";
  /** Numbers of splits, those of a tree side by side. */
  readonly levels: Int32Array;
  /** By tree: levels, 16 at most, and where its leaves begin in the model's values. */
  readonly depths: Uint8Array;
  readonly leaves: Int32Array;
}

/** Trees of nodes. */
export interface NodeTrees {
  readonly kind: "nodes";
  /** By tree, its first node, or what {@link NodeTrees.next} has for a leaf. */
  readonly roots: Int32Array;
  /** By node, the number of its split. */
  readonly nodes: Int32Array;
  /** By node, where a row goes of which the split does not hold, then where it goes else: a node behind, or `~leaf` with the leaf's place in values. */
  readonly next: Int32Array;
}

/** Borders and values of a column of bins at most: four bins can be compared at once within 32 bits. */
export const MOST_BIN = 127;

/** The slot that a hash is looked for first in a table of `slots`. */
export function hashSlot(low: number, high: number, slots: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) & (slots - 1);
}
