import type { DType } from "../../tensor/dtype.ts";
import type { Signatures } from "../../tensor/signature.ts";
import type { CatboostOperation } from "./catboost-operations.ts";
import type { EstimatorOperation } from "./estimator-operations.ts";
import type { FeatureOperation } from "./feature-operations.ts";
import type { H2oOperation } from "./h2o-operations.ts";
import type { PmmlOperation } from "./pmml-operations.ts";
import type { SparkOperation } from "./spark-operations.ts";
import type { XgboostOperation } from "./xgboost-operations.ts";

/**
 * Trees of numbers, as every library has them. Nodes of all trees lie in arrays one after the other, a node's place is its number. All
 * arrays are over shared memory, so that a model is there once for all threads.
 *
 * A row goes down each tree from its root. At an inner node it goes left when {@link TreeEnsemble.leftWhen} holds of its value in the
 * node's column and the node's threshold, or by the node's set of categories; a value that counts as missing goes where the node's
 * {@link NODE_DEFAULT_LEFT} says. The value of the leaf that it reaches is added to the tree's group.
 */
export interface TreeEnsemble {
  /** The type that inputs are rounded to, and in which sums are made. */
  readonly precision: "float32" | "float64";
  /** Columns of a row. */
  readonly columns: number;
  /** Sums a row has. */
  readonly groups: number;
  /** The first node of each tree, in the order in which they are added. */
  readonly roots: Int32Array;
  /** The group that each tree adds to. */
  readonly treeGroups: Int32Array;
  /** Column that a node looks at; -1 for a leaf. */
  readonly features: Int32Array;
  /** What an inner node compares with; a leaf's value. Of the ensemble's precision. */
  readonly values: Float32Array | Float64Array;
  /** Children of an inner node; of a leaf, `left` is the number that its library gives it. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** The bits `NODE_*`. */
  readonly rules: Uint8Array;
  readonly leftWhen: "less" | "less-or-equal";
  /** Sets of categories of the nodes that have one; absent when there is none. */
  readonly categories?: CategorySets;
  /** Where sums begin, one of each group. */
  readonly base: Float32Array | Float64Array;
  /** Whether the base is the first or the last that is added: the last bits depend on it. */
  readonly baseIsAdded: "first" | "last";
  /** What sums are divided by at the end: the number of trees of an average, else 1. */
  readonly divisor: number;
  /** Linear functions of leaves, where they have any; a leaf without one has its value. */
  readonly linearLeaves?: LinearLeaves;
  /** The same nodes in another order, which the runtime adds where it helps. */
  readonly layout?: TreeLayout;
}

/**
 * Nodes of trees level by level, siblings side by side. A step goes to `children` or, for a value at or above the threshold, to the place behind
 * that; a leaf leads to itself.
 */
export interface TreeLayout {
  /** By tree: its first place, and the number of steps to its deepest leaf. */
  readonly roots: Int32Array;
  readonly levels: Int32Array;
  /** By place. */
  readonly features: Int32Array;
  /** NaN for a leaf. */
  readonly thresholds: Float64Array;
  readonly children: Int32Array;
  /** 1 where a missing value goes right. */
  readonly rightWhenMissing: Uint8Array;
  /** A leaf's node in the ensemble. */
  readonly leaves: Int32Array;
}

/** A set of categories is a set of bits: category `c` is bit `c % 32` of word `c / 32`. */
export interface CategorySets {
  /** Side to which a category in the set goes. */
  readonly inSet: "left" | "right";
  /** By node, the first word of its set; meaningless for nodes without {@link NODE_CATEGORICAL}. */
  readonly starts: Int32Array;
  /** By node, the number of words. */
  readonly lengths: Int32Array;
  readonly words: Uint32Array;
}

/** Leaf `n` is `constants[n] + sum of coefficients * columns`; its value stands when one of these columns is NaN. */
export interface LinearLeaves {
  readonly constants: Float64Array;
  /** By node, the first of its terms, and their number; -1 for a node that is no linear leaf. */
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly columns: Int32Array;
  readonly coefficients: Float64Array;
}

