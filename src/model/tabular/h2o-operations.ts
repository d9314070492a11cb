/** What H2O's models need beside the operations of all libraries. Rows are matrices of float64 unless something else is said. */
export type H2oOperation =
  /** The columns of a request as the rows that a model counts: each input is a vector of texts or numbers, and fills columns of its own. */
  | {
      readonly kind: "level-rows";
      readonly from: readonly string[];
      readonly to: string;
      readonly width: number;
      /** What each input fills. */
      readonly columns: readonly LevelColumn[];
    }
  /** Numbers of a column that are its limit or more become NaN; a limit may be Infinity. */
  | { readonly kind: "limit-levels"; readonly from: string; readonly to: string; readonly limits: Float64Array }
  /** The first value, in its precision, with the second one, of one column, added to all of its columns; what is NaN there adds `missing`. */
  | { readonly kind: "add-offset"; readonly from: readonly [string, string]; readonly to: string; readonly missing: number }
  /** Weights of levels and numbers, added up. */
  | { readonly kind: "level-sums"; readonly from: string; readonly to: string; readonly sums: LevelSums }
  /** Columns of levels as many columns of 0 and 1, then numbers. */
  | { readonly kind: "spread-levels"; readonly from: string; readonly to: string; readonly spread: LevelSpread }
  /** The mean of the squared differences of two values, each times the factor of its column. */
  | {
      readonly kind: "squared-error";
      readonly from: readonly [string, string];
      readonly to: string;
      readonly factors: Float64Array;
    }
  /** A layer of neurons. */
  | { readonly kind: "neuron-layer"; readonly from: string; readonly to: string; readonly layer: NeuronLayer }
  | { readonly kind: "h2o-link"; readonly from: string; readonly to: string; readonly link: H2oLink }
  /**
   * The number of the class that probabilities, the first value, stand for. Of two classes the second from `threshold` on; of more the most
   * likely, where of equals one is drawn, by `priors`, with a number that the row, the second value, is the seed of.
   */
  | {
      readonly kind: "class-number";
      readonly from: readonly [string, string];
      readonly to: string;
      readonly threshold: number;
      readonly priors?: Float64Array;
    }
  /** Distances of rows from points: the columns of a point lie side by side. A distance is 0 or 1 where `isLevel` is 1, else squared. */
  | {
      readonly kind: "level-distances";
      readonly from: string;
      readonly to: string;
      readonly points: Float64Array;
      readonly isLevel: Uint8Array;
    }
  /** The mean length of a row's paths through trees that are split by planes. */
  | { readonly kind: "plane-paths"; readonly from: string; readonly to: string; readonly trees: PlaneTrees }
  /** The only column's numbers on a line through points whose `x` rise; NaN for NaN. */
  | {
      readonly kind: "isotonic";
      readonly from: string;
      readonly to: string;
      readonly x: Float64Array;
      readonly y: Float64Array;
      readonly least: number;
      readonly most: number;
    }
  /** Numbers that rules give: a column for each group of rules. */
  | { readonly kind: "rule-levels"; readonly from: string; readonly to: string; readonly groups: readonly RuleGroup[] }
  /** Numbers by combinations of levels: a column for each of a table. */
  | { readonly kind: "level-table"; readonly from: string; readonly to: string; readonly tables: readonly LevelTable[] };

/** What an input fills of a row. What is missing leaves NaN. */
export interface LevelColumn {
  /** The first column that it fills, and how many. */
  readonly column: number;
  readonly width: number;
  /** Of texts: what they become; a number is taken as it is. */
  readonly levels?: {
    /** Texts that are known, each once, and the code of each. */
    readonly names: readonly string[];
    readonly codes: Float64Array;
    /** The code of another text. */
    readonly unknown: number;
    /** A code itself; 1 in the column that it is the number of and 0 in the others; or the bits of it, the lowest first. */
    readonly as: "code" | "hot" | "bits";
  };
}

/**
 * `bias` plus, for the columns of levels from column 0 on, the weights of the row's levels, then those of numbers times the numbers. Weights of a
 * level, or a number, lie side by side, one of each of `groups`.
 */
export interface LevelSums {
  readonly groups: number;
  /** By column of levels, its first weights, and behind the last where those of numbers begin. */
  readonly starts: Int32Array;
  /** The level that has the first weights of its column: 0 or 1. One that has none adds nothing. */
  readonly firstLevel: number;
  readonly weights: Float64Array;
  readonly bias: Float64Array;
  /** What a missing level does: nothing, the whole sum becomes NaN, or the request is refused. */
  readonly missing: "nothing" | "nan" | "refused";
}

