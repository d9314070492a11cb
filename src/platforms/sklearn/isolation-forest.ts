import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { PickleObject } from "../../codec/pickle/pickle-value.ts";
import { type Answers, plainAnswers, vectorAnswer } from "./answers.ts";
import { Estimator } from "./estimator.ts";
import { answerOf, columnwise, listOf } from "./members.ts";
import { outlierAnswers } from "./nearest-neighbours.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";
import { depthsOf, ensembleOf, type Tree, treeOf } from "./tree-tables.ts";

const EULER_GAMMA = 0.577_215_664_901_532_9;

/** IsolationForest: 2 to the power of minus the mean depth at which a row is alone, as a share of what is usual. */
export async function isolationForest(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  builder: ProgramBuilder,
): Promise<Answers> {
  // Before 0.19 the depth of a search was another, and members of some columns looked at others.
  if (!estimator.isSince(0, 19)) throw estimator.uncovered("versions before 0.19 are not covered");
  const trees = await treesOf(estimator, columns, builder);
  const depths = new Map(trees.map((tree) => [tree, depthsOf(tree)]));
  const lengthOf = (tree: Tree, node: number) => depths.get(tree)![node] + averagePathLength(estimator, tree.samples[node]);
  const ensemble = await ensembleOf(trees, columns, 1, lengthOf, builder);
  const rounded = builder.link(from, { kind: "round-to-float32" });
  const rows = estimator.isSince(1, 6) ? rounded : builder.finite(rounded);
  const sums = builder.add(rows, { kind: "tree-sums", ensemble });
  const usual = trees.length * averagePathLength(estimator, samplesOf(estimator));
  // Without a usual depth, of a single sample, a share is 1.
  const share =
    usual === 0
      ? columnwise(columnwise(sums, "multiply", 0, builder), "add", 1, builder)
      : columnwise(sums, "divide", usual, builder);
  const powers = builder.link(columnwise(share, "multiply", -Math.LN2, builder), { kind: "exp" });
  const scores = columnwise(powers, "multiply", -1, builder);
  if (!estimator.isSince(0, 20)) return firstAnswers(scores, estimator.number("threshold_"), builder);
  if (estimator.text("behaviour") !== "old" || estimator.value("_threshold_") === null) {
    return outlierAnswers(scores, estimator.number("offset_"), builder);
  }
  // Before 0.22 the threshold could be apart from the offset.
  const { methods } = outlierAnswers(scores, estimator.number("offset_"), builder);
  const decision = answerOf({ methods }, "decision_function")!;
  const compared = columnwise(decision.value, "subtract", estimator.number("_threshold_"), builder);
  const number = builder.link(compared, { kind: "step-from-zero" });
  const predict = vectorAnswer(builder.add(number, { kind: "labels", labels: [-1, 1] }), "int64");
  return { methods: new Map([...methods, ["predict", predict]]) };
}

/** Before 0.20 what is at the threshold was an outlier too. */
function firstAnswers(scores: string, threshold: number, builder: ProgramBuilder): Answers {
  const decision = columnwise(scores, "add", 0.5, builder);
  const number = builder.link(columnwise(decision, "subtract", threshold, builder), { kind: "step" });
  return plainAnswers(
    ["predict", vectorAnswer(builder.add(number, { kind: "labels", labels: [-1, 1] }), "int64")],
    ["decision_function", vectorAnswer(decision)],
  );
}

/** The mean depth of a search that fails among so many. */
function averagePathLength(estimator: Estimator, samples: number): number {
  if (samples <= 1) return estimator.isSince(0, 21) ? 0 : 1;
  if (samples === 2 && estimator.isSince(0, 21)) return 1;
  return 2 * (Math.log(samples - 1) + EULER_GAMMA) - (2 * (samples - 1)) / samples;
}

function samplesOf(estimator: Estimator): number {
  return estimator.number(estimator.value("_max_samples") === null ? "max_samples_" : "_max_samples");
}

async function treesOf(estimator: Estimator, columns: number, builder: ProgramBuilder): Promise<readonly Tree[]> {
  const features = estimator.list("estimators_features_");
  const trees: Tree[] = [];
  for (const [i, member] of listOf(estimator, "estimators_").entries()) {
    if (!(member instanceof PickleObject)) throw estimator.damaged("estimators_", "has something else than trees");
    const own = featuresOf(estimator, NumpyArray.of(features[i]), columns);
    const tree = treeOf(new Estimator(member), own.length);
    await builder.turn(tree.nodes);
    const isAll = own.length === columns;
    trees.push(isAll ? tree : { ...tree, features: tree.features.map((feature) => own[feature] ?? feature) });
  }
  return trees;
}

/** The columns that a member gets. @throws ServingError data-loss for others than there are */
export function featuresOf(estimator: Estimator, array: NumpyArray | undefined, columns: number): Float64Array {
  const features = array?.numbers() ?? new Float64Array(0);
  const isSound =
    features.length > 0 && features.every((feature) => Number.isInteger(feature) && feature >= 0 && feature < columns);
  if (!isSound) throw estimator.damaged("estimators_features_", `are none of ${columns} columns`);
  return features;
}
