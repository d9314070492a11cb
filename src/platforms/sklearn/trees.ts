import { PickleObject } from "../../codec/pickle/pickle-value.ts";
import { type Answers, matrixAnswer, regressed } from "./answers.ts";
import { classified, classifiedSeveral, classLabels, labelsOfSeveral, type OutputPrediction } from "./class-labels.ts";
import { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";
import { ensembleOf, leafVectors, type Tree, treeOf } from "./tree-tables.ts";

/** Criteria with which NaN may be in the rows. */
const CRITERIA_OF_NAN = ["gini", "entropy", "log_loss", "squared_error", "friedman_mse", "poisson"];

/** DecisionTreeClassifier, ExtraTreeClassifier, and forests of them: the mean of the trees' shares of classes. */
export async function treeClassifier(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  builder: ProgramBuilder,
): Promise<Answers> {
  const several = labelsOfSeveral(estimator);
  const outputs = several ?? [classLabels(estimator)];
  const width = Math.max(...outputs.map(({ labels }) => labels.length));
  const { trees, takesNan } = await treesOf(estimator, columns, builder);
  for (const tree of trees) {
    if (tree.outputs !== outputs.length || tree.classes !== width) {
      throw estimator.damaged(
        "values",
        `are of ${tree.outputs} outputs of ${tree.classes} classes, not ${outputs.length} of ${width}`,
      );
    }
  }
  const ensemble = { ...(await ensembleOf(trees, columns, 1, () => 0, builder)), divisor: trees.length };
  const rows = builder.finite(builder.link(from, { kind: "round-to-float32" }), takesNan ? "allowed" : "refused");
  const predictions: (OutputPrediction & { readonly shares: string })[] = [];
  for (const [output, classes] of outputs.entries()) {
    const own = classes.labels.length;
    const vectors = await leafVectors(trees, own, (tree, node) => sharesOf(tree, node, output, own), builder);
    const shares = builder.add(rows, { kind: "tree-vectors", ensemble, width: own, vectors });
    predictions.push({ ...classes, number: builder.link(shares, { kind: "argmax" }), shares });
  }
  if (several !== undefined) return classifiedSeveral(estimator, predictions, builder);
  const [{ labels, dtype, number, shares }] = predictions;
  return classified(
    builder,
    { labels, dtype },
    number,
    ["predict_proba", matrixAnswer(shares, width)],
    ["predict_log_proba", matrixAnswer(builder.link(shares, { kind: "log" }), width)],
  );
}

/** DecisionTreeRegressor, ExtraTreeRegressor, and forests of them: the mean of the trees' values. */
export async function treeRegressor(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  builder: ProgramBuilder,
): Promise<Answers> {
  const { trees, takesNan } = await treesOf(estimator, columns, builder);
  const width = trees[0]!.outputs;
  for (const tree of trees) {
    if (tree.outputs !== width || tree.classes !== 1) throw estimator.damaged("values", "are not of numbers of the same outputs");
  }
  const rows = builder.link(from, { kind: "round-to-float32" }, { kind: "finite", nan: takesNan ? "allowed" : "refused" });
  const leaves = await ensembleOf(trees, columns, 1, ({ values }, node) => values[node * width]!, builder);
  const ensemble = { ...leaves, divisor: trees.length };
  if (width === 1) return regressed(builder.add(rows, { kind: "tree-sums", ensemble }));
  const vectorOf = ({ values }: Tree, node: number) => values.subarray(node * width, (node + 1) * width);
  const vectors = await leafVectors(trees, width, vectorOf, builder);
  return regressed(builder.add(rows, { kind: "tree-vectors", ensemble, width, vectors }), width);
}

async function treesOf(
  estimator: Estimator,
  columns: number,
  builder: ProgramBuilder,
): Promise<{ readonly trees: readonly Tree[]; readonly takesNan: boolean }> {
  if (estimator.value("tree_") !== null) return { trees: [treeOf(estimator, columns)], takesNan: takesNan(estimator) };
  const members = estimator.list("estimators_").map((member) => {
    if (!(member instanceof PickleObject)) throw estimator.damaged("estimators_", "has something else than trees");
    return new Estimator(member);
  });
  const [first] = members;
  if (first === undefined) throw estimator.damaged("estimators_", "is empty");
  const trees: Tree[] = [];
  for (const member of members) {
    const tree = treeOf(member, columns);
    trees.push(tree);
    await builder.turn(tree.nodes);
  }
  return { trees, takesNan: estimator.isSince(1, 4) && takesNan(first) };
}

/** Whether scikit-learn takes NaN in the rows of a tree. */
function takesNan(tree: Estimator): boolean {
  if (!tree.isSince(1, 3) || tree.value("monotonic_cst") !== null) return false;
  return CRITERIA_OF_NAN.includes(tree.text("criterion")) && (tree.text("splitter") === "best" || tree.isSince(1, 6));
}

/** Counts of classes up to version 1.2, then shares; nothing stays nothing. */
function sharesOf({ values, outputs, classes }: Tree, node: number, output: number, width: number): Float64Array {
  const start = (node * outputs + output) * classes;
  const counts = values.slice(start, start + width);
  const sum = counts.reduce((a, b) => a + b, 0);
  return sum === 0 ? counts : counts.map((value) => value / sum);
}