/** A missing value goes left. */
export const NODE_DEFAULT_LEFT = 1;
/** The node has a set of categories in place of a threshold. */
export const NODE_CATEGORICAL = 2;
/** NaN is missing; otherwise NaN is 0, or no category. */
export const NODE_NAN_IS_MISSING = 4;
/** What is 0, to 1e-35, is missing, and NaN with it. */
export const NODE_ZERO_IS_MISSING = 8;

/** What is done to every number, or every row, of a matrix. */
export type Link =
  | { readonly kind: "sigmoid"; readonly steepness: number }
  | { readonly kind: "softmax" }
  | { readonly kind: "exp" }
  /** The logarithm of 1 + e^x, as `log1p(exp(x))`. */
  | { readonly kind: "log1p-exp" }
  /** 1 above 0, else 0. */
  | { readonly kind: "step" }
  /** The square with the sign of the number. */
  | { readonly kind: "signed-square" }
  /** The number of the largest in a row, the first of equals. */
  | { readonly kind: "argmax" }
  /** A probability p as [1 - p, p]. */
  | { readonly kind: "complement" }
  /** A number x as [-x, x]. */
  | { readonly kind: "mirror" }
  /** 1 from 0 on, else 0. */
  | { readonly kind: "step-from-zero" }
  /** The number of the smallest in a row, the first of equals. */
  | { readonly kind: "argmin" }
  /** Each number divided by the sum of its row. */
  | { readonly kind: "shares" }
  /** The natural logarithm. */
  | { readonly kind: "log" }
  /** The natural logarithm of the softmax, exact where that is 0 to the last bit. */
  | { readonly kind: "log-softmax" }
  | { readonly kind: "sqrt" }
  | { readonly kind: "tanh" }
  /** 0 below 0. */
  | { readonly kind: "relu" }
  | { readonly kind: "clip"; readonly least: number; readonly most: number }
  /** Rounded to float32, in float64 all the same. */
  | { readonly kind: "round-to-float32" }
  /** As it is; infinite numbers, and NaN unless it is `allowed`, are an error of the request's. */
  | { readonly kind: "finite"; readonly nan: "allowed" | "refused" };

/**
 * How texts or numbers of one column become codes: the first of equal keys counts, and its code is its place unless `codes` says another.
 * A key may be null for a missing text, NaN for a missing number. "refused" makes such a value the request's error.
 */
export interface LookupTable {
  readonly keys: readonly (string | number | null)[];
  readonly codes?: Float64Array;
  /** What a value has that is no key. */
  readonly unknown: number | "refused";
  /** What a missing value has that is no key. */
  readonly missing: number | "refused";
}

/**
 * One step from values to a value; values have names. Those of the inputs are there first, and each step takes what is there already. Only
 * the steps that the wanted outputs need are done. A value is a matrix of numbers, a matrix of texts of which some may be missing, or a
 * sparse matrix, all of as many rows as the request; an operation says which it takes where it is not a matrix of numbers.
 */
