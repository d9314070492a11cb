/** How a generalised linear model's linear part becomes its mean. */
export type SparkLink = "identity" | "log" | "inverse" | "logit" | "probit" | "cloglog" | "sqrt" | "power";

/**
 * Steps that Spark's stages are made of, besides those that other libraries have too. A value is a matrix where nothing else is said, in
 * float64, and sums are made in Spark's order. NaN goes through all of them as in Spark, and a value that a stage refuses is the request's
 * error. `what` names columns and stages for errors.
 */
export type SparkOperation =
  /** Rows times weights (a column's side by side), then plus `bias`. Takes a sparse matrix too. */
  | {
      readonly kind: "spark-linear";
      readonly from: string;
      readonly to: string;
      readonly weights: Float64Array;
      readonly bias: Float64Array;
    }
  /**
   * Several matrices, plain or sparse, side by side. NaN in one that is `checked` is refused. The result is sparse when `sparse`.
   */
  | {
      readonly kind: "spark-assemble";
      readonly from: readonly string[];
      readonly to: string;
      readonly checked: readonly boolean[];
      readonly sparse: boolean;
      readonly what: readonly string[];
    }
  /** `(x - shift) * factor` by column, and 0 stays where there is no shift. Takes a sparse matrix, which stays sparse, without shift. */
  | {
      readonly kind: "spark-scale";
      readonly from: string;
      readonly to: string;
      readonly shift?: Float64Array;
      readonly factors?: Float64Array;
    }
  /** `(x - least) * factor + bottom`; where the factor is 0, `middle`. NaN stays. */
  | {
      readonly kind: "spark-range";
      readonly from: string;
      readonly to: string;
      readonly least: Float64Array;
      readonly factors: Float64Array;
      readonly bottom: number;
      readonly middle: number;
    }
  /** Rows divided by their p-norm; a row whose norm is 0 stays. Takes a sparse matrix, which stays sparse. */
  | { readonly kind: "spark-unit"; readonly from: string; readonly to: string; readonly p: number }
  /** The number of the interval, closed below and open above but for the last; NaN has the next number when `nan` is kept. */
  | {
      readonly kind: "spark-buckets";
      readonly from: string;
      readonly to: string;
      readonly splits: Float64Array;
      readonly nan: "kept" | "refused";
      readonly what: string;
    }
  /** 1 above the threshold, else 0. Takes a sparse matrix, which stays sparse, with a threshold from 0 on. */
  | { readonly kind: "spark-above"; readonly from: string; readonly to: string; readonly threshold: number }
  /** Products of a row's columns: term `t` is term `parents[t]`, or 1 for -1, times a column. */
  | {
      readonly kind: "spark-products";
      readonly from: string;
      readonly to: string;
      readonly parents: Int32Array;
      readonly columns: Int32Array;
    }
  /**
   * `width` columns of which the one with the code's number is 1, where there is such a one. What is no code from 0 to `categories` is
   * taken for `categories` when it is `kept`. The result is sparse when `sparse`.
   */
  | {
      readonly kind: "spark-one-hot";
      readonly from: string;
      readonly to: string;
      readonly categories: number;
      readonly width: number;
      readonly invalid: "kept" | "refused";
      readonly sparse: boolean;
      readonly what: string;
    }
  /** In each column with categories, the number of the value's, of `starts[c]` to `starts[c + 1]`; for another the next number, when kept. */
  | {
      readonly kind: "spark-category-numbers";
      readonly from: string;
      readonly to: string;
      readonly starts: Int32Array;
      readonly categories: Float64Array;
      readonly numbers: Float64Array;
      readonly invalid: "kept" | "refused";
      readonly what: string;
    }
  /** Each column of the first value times each of the second, the second's side by side. */
  | { readonly kind: "spark-outer"; readonly from: readonly string[]; readonly to: string }
  /** Some columns, in this order. Takes a sparse matrix, which stays sparse. */
  | { readonly kind: "spark-select"; readonly from: string; readonly to: string; readonly columns: Int32Array }
  /** A matrix, plain or sparse, as it is; other numbers than these are refused. */
  | {
      readonly kind: "spark-require";
      readonly from: string;
      readonly to: string;
      readonly numbers: "not-negative" | "zero-or-one";
      readonly what: string;
    }
  /** What is no whole number becomes NaN in some columns: it is no category. */
  | { readonly kind: "spark-whole"; readonly from: string; readonly to: string; readonly columns: Int32Array }
  /**
   * Words of a text: what matches the pattern (of JavaScript, with the flag `u`), or what is between such when `gaps`, as Java splits.
   * Shorter ones than `least` are left out. A text that is missing or longer than `longest` is refused.
   */
  | {
      readonly kind: "spark-tokens";
      readonly from: string;
      readonly to: string;
      readonly lowerCase: boolean;
      readonly pattern: string;
      readonly gaps: boolean;
      readonly least: number;
      readonly longest: number;
      readonly what: string;
    }
  /** Words that are not in the list; of words in lower case where case does not matter. */
  | {
      readonly kind: "spark-stop-words";
      readonly from: string;
      readonly to: string;
      readonly words: readonly string[];
      readonly caseMatters: boolean;
    }
  /** Each word with the `count - 1` that follow it, with spaces between. */
  | { readonly kind: "spark-n-grams"; readonly from: string; readonly to: string; readonly count: number }
  /** How often words are there, or 1: in the column of their hash. Sparse. */
  | {
      readonly kind: "spark-hashed-words";
      readonly from: string;
      readonly to: string;
      readonly width: number;
      readonly binary: boolean;
      readonly hash: "spark-2" | "spark-3";
    }
  /** How often words of a list are there, or 1, a column for each; 0 below `least`, a share of the row's words when less than 1. Sparse. */
  | {
      readonly kind: "spark-counted-words";
      readonly from: string;
      readonly to: string;
      readonly words: readonly string[];
      readonly least: number;
      readonly binary: boolean;
    }
  /** The mean of the words' vectors, of `width` numbers; 0 for a word that is not in the list. */
  | {
      readonly kind: "spark-word-means";
      readonly from: string;
      readonly to: string;
      readonly words: readonly string[];
      readonly vectors: Float64Array;
      readonly width: number;
    }
  /**
   * Each value in the column of a hash: a number under its name, and 1 under name and text, for values of texts. Missing ones are left out.
   * Sparse. Of a column of "categories" numbers are refused, and of one of "either" texts that are written as a number: nobody knows which
   * of both was meant.
   */
  | {
      readonly kind: "spark-hashed-columns";
      readonly from: readonly string[];
      readonly to: string;
      readonly names: readonly string[];
      readonly has: readonly ("as-given" | "categories" | "either")[];
      readonly width: number;
      readonly hash: "spark-2" | "spark-3";
    }
  /** The number of the class with the largest share of its threshold. */
  | { readonly kind: "spark-largest"; readonly from: string; readonly to: string; readonly thresholds: Float64Array }
  /** 1 when the second column is above the threshold, else 0. */
  | { readonly kind: "spark-second-above"; readonly from: string; readonly to: string; readonly threshold: number }
  /** The sigmoid of column `of` of two, times `steepness`, in this column, and what is left to 1 in the other. */
  | {
      readonly kind: "spark-binary-shares";
      readonly from: string;
      readonly to: string;
      readonly of: 0 | 1;
      readonly steepness: number;
    }
  /** The mean of a linear part, between `least` and `most`. `power` is the exponent of the link of that name. */
  | {
      readonly kind: "spark-mean";
      readonly from: string;
      readonly to: string;
      readonly link: SparkLink;
      readonly power: number;
      readonly least: number;
      readonly most: number;
    }
  /** On a line between the nearest of points, whose places rise; the end's value outside. */
  | {
      readonly kind: "spark-isotonic";
      readonly from: string;
      readonly to: string;
      readonly places: Float64Array;
      readonly values: Float64Array;
    }
  /** `bias + x * weights` and half of what each factor (a column's side by side) says of pairs of columns: `(sum)^2 - sum of squares`. */
  | {
      readonly kind: "spark-factors";
      readonly from: string;
      readonly to: string;
      readonly bias: number;
      readonly weights: Float64Array;
      readonly factors: Float64Array;
      readonly width: number;
    }
  /**
   * The number of a leaf of a tree of points: from node 0 to the child that is nearest (the first of equals), by squared distance or by the
   * angle. Children of node `n` are `children` from `starts[n]` to `starts[n + 1]`; a leaf has none.
   */
  | {
      readonly kind: "spark-point-tree";
      readonly from: string;
      readonly to: string;
      readonly points: Float64Array;
      readonly starts: Int32Array;
      readonly children: Int32Array;
      readonly leaves: Int32Array;
      readonly distance: "euclidean" | "cosine";
    }
  /**
   * Shares of normal distributions. Row `i` of the matrix is, for each distribution, `width` numbers whose squares add up to the squared
   * distance; `logs` has the logarithm of each one's height.
   */
  | {
      readonly kind: "spark-mixture";
      readonly from: string;
      readonly to: string;
      readonly width: number;
      readonly logs: Float64Array;
      readonly weights: Float64Array;
    };
