import { readModel as readLightgbm } from "../../../src/platforms/lightgbm/read-model.ts";
import { readModel as readXgboost } from "../../../src/platforms/xgboost/read-model.ts";
import type { FuzzTarget, Outcome } from "../target.ts";
import { answeredProgram } from "./tabular-program.ts";

const NEVER = new AbortController().signal;
const XGBOOST_WORDS =
  "left_children right_children split_conditions split_indices split_type categories categories_nodes categories_sizes categories_segments " +
  "default_left base_weights tree_info num_trees num_class base_score objective name gbtree dart gblinear weight_drop weights tree_param num_nodes";
const LIGHTGBM_WORDS =
  "num_leaves= num_cat= split_feature= threshold= decision_type= left_child= right_child= leaf_value= cat_boundaries= cat_threshold= is_linear=1 " +
  "leaf_const= num_features= leaf_features= leaf_coeff= Tree= num_class= num_tree_per_iteration= objective= average_output max_feature_idx=";
const NUMBERS = ["-1", "0", "1", "2147483647", "-2147483648", "1e308", "NaN", "nan", "inf", "4294967295", "10000000"];

const xgboost = (input: Uint8Array, file: string): Promise<Outcome> =>
  answeredProgram(() => readXgboost(Buffer.from(input), file, NEVER));

/** The readers of XGBoost's three forms: what is read has an answer. */
export const xgboostJson: FuzzTarget = {
  name: "xgboost-json",
  dictionary: [...XGBOOST_WORDS.split(" ").map((word) => `"${word}":`), ...NUMBERS, "[", "]", "{", "}", "null", "true"],
  run: (input) => xgboost(input, "model.json"),
};

export const xgboostUbjson: FuzzTarget = {
  name: "xgboost-ubjson",
  dictionary: [
    ...XGBOOST_WORDS.split(" "),
    "[$d#L",
    "[$l#L",
    "[$U#i",
    "{L",
    "SL",
    "Z",
    "T",
    "F",
    ...["7fffffff", "ffffffff", "000000000000ffff", "7fffffffffffffff"].map((hex) => Buffer.from(hex, "hex")),
  ],
  run: (input) => xgboost(input, "model.ubj"),
};

export const xgboostLegacy: FuzzTarget = {
  name: "xgboost-legacy",
  dictionary: [
    "binf",
    "bs64\t",
    "binary:logistic",
    "multi:softprob",
    "gbtree",
    "gblinear",
    "dart",
    ...["ffffffff", "ffffff7f", "00000080", "0000803f", "0100000000000000", "ffffffffffffff7f"].map((hex) =>
      Buffer.from(hex, "hex"),
    ),
  ],
  run: (input) => xgboost(input, "model.bst"),
};

/** The reader of LightGBM's text: what is read has an answer. */
export const lightgbmText: FuzzTarget = {
  name: "lightgbm-text",
  dictionary: [...LIGHTGBM_WORDS.split(" "), ...NUMBERS, "\n", "\n\n", " ", "end of trees"],
  run: (input) => answeredProgram(() => readLightgbm(Buffer.from(input), "model.txt", NEVER)),
};