/** A level of column `i` becomes 1 in column `starts[i] + level`, or the last one before `starts[i + 1]` when it is missing or there is none. */
export interface LevelSpread {
  readonly starts: Int32Array;
  /** Whether level 0 has a column; without one it is all the others being 0. */
  readonly withFirst: boolean;
  /** What stands for no level: 0, or NaN. */
  readonly none: number;
  /** Numbers are `(number - subtract) * multiply`; absent where they are taken as they are. */
  readonly scale?: { readonly subtract: Float64Array; readonly multiply: Float64Array };
  /** What stands for a missing number. */
  readonly missing: number;
  /** Whether a number that is 0 is missing. */
  readonly zeroIsMissing: boolean;
  readonly precision: "float32" | "float64";
}

/** `outputs` neurons, each with `channels` sums of which the largest counts, and a function of it. */
export interface NeuronLayer {
  readonly outputs: number;
  readonly channels: number;
  /** The weights of a neuron side by side; of several channels, those of a column side by side. */
  readonly weights: Float32Array;
  readonly bias: Float64Array;
  readonly activation: "linear" | "rectifier" | "exp-rectifier" | "tanh" | "softmax";
  /** What the results are multiplied by. */
  readonly keep: number;
}

export type H2oLink =
  /** 1 / x of what is at least 1e-5 away from 0; above 0 `least` instead of 1e-5. */
  | { readonly kind: "inverse"; readonly least: number }
  | { readonly kind: "power"; readonly exponent: number }
  /** 1 - e^-e^x */
  | { readonly kind: "cloglog" }
  /** The logarithm of the odds of what is cut to 1e-9 and 1 - 1e-9; -19 at least. */
  | { readonly kind: "logit" }
  /** Logarithms of odds that a class is exceeded by none, as probabilities of the classes: one more. */
  | { readonly kind: "ordinal" }
  /** Numbers times a ratio of each column's, then divided by their sum where that is above 0. */
  | { readonly kind: "balance"; readonly ratios: Float64Array }
  /** Divided by the sum of the row where that is above 0. */
  | { readonly kind: "shares-above-zero" }
  /** (most - x) / (most - least), or 1 where that is no distance. */
  | { readonly kind: "distance-from"; readonly least: number; readonly most: number }
  /** 2^-(x / by) */
  | { readonly kind: "halving"; readonly by: number }
  /** e^(x - m), divided by their sum, where m is the largest above 0, or 0. */
  | { readonly kind: "softmax-above-zero" }
  /** The column with the most, the first of equals; 0 when all are NaN or nothing is above 0. */
  | { readonly kind: "most-above-zero" }
  /** The column with the least, the first of equals; -1 when all are NaN. */
  | { readonly kind: "least-column" }
  /** The first column less the second, then both. */
  | { readonly kind: "uplift" }
  /** Where it is above a number 1, else 0. */
  | { readonly kind: "above"; readonly threshold: number };

/**
 * Trees whose nodes lie one behind the other, those of a tree from its root on: a row goes left where the sum of
 * `(row - points) * normals` is 0 or less.
 */
export interface PlaneTrees {
  readonly columns: number;
  readonly roots: Int32Array;
  /** Children; -1 of a leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** By node, where its columns begin in the next two; of a leaf, meaningless. */
  readonly planes: Int32Array;
  readonly normals: Float64Array;
  readonly points: Float64Array;
  /** By node, the length of the path to it and what stands for what was cut off there. */
  readonly lengths: Float64Array;
}

/** The last rule of which all conditions hold gives its number; NaN when there is none. */
export interface RuleGroup {
  readonly values: Float64Array;
  /** By rule its first condition, and behind the last their number. */
  readonly starts: Int32Array;
  /** By condition: its column, and whether a missing value fulfils it (1). */
  readonly columns: Int32Array;
  readonly takesMissing: Uint8Array;
  /** By condition: a number that is to be exceeded or reached ("from"), or not ("below"); or one of some levels; or never. */
  readonly tests: readonly ("below" | "from" | "in" | "never")[];
  readonly thresholds: Float64Array;
  readonly levels: readonly Float64Array[];
}

/** Numbers by the code that the levels of some columns make together. */
export interface LevelTable {
  /** Columns, and the number of levels of each; one that is missing or beyond them counts as the number. Of one column the code is its level. */
  readonly columns: Int32Array;
  readonly sizes: Float64Array;
  /** The codes that are known, which rise, of several columns. */
  readonly codes?: Float64Array;
  /** The numbers of each code side by side. */
  readonly values: Float64Array;
  /** The numbers of what is missing or not known. */
  readonly missing: Float64Array;
}
