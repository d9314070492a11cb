import { ServingError } from "../../base/serving-error.ts";

/** What a file says of a model, whichever form it has; nothing but the lengths of lists is checked. */
export interface Booster {
  /** Name of the objective: `binary:logistic`. */
  readonly objective: string;
  /** Columns of a row. */
  readonly columns: number;
  /** Sums a row has: classes, or targets. */
  readonly groups: number;
  /** `base_score`, one for all groups or one of each. */
  readonly base: readonly number[];
  /** What columns are called; none where they have no names, or the form has none. */
  readonly names: readonly string[];
  /** What its user, or training, has noted: `best_iteration`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Version of the library that wrote the file, as major * 100 + minor: 103 is 1.3. */
  readonly version: number;
  readonly model: TreeModel | LinearModel;
}

export interface TreeModel {
  readonly kind: "trees";
  readonly trees: readonly Tree[];
  /** The group that each tree adds to. */
  readonly groups: ArrayLike<number>;
  /** Trees that were trained side by side, of one group. */
  readonly parallel: number;
  /** What each tree's leaves are multiplied by, where trees have been dropped in training. */
  readonly weights?: ArrayLike<number>;
}

/** Nodes of a tree, by number; the root is 0. All lists are equally long. */
export interface Tree {
  /** Children; -1 of a leaf. */
  readonly left: ArrayLike<number>;
  readonly right: ArrayLike<number>;
  readonly features: ArrayLike<number>;
  /** A threshold, or a leaf's value. */
  readonly values: ArrayLike<number>;
  /** What is not 0 sends missing values to the left. */
  readonly defaultLeft: ArrayLike<number>;
  /** Numbers of a leaf where it has one of each group: by node, side by side. A tree is of all groups then. */
  readonly vectors?: ArrayLike<number>;
  /** The categories of nodes that have a set, which goes right. */
  readonly categories: ReadonlyMap<number, ArrayLike<number>>;
}

export interface LinearModel {
  readonly kind: "linear";
  /** A column's weights side by side, column after column, then the biases. */
  readonly weights: ArrayLike<number>;
}

/** What a damaged file is refused with; `where` begins with the file's name. */
export function damaged(where: string, what: string, options?: ErrorOptions): ServingError {
  return new ServingError("data-loss", `${where} ${what}; save the model again with booster.save_model("model.json")`, options);
}
