import { sharedFloats, sharedIntegers } from "../shared-arrays.ts";
import { largestClass, putClasses, putRegression } from "./predictions.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Stage } from "./stage.ts";
import { categoryColumns, ensembleOf, readTrees, type Trees } from "./tree-tables.ts";

/** A model of trees, ready to be asked. */
interface TreeModel {
  readonly stage: Stage;
  readonly trees: Trees;
  readonly columns: number;
  /** The value of the features. */
  readonly from: string;
}

/** DecisionTreeClassificationModel and RandomForestClassificationModel: counts of a tree's leaf, or the sum of the leaves' shares. */
export async function treeClassifier(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const model = await treeModel(stage, builder);
  const classes = stage.extraNumber("numClasses");
  const isForest = stage.name === "RandomForestClassificationModel";
  const { trees, columns, from } = model;
  const ensemble = await ensembleOf(stage, trees, columns, { valueAt: () => 0, numbered: "in-all" }, builder);
  const vectors = await leafVectors(model, classes, isForest, builder);
  const raw = builder.add(from, { kind: "tree-vectors", ensemble, width: classes, vectors });
  const shares = builder.add(raw, { kind: "guarded-shares", whenZero: "zero" });
  putClasses(stage, builder, { raw, shares, prediction: largestClass(stage, builder, raw, shares, classes), classes });
  await putLeaves(model, builder);
}

/** DecisionTreeRegressionModel and RandomForestRegressionModel: the mean of the trees. */
export async function treeRegressor(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const model = await treeModel(stage, builder);
  const { trees, columns, from } = model;
  const ensemble = await ensembleOf(
    stage,
    trees,
    columns,
    { valueAt: (node) => trees.predictions[node], numbered: "in-all" },
    builder,
  );
  putRegression(stage, builder, builder.add(from, { kind: "tree-sums", ensemble: { ...ensemble, divisor: trees.roots.length } }));
  const variance = stage.text("varianceCol", "");
  if (variance !== "") {
    const impurities = await ensembleOf(
      stage,
      trees,
      columns,
      { valueAt: (node) => trees.impurities[node], numbered: "in-all" },
      builder,
    );
    const value = builder.add(from, { kind: "tree-sums", ensemble: impurities });
    builder.put(stage, variance, { kind: "number", value, width: 1, sparse: false });
  }
  await putLeaves(model, builder);
}

/** GBTRegressionModel. */
export async function boostedRegressor(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const model = await treeModel(stage, builder);
  putRegression(stage, builder, await boostedSum(model, builder));
  await putLeaves(model, builder);
}

/** GBTClassificationModel. */
export async function boostedClassifier(stage: Stage, builder: ProgramBuilder): Promise<void> {
  const model = await treeModel(stage, builder);
  const raw = builder.link(await boostedSum(model, builder), { kind: "mirror" });
  const shares = builder.add(raw, { kind: "spark-binary-shares", of: 0, steepness: 2 });
  putClasses(stage, builder, { raw, shares, prediction: largestClass(stage, builder, raw, shares, 2), classes: 2 });
  await putLeaves(model, builder);
}

async function treeModel(stage: Stage, builder: ProgramBuilder): Promise<TreeModel> {
  const columns = stage.extraNumber("numFeatures");
  const features = builder.vector(stage, stage.text("featuresCol", "features"), columns);
  const trees = await readTrees(stage, await stage.table(), columns, builder);
  let from = builder.dense(features);
  const categories = categoryColumns(trees);
  // A number between two categories is none: no set of Spark's has it.
  if (categories.length > 0) from = builder.add(from, { kind: "spark-whole", columns: sharedIntegers(categories) });
  return { stage, trees, columns, from };
}

async function boostedSum({ stage, trees, columns, from }: TreeModel, builder: ProgramBuilder): Promise<string> {
  const table = await stage.table("treesMetadata");
  const owners = table.numbers("treeID");
  const found = table.numbers("weights");
  const weights = new Float64Array(trees.roots.length).fill(Number.NaN);
  for (const [i, owner] of owners.entries()) weights[owner] = found[i];
  if (owners.length !== weights.length || weights.some(Number.isNaN))
    throw stage.damaged("treesMetadata", `has not one weight for each of ${weights.length} trees`);
  const ensemble = await ensembleOf(
    stage,
    trees,
    columns,
    { valueAt: (node, tree) => trees.predictions[node] * weights[tree], numbered: "in-all" },
    builder,
  );
  return builder.add(from, { kind: "tree-sums", ensemble });
}

async function leafVectors(
  { stage, trees }: TreeModel,
  classes: number,
  asShares: boolean,
  builder: ProgramBuilder,
): Promise<Float64Array> {
  const { nodes, features, stats, statsStarts, statsWidth } = trees;
  if (classes < 1 || classes !== statsWidth) throw stage.damaged("impurityStats", `are of ${statsWidth} classes, not ${classes}`);
  const leaves = features.reduce((count, feature) => count + (feature < 0 ? 1 : 0), 0);
  const vectors = sharedFloats(new Float64Array(leaves * classes));
  let leaf = 0;
  for (let node = 0; node < nodes; node++) {
    if (features[node] >= 0) continue;
    const start = statsStarts[node];
    const counts = stats.subarray(start, start + classes);
    const sum = counts.reduce((a, b) => a + b, 0);
    vectors.set(asShares ? counts.map((count) => (sum === 0 ? 0 : count / sum)) : counts, leaf++ * classes);
    await builder.turn(classes);
  }
  return vectors;
}

/** The number of the leaf in each tree, where a column for them is wanted: one number for a single tree. */
async function putLeaves({ stage, trees, columns, from }: TreeModel, builder: ProgramBuilder): Promise<void> {
  const name = stage.text("leafCol", "");
  if (name === "") return;
  const ensemble = await ensembleOf(stage, trees, columns, { valueAt: () => 0, numbered: "in-each" }, builder);
  const value = builder.add(from, { kind: "tree-leaves", ensemble });
  const isTree = stage.name.startsWith("DecisionTree");
  builder.put(stage, name, { kind: isTree ? "number" : "vector", value, width: trees.roots.length, sparse: false });
}
