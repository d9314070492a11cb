import { ServingError } from "../../base/serving-error.ts";

/** What a file says of a model, whichever form it has; nothing but the lengths of lists is checked. */
export interface CatboostModel {
  readonly numbers: readonly NumberFeature[];
  readonly categories: readonly CategoryFeature[];
  /** Lists of hashes that categories are compared with, by the feature's index. */
  readonly oneHots: readonly OneHotFeature[];
  readonly statistics: readonly StatisticFeature[];
  /** Tables of the statistics, by {@link tableKey}. */
  readonly tables: ReadonlyMap<string, StatisticTable>;
  readonly trees: ObliviousModel | NodeModel;
  /** Sums of a row. */
  readonly dimensions: number;
  /** Sums of leaves, a leaf's side by side. */
  readonly leafValues: ArrayLike<number>;
  readonly scale: number;
  /** One of each sum; none for zeros. */
  readonly bias: ArrayLike<number>;
  readonly info: ModelInfo;
}

/** A column of the request. */
export interface Feature {
  /** Place among the features of its kind, and among all. */
  readonly index: number;
  readonly place: number;
  /** Empty where it has none. */
  readonly name: string;
}

export interface NumberFeature extends Feature {
  readonly borders: ArrayLike<number>;
  /** Whether NaN is above all borders, where others are below. */
  readonly nanIsMost: boolean;
}

export interface CategoryFeature extends Feature {}

export interface OneHotFeature {
  readonly category: number;
  readonly values: ArrayLike<number>;
}

export const STATISTIC_TYPES = [
  "Borders",
  "Buckets",
  "BinarizedTargetMeanValue",
  "FloatTargetMeanValue",
  "Counter",
  "FeatureFreq",
] as const;
export type StatisticType = (typeof STATISTIC_TYPES)[number];

/** What is hashed together: categories, whether numbers are above borders, and whether categories are values; told by indexes of features. */
export interface Combination {
  readonly categories: readonly number[];
  readonly numbers: readonly { readonly index: number; readonly border: number }[];
  readonly oneHots: readonly { readonly category: number; readonly value: number }[];
}

/** A statistic of a combination as a number, and the borders that it is compared with. */
export interface StatisticFeature {
  readonly type: StatisticType;
  readonly combination: Combination;
  readonly table: string;
  readonly targetBorder: number;
  readonly priorNumerator: number;
  readonly priorDenominator: number;
  readonly shift: number;
  readonly scale: number;
  readonly borders: ArrayLike<number>;
}

/** What training counted for combinations, told by their 64-bit hashes. */
export interface StatisticTable {
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** Numbers of a combination, side by side in `values`: counts by class; a sum and a count; or a count. */
  readonly stride: number;
  readonly values: Float64Array;
  /** What counts are divided by. */
  readonly denominator: number;
}

/** Trees that ask one split a level. */
export interface ObliviousModel {
  readonly kind: "oblivious";
  /** Numbers of splits, those of a tree side by side; and levels by tree. */
  readonly splits: ArrayLike<number>;
  readonly depths: ArrayLike<number>;
}

/** Trees of nodes, one tree behind the other. */
export interface NodeModel {
  readonly kind: "nodes";
  /** By tree, its number of nodes. */
  readonly sizes: ArrayLike<number>;
  /** By node: the number of its split; how many nodes behind it a row goes to on, when the split does not hold and when it does; 0 at the end. */
  readonly splits: ArrayLike<number>;
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  /** By node, where the leaf of rows that end there begins in the values. */
  readonly leaves: ArrayLike<number>;
}

/** What a file tells beside features and trees. */
export interface ModelInfo {
  /** Parameters of training, and those of classes, as JSON had them; undefined where there are none. */
  readonly parameters: unknown;
  readonly classParameters: unknown;
  readonly lossFunction: unknown;
  /** Above which probability a row is of the second class. */
  readonly threshold: number;
}

/** How statistics find their table: by their type, combination and target. */
export function tableKey(type: StatisticType, { categories, numbers, oneHots }: Combination, target: number): string {
  const splits = numbers.map(({ index, border }) => `${index}>${Math.fround(border)}`);
  const values = oneHots.map(({ category, value }) => `${category}=${value}`);
  return [type, target, categories.join(), splits.join(), values.join()].join("|");
}

/** What a damaged file is refused with. @param where begins with the file's name */
export function damaged(where: string, what: string, options?: ErrorOptions): ServingError {
  return new ServingError("data-loss", `${where} ${what}; save the model again with model.save_model("model.cbm")`, options);
}

/** What is refused because it is not covered. @param where begins with the file's name */
export function uncovered(where: string, what: string): ServingError {
  return new ServingError("unimplemented", `${where} ${what}`);
}
