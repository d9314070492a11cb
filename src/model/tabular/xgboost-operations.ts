import type { TreeEnsemble } from "./tabular-program.ts";

/** What XGBoost's models need beside the operations of all libraries. */
export type XgboostOperation =
  /**
   * The base and a vector of each tree, added up in float32: that of the leaf in node `n` is `width` numbers of `vectors` from `n * width` on.
   * The values of leaves, groups and the ensemble's base stand for nothing.
   */
  {
    readonly kind: "tree-vector-sums";
    readonly from: string;
    readonly to: string;
    readonly ensemble: TreeEnsemble;
    readonly vectors: Float32Array;
    /** Where the sums begin: `width` numbers. */
    readonly base: Float32Array;
  };
