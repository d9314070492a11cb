import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { Estimator } from "./estimator.ts";

/** Attributes that tell how many columns an estimator takes, in the last dimension of an array. */
const BY_COLUMN = [
  "x_mean_",
  "_x_mean",
  "mean_",
  "scale_",
  "center_",
  "statistics_",
  "coef_",
  "cluster_centers_",
  "theta_",
  "_fit_X",
  "feature_log_prob_",
  "means_",
  "centroids_",
  "components_",
  "location_",
  "scalings_",
  "support_vectors_",
  "X_fit_",
  "X_train_",
  "subcluster_centers_",
  "quantiles_",
  "lambdas_",
  "scores_",
  "variances_",
  "bin_edges_",
];

/** Estimators that learn nothing: before 0.24, and some always, they do not say how many columns they take. */
const STATELESS: ReadonlySet<string> = new Set(["Binarizer", "FunctionTransformer", "Normalizer"]);

/** Columns that the first of several steps takes: that of the first step that says so, when those before learn nothing. */
export function columnsOfSteps(steps: readonly Estimator[]): number | undefined {
  for (const step of steps) {
    const own = step.value("n_features_in_");
    if (typeof own === "number") return own;
    if (!STATELESS.has(step.name)) return columnsByArrays(step);
  }
  return undefined;
}

/**
 * Columns that a fitted estimator takes.
 * @param otherwise what it takes when it does not say
 * @throws ServingError data-loss, naming the estimator, where nothing says
 */
export function columnsOf(estimator: Estimator, otherwise?: number): number {
  const columns = statedColumns(estimator) ?? otherwise;
  if (typeof columns !== "number" || !Number.isInteger(columns) || columns < 1 || columns >= 2 ** 31) {
    throw estimator.damaged("n_features_in_", "is no number of columns (is it fitted?)");
  }
  return columns;
}

/** What an estimator says of how many columns it takes; null or undefined where it does not. */
function statedColumns(estimator: Estimator): PickleValue | undefined {
  const own = ["n_features_in_", "n_features_", "_n_features", "n_input_features_", "n_features"];
  const key = own.find((each) => estimator.value(each) !== null);
  return key === undefined ? columnsByArrays(estimator) : estimator.value(key);
}

/** Names of the columns, where the estimator was trained on a data frame. */
export function namesOf(estimator: Estimator, columns: number): readonly string[] | undefined {
  const names = estimator.array("feature_names_in_")?.values();
  return names?.length === columns && names.every((name) => typeof name === "string") ? names : undefined;
}

/** Before 0.24 most estimators did not say. */
function columnsByArrays(estimator: Estimator): number | undefined {
  for (const key of BY_COLUMN) {
    const last = estimator.array(key)?.shape.at(-1);
    if (last !== undefined) return last;
  }
  const directions = estimator.array("random_weights_")?.shape[0];
  if (directions !== undefined) return directions;
  // An isotonic regression takes one; a perceptron says it by its first layer, trees by the first of them.
  if (estimator.array("X_thresholds_") !== undefined || estimator.array("_necessary_X_") !== undefined) return 1;
  const layers = estimator.value("coefs_");
  if (Array.isArray(layers)) return NumpyArray.of(layers[0])?.shape[0];
  const [tree] = estimator.array("estimators_")?.values() ?? [];
  if (tree instanceof PickleObject && /^(DecisionTree|ExtraTree)/.test(tree.type.name))
    return numberIn(new Estimator(tree).value("n_features_"));
  const categories = estimator.value("categories_");
  return Array.isArray(categories) ? categories.length : undefined;
}

function numberIn(value: PickleValue): number | undefined {
  return typeof value === "number" ? value : undefined;
}