export type TabularOperation =
  | PmmlOperation
  | SparkOperation
  | H2oOperation
  | EstimatorOperation
  | FeatureOperation
  | CatboostOperation
  | XgboostOperation
  | { readonly kind: "tree-sums"; readonly from: string; readonly to: string; readonly ensemble: TreeEnsemble }
  /** The number of the leaf that a row reaches in each tree, as its library counts. */
  | { readonly kind: "tree-leaves"; readonly from: string; readonly to: string; readonly ensemble: TreeEnsemble }
  /** Rows times `weights` (a column's weights side by side) plus `bias`; NaN counts as 0. In float32 when the arrays are. */
  | {
      readonly kind: "linear";
      readonly from: string;
      readonly to: string;
      readonly weights: Float32Array | Float64Array;
      readonly bias: Float32Array | Float64Array;
    }
  /** In float32 when the value is. */
  | { readonly kind: "link"; readonly from: string; readonly to: string; readonly link: Link }
  /** A number of each column is added to its values, or they are divided by it, and so on. */
  | {
      readonly kind: "columns";
      readonly from: string;
      readonly to: string;
      readonly does: "add" | "subtract" | "multiply" | "divide";
      readonly by: Float64Array;
    }
  /** What is `missing`, which may be NaN, is replaced by a value of its column. */
  | {
      readonly kind: "impute";
      readonly from: string;
      readonly to: string;
      readonly missing: number;
      readonly values: Float64Array;
    }
  /** Some columns, in this order. */
  | { readonly kind: "select"; readonly from: string; readonly to: string; readonly columns: Int32Array }
  /**
   * For each point `bias + sum of weight * (column - point's column)^2`. The columns of a point lie side by side, and so do weights, which
   * are 1 where there are none.
   */
  | {
      readonly kind: "squares";
      readonly from: string;
      readonly to: string;
      readonly points: Float64Array;
      readonly weights?: Float64Array;
      readonly bias: Float64Array;
    }
  /**
   * The sum of a vector of each tree, divided by the ensemble's divisor: the vector of leaf `n`, as the ensemble numbers leaves, is
   * `width` numbers of `vectors` from `n * width` on. The values of leaves, groups and the base stand for nothing.
   */
  | {
      readonly kind: "tree-vectors";
      readonly from: string;
      readonly to: string;
      readonly ensemble: TreeEnsemble;
      readonly width: number;
      readonly vectors: Float64Array;
    }
  /** The label with the number that a row has: texts when labels are, else a matrix of one column. */
  | { readonly kind: "labels"; readonly from: string; readonly to: string; readonly labels: readonly (string | number)[] }
  /** The columns of several matrices side by side, or of several values of texts. In float64 when one of the matrices is. */
  | { readonly kind: "concat"; readonly from: readonly string[]; readonly to: string }
  /** The code of each text or number, by the table of its column; `what` names columns for errors. */
  | {
      readonly kind: "lookup";
      readonly from: string;
      readonly to: string;
      readonly tables: readonly LookupTable[];
      readonly what: readonly string[];
    }
  /** For each column as many as `sizes` says, of which the one with the code's number is 1; none for another code and NaN. */
  | { readonly kind: "one-hot"; readonly from: string; readonly to: string; readonly sizes: Int32Array };

/** An output of a signature: a value, and the form it is answered in. */
export interface TabularOutput {
  readonly value: string;
  readonly dtype: DType;
  /** Whether rows are answered as a vector, for values of one column; else as a matrix. */
  readonly vector: boolean;
}

/**
 * An input of every signature. A request may have it as numbers of any type, as texts, or with missing values: NaN, and null in JSON.
 */
export interface TabularInput {
  readonly alias: string;
  /** The value that it is for the operations. */
  readonly value: string;
  /** What it becomes: a matrix of numbers in this precision, or texts. */
  readonly type: "float32" | "float64" | "texts";
  /** Of texts: whether whole numbers, which a request has in a tensor of an integer type, stand for their decimal texts. */
  readonly integers?: boolean;
  /** Of texts: whether true and false in JSON stand for "1" and "0". */
  readonly booleanDigits?: boolean;
  /** Of texts: whether a request may have numbers in their place, which become a matrix. */
  readonly takesNumbers?: boolean;
  /** Type that signatures declare. Default: that of `type`. */
  readonly dtype?: DType;
  /** Columns of a row; -1 for a matrix of texts with as many as a request has. */
  readonly columns: number;
  /** Whether it is a single column that is declared as a vector; a matrix of one column is taken too. */
  readonly vector: boolean;
  /** Whether a request may leave it out: all its values are missing then. */
  readonly optional?: boolean;
  /** Whether the model does nothing with it: it may be of any type, and is missing in every row. */
  readonly unused?: boolean;
  /** Names of a matrix's columns: a request may have the columns, each under its name, in the matrix's place. */
  readonly columnNames?: readonly string[];
}

/** What classify calls answer: a score of each class. */
export interface TabularClasses {
  /** The value of the scores, a column for each class. */
  readonly scores: string;
  readonly labels: readonly (string | number)[];
}

/** A model that is evaluated here, on typed arrays. Plain data. */
export interface TabularProgram {
  readonly runtime: "tabular";
  readonly signatures: Signatures;
  /** The same for every signature, in the model's order; at least one. */
  readonly inputs: readonly TabularInput[];
  readonly operations: readonly TabularOperation[];
  /** By signature and alias. */
  readonly outputs: ReadonlyMap<string, ReadonlyMap<string, TabularOutput>>;
  /** Of classifiers: what classify calls answer. */
  readonly classes?: TabularClasses;
  /** Of regressors: the value of one column that regress calls answer. */
  readonly regression?: string;
  /** Bytes of the model's files. */
  readonly bytes: number;
}
