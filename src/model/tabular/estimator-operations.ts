/** A function of a row and a point. All distances are Euclidean. */
export type Kernel =
  /** The product of row and point. */
  | { readonly kind: "linear" }
  /** `(gamma * product + coef0) ^ degree` */
  | { readonly kind: "polynomial"; readonly gamma: number; readonly coef0: number; readonly degree: number }
  /** `e ^ (-gamma * distance^2)` */
  | { readonly kind: "gaussian"; readonly gamma: number }
  /** `tanh(gamma * product + coef0)` */
  | { readonly kind: "sigmoid"; readonly gamma: number; readonly coef0: number }
  /** `e ^ (-gamma * sum of |differences|)` */
  | { readonly kind: "laplacian"; readonly gamma: number }
  /** `e ^ (-gamma * sum of difference^2 / sum)`, in columns whose sum is not 0. */
  | { readonly kind: "chi-squared"; readonly gamma: number }
  /** The product divided by both lengths, of which 0 counts as 1. */
  | { readonly kind: "cosine" }
  | { readonly kind: "constant"; readonly value: number }
  /** `e ^ (-distance^2 / 2)` of columns that are divided by `lengths` (one for all, or one each) before. */
  | { readonly kind: "radial"; readonly lengths: Float64Array }
  /** Matérn's with nu 0.5, 1.5 or 2.5, of columns divided as for "radial". */
  | { readonly kind: "matern"; readonly nu: number; readonly lengths: Float64Array }
  /** `(1 + distance^2 / (2 * alpha * length^2)) ^ -alpha` */
  | { readonly kind: "rational-quadratic"; readonly alpha: number; readonly length: number }
  /** `e ^ (-2 * (sin(pi * distance / period) / length)^2)` */
  | { readonly kind: "periodic"; readonly length: number; readonly period: number }
  /** `sigma0^2 + product` */
  | { readonly kind: "dot-product"; readonly sigma0: number }
  | { readonly kind: "sum" | "product"; readonly of: readonly Kernel[] }
  | { readonly kind: "power"; readonly of: Kernel; readonly exponent: number };

/** A distance between a row and a point. */
export type Metric =
  | { readonly kind: "euclidean" }
  /** The same by `row^2 - 2 * row * point + point^2`, as libraries of matrices do it: which of two is nearer may depend on the last bit. */
  | { readonly kind: "euclidean-by-products" }
  | { readonly kind: "manhattan" }
  | { readonly kind: "chebyshev" }
  /** The `p`-th root of the sum of `weight * |difference|^p`; weights are 1 where there are none. */
  | { readonly kind: "minkowski"; readonly p: number; readonly weights?: Float64Array }
  /** The length of the differences, each column's divided by the square root of its variance. */
  | { readonly kind: "standardized"; readonly variances: Float64Array }
  | { readonly kind: "canberra" }
  | { readonly kind: "bray-curtis" }
  /** 1 minus the cosine of the angle. */
  | { readonly kind: "cosine" }
  /** The share of columns that differ. */
  | { readonly kind: "hamming" }
  /** Great-circle distance of points of latitude and longitude in radians. */
  | { readonly kind: "haversine" };

/**
 * Points in a binary tree, a node's children being `2i + 1` and `2i + 2`; it decides which of equally distant points are found. `order` has
 * the points' numbers as the leaves have them; `starts`, `ends` are places in it. A node's bounds are its box (`lower`, `upper`, `columns`
 * numbers each) or its ball (`lower` is the centre, `radii`).
 */
export interface PointTree {
  readonly order: Int32Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** 1 for a leaf. */
  readonly leaves: Uint8Array;
  readonly lower: Float64Array;
  readonly upper?: Float64Array;
  readonly radii?: Float64Array;
}

/** Which points are near a row, and what they count. */
export interface Neighbours {
  readonly metric: Metric;
  /** Points, the columns of one side by side. */
  readonly points: Float64Array;
  readonly columns: number;
  /** A number of the nearest, the first points where several are as far; or all within a distance. */
  readonly within: { readonly kind: "count"; readonly count: number } | { readonly kind: "radius"; readonly radius: number };
  /** What a neighbour counts: the same as any other; or the inverse of its distance, where those at distance 0 are the only ones. */
  readonly weighted: "equally" | "by-distance";
  /** Only with "count". */
  readonly tree?: PointTree;
}

