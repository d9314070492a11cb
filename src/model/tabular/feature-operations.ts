/** A set of characters: members of the classes that are named, and the ranges; or, when it is negated, all others. */
export interface CharacterSet {
  /** Letters, digits of any script and `_`; their complement; decimal digits; and so on, as Python has them. */
  readonly classes: readonly ("word" | "not-word" | "digit" | "not-digit" | "space" | "not-space")[];
  /** Pairs of the first and the last code point. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
  readonly negated: boolean;
}

/** A step of a pattern: all ways are followed at once, so that no text takes longer than its length times the pattern's. */
export type PatternStep =
  /** One character of a set. */
  | { readonly does: "take"; readonly set: number }
  /** Goes on in two places, of which the first is preferred. */
  | { readonly does: "split"; readonly first: number; readonly second: number }
  /** Where the part of the match begins, or ends, that is the token. */
  | { readonly does: "mark"; readonly end: boolean }
  | { readonly does: "assert"; readonly that: "boundary" | "no-boundary" | "start" | "end" }
  | { readonly does: "match" };

/** How tokens are found in a text. */
export type TokenPattern =
  /** Runs of `least` or more characters of a word. */
  | { readonly kind: "runs"; readonly least: number }
  /** What a pattern matches, from left to right; the steps begin at the first, and go on with the next. */
  | { readonly kind: "pattern"; readonly steps: readonly PatternStep[]; readonly sets: readonly CharacterSet[] };

/** How terms are made of a text. */
export interface TextAnalysis {
  readonly lowercase: boolean;
  /** Accents are taken off, or everything that is not ASCII once they are. */
  readonly accents: "kept" | "stripped" | "ascii";
  /** Tokens and the sequences of them, joined by blanks; sequences of characters; or those within words that have blanks around them. */
  readonly terms:
    | { readonly kind: "words"; readonly pattern: TokenPattern; readonly stopWords: readonly string[] }
    | { readonly kind: "characters" }
    | { readonly kind: "characters-in-words" };
  /** The shortest and the longest sequence. */
  readonly sequence: readonly [least: number, most: number];
}

/** Steps that make columns of columns or of texts. In float64. */
export type FeatureOperation =
  /**
   * How many edges of its column are at most the value: those of column `j` are `edges[starts[j]]` to `edges[starts[j + 1]]`, and rise. With
   * slack a value counts as larger by 1e-8 and 1e-5 of itself.
   */
  | {
      readonly kind: "bins";
      readonly from: string;
      readonly to: string;
      readonly edges: Float64Array;
      readonly starts: Int32Array;
      readonly slack: boolean;
    }
  /** Products of columns, from the last to the first: number `n` is of `columns[starts[n]]` to `columns[starts[n + 1]]`, or 1 of none. */
  | {
      readonly kind: "monomials";
      readonly from: string;
      readonly to: string;
      readonly starts: Int32Array;
      readonly columns: Int32Array;
    }
  /** Divides each row by its norm, where that is not 0: its absolute sum, its length, or its largest absolute number. Of sparse rows too. */
  | { readonly kind: "normalize"; readonly from: string; readonly to: string; readonly norm: "l1" | "l2" | "max" }
  /** 1 for what is above a number, else 0. Of sparse rows too where that is not below 0. */
  | { readonly kind: "threshold"; readonly from: string; readonly to: string; readonly over: number }
  /**
   * Where a value lies among its column's quantiles, whose places are `references` (of 0 to 1); on the normal distribution what has that
   * place. The quantiles of a column lie side by side, and rise.
   */
  | {
      readonly kind: "quantiles";
      readonly from: string;
      readonly to: string;
      readonly quantiles: Float64Array;
      readonly references: Float64Array;
      readonly normal: boolean;
    }
  /** The powers of Yeo and Johnson, or of Box and Cox, which are the request's error for what is not above 0. One exponent a column. */
  | {
      readonly kind: "power";
      readonly from: string;
      readonly to: string;
      readonly method: "yeo-johnson" | "box-cox";
      readonly exponents: Float64Array;
    }
  /** A function of each number. */
  | { readonly kind: "function"; readonly from: string; readonly to: string; readonly does: NumberFunction }
  /** 1 for what is missing in some columns, else 0: `missing` is a number, NaN or, of texts, null or a text. */
  | {
      readonly kind: "missing-flags";
      readonly from: string;
      readonly to: string;
      readonly missing: number | string | null;
      readonly columns: Int32Array;
    }
  /** Of texts: what is `missing` becomes the text of its column; where that is null, it stays. */
  | {
      readonly kind: "impute-texts";
      readonly from: string;
      readonly to: string;
      readonly missing: string | null;
      readonly values: readonly (string | null)[];
    }
  /**
   * What is NaN becomes the mean of the nearest rows that have it; `points` are these rows, the columns of one side by side, with NaN too.
   * Distances are over the columns that both have. Where none is known, the column's `fallback`.
   */
  | {
      readonly kind: "impute-neighbours";
      readonly from: string;
      readonly to: string;
      readonly points: Float64Array;
      readonly count: number;
      readonly weighted: "equally" | "by-distance";
      readonly fallback: Float64Array;
    }
  /** Terms of texts of one column, counted: sparse rows. A missing text is the request's error. */
  | {
      readonly kind: "term-counts";
      readonly from: string;
      readonly to: string;
      readonly analysis: TextAnalysis;
      /**
       * A column for each term of a list; or as many as `columns` says, by a hash (MurmurHash3 of 32 bits, of UTF-8), whose sign may be that of
       * the count.
       */
      readonly by:
        | { readonly kind: "list"; readonly terms: readonly string[] }
        | { readonly kind: "hash"; readonly columns: number; readonly signed: boolean };
      /** Whether what occurs counts as 1. */
      readonly once: boolean;
    }
  /** Of sparse rows: 1 and the logarithm of each number with `logarithmic`, then times its column's weight, where there are weights. */
  | {
      readonly kind: "term-weights";
      readonly from: string;
      readonly to: string;
      readonly logarithmic: boolean;
      readonly weights?: Float64Array;
    }
  /** Sparse rows, or a matrix, as a matrix. */
  | { readonly kind: "dense"; readonly from: string; readonly to: string; readonly columns: number }
  /** The columns of sparse rows and matrices side by side, as sparse rows. */
  | { readonly kind: "sparse-concat"; readonly from: readonly string[]; readonly to: string };

/** What is done to a number. */
export type NumberFunction =
  | "abs"
  | "cbrt"
  | "ceil"
  | "cos"
  | "exp"
  | "exp2"
  | "expm1"
  | "floor"
  | "log"
  | "log10"
  | "log1p"
  | "log2"
  | "negative"
  | "reciprocal"
  | "round"
  | "sign"
  | "sin"
  | "sqrt"
  | "square"
  | "tan"
  | "tanh";
