import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { columnsOf } from "./columns-of.ts";
import { Estimator } from "./estimator.ts";
import { treeOf } from "./tree-tables.ts";

/**
 * What each column does for the splits of a tree, a forest, or gradient boosting, `feature_importances_`.
 * @throws ServingError unimplemented for other models
 */
export function featureImportances(model: Estimator): Float64Array {
  const columns = columnsOf(model);
  if (/^(DecisionTree|ExtraTree)(Classifier|Regressor)$/.test(model.name)) return shares(treeImportances(model, columns));
  const isForest = /^(RandomForest|ExtraTrees)(Classifier|Regressor)$/.test(model.name);
  if (!isForest && !/^GradientBoosting(Classifier|Regressor)$/.test(model.name)) {
    throw model.uncovered("importances of its columns are not covered");
  }
  const trees = members(model, model.list("estimators_"), 0);
  const all = trees.map((tree) => {
    const own = treeImportances(tree, columns);
    return isForest ? shares(own) : own;
  });
  const split = all.filter((_, i) => treeOf(trees[i], columns).nodes > 1);
  const means = new Float64Array(columns);
  for (const own of split) for (let column = 0; column < columns; column++) means[column] += own[column];
  return shares(means.map((sum) => (split.length === 0 ? 0 : sum / split.length)));
}

/** Estimators in a list, or in an array of lists. */
function members(model: Estimator, values: readonly PickleValue[], depth: number): readonly Estimator[] {
  return values.flatMap((value): readonly Estimator[] => {
    if (value instanceof PickleObject && NumpyArray.of(value) === undefined) return [new Estimator(value)];
    const list = Array.isArray(value) ? value : NumpyArray.of(value)?.values();
    if (list === undefined || depth > 0) throw model.damaged("estimators_", "are no trees");
    return members(model, list, depth + 1);
  });
}

/** How much each column's splits reduce the impurity, of all rows of training. */
function treeImportances(model: Estimator, columns: number): Float64Array {
  const { nodes, left, right, features } = treeOf(model, columns);
  const records = model.estimator("tree_").array("nodes")!;
  const [impurities, weights] = [records.field("impurity"), records.field("weighted_n_node_samples")];
  const importances = new Float64Array(columns);
  const size = (node: number) => weights[node] * impurities[node];
  for (let node = 0; node < nodes; node++) {
    if (left[node] < 0) continue;
    importances[features[node]] += size(node) - size(left[node]) - size(right[node]);
  }
  return importances.map((each) => each / weights[0]);
}

function shares(numbers: Float64Array): Float64Array {
  const sum = numbers.reduce((all, each) => all + each, 0);
  return sum > 0 ? numbers.map((each) => each / sum) : numbers;
}