/** Steps that estimators of machine learning libraries are made of, besides those of trees and linear models. In float64. */
export type EstimatorOperation =
  /** The kernel of each row with each point: a column for each point. */
  | {
      readonly kind: "kernel";
      readonly from: string;
      readonly to: string;
      readonly kernel: Kernel;
      readonly points: Float64Array;
      readonly columns: number;
    }
  /** As `kernel`, but distances: a column for each point. */
  | {
      readonly kind: "distances";
      readonly from: string;
      readonly to: string;
      readonly metric: Metric;
      readonly points: Float64Array;
      readonly columns: number;
    }
  /**
   * Of a number for each pair of `classes` classes (01, 02, ..., 12, ...), the votes of each class: above 0 a vote for the first of the
   * pair, else for the second.
   */
  | { readonly kind: "pairwise-votes"; readonly from: string; readonly to: string; readonly classes: number }
  /**
   * Of two values with a number for each pair, the first which of the pair wins (1 for the second) and the second how much the second does:
   * a number for each class, its votes plus less than a third by how much it wins.
   */
  | { readonly kind: "pairwise-scores"; readonly from: readonly string[]; readonly to: string; readonly classes: number }
  /** Of the probability of the first of each pair of classes, that of each class, as LIBSVM finds it. */
  | { readonly kind: "pairwise-coupling"; readonly from: string; readonly to: string; readonly classes: number }
  /**
   * The weighted mean, or sum, of what a row's neighbours have: `width` numbers of `targets` for each point. A row without neighbours has
   * `otherwise`, `width` numbers too, or is the request's error.
   */
  | {
      readonly kind: "neighbours";
      readonly from: string;
      readonly to: string;
      readonly neighbours: Neighbours;
      readonly does: "mean" | "sum";
      readonly targets: Float64Array;
      readonly width: number;
      readonly otherwise: Float64Array | "refused";
    }
  /** The local outlier factor of a row, with a minus before it, by reachability of the training points. */
  | {
      readonly kind: "local-outlier-factor";
      readonly from: string;
      readonly to: string;
      readonly neighbours: Neighbours;
      /** Of each point: its distance to its last neighbour, and its density. */
      readonly reaches: Float64Array;
      readonly densities: Float64Array;
    }
  /** The sum of several matrices of one shape, each multiplied by its weight, in their order. */
  | { readonly kind: "weighted-sum"; readonly from: readonly string[]; readonly to: string; readonly weights: Float64Array }
  /** Of a column for each weight, the smallest whose weights up to it are half of all. */
  | { readonly kind: "weighted-median"; readonly from: string; readonly to: string; readonly weights: Float64Array }
  /** The sum of the products of two matrices' columns. */
  | { readonly kind: "row-product"; readonly from: readonly string[]; readonly to: string }
  /** Two matrices of one shape, number by number; the second may have one column for all of the first's. */
  | { readonly kind: "multiply"; readonly from: readonly string[]; readonly to: string }
  /** A number of a row: its sum, the logarithm of the sum of its exponentials, or the place of the largest, the last of equals. */
  | { readonly kind: "row"; readonly from: string; readonly to: string; readonly does: "sum" | "log-sum-exp" | "last-argmax" }
  /** Each number divided by the sum of its row; where that is 0, all the same or all 0. */
  | {
      readonly kind: "guarded-shares";
      readonly from: string;
      readonly to: string;
      readonly whenZero: "equal" | "zero";
    }
  /** Between points (`x` rises) on a line through them; outside the value of the end, or NaN. NaN is the request's error with "refused". */
  | {
      readonly kind: "interpolate";
      readonly from: string;
      readonly to: string;
      readonly x: Float64Array;
      readonly y: Float64Array;
      readonly outside: "end" | "nan" | "refused";
    }
  /** In columns with a set of categories, what is no category becomes NaN and what is one a whole number; a set is as `CategorySets`' are. */
  | {
      readonly kind: "known-categories";
      readonly from: string;
      readonly to: string;
      /** By column the first of its words, and their number; 0 for a column that has no set. */
      readonly starts: Int32Array;
      readonly lengths: Int32Array;
      readonly words: Uint32Array;
    }
  /**
   * The sum of a number of each column by its category: category `c` of column `j` has `width` numbers from
   * `(starts[j] + c) * width` on; what is no category is the request's error.
   */
  | {
      readonly kind: "category-sums";
      readonly from: string;
      readonly to: string;
      readonly starts: Int32Array;
      readonly sizes: Int32Array;
      readonly width: number;
      readonly values: Float64Array;
      readonly bias: Float64Array;
    };
