import { PickleObject } from "../../codec/pickle/pickle-value.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, regressed, vectorAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import { Estimator } from "./estimator.ts";
import { answerOf, columnwise, regressionOf, sumOf } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type NumberRows, numberRows } from "./rows.ts";
import { ensembleOf, type Tree, treeOf } from "./tree-tables.ts";

/** How far the first probabilities are kept from 0 and 1: float32's precision. */
const CLIP = 2 ** -23;

/** GradientBoostingRegressor, with any loss: the sum is the answer. */
export async function boostedRegressor(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Promise<Answers> {
  const base = regressorBase(estimator);
  if (base !== undefined) return regressed(await sums(estimator, rows, 1, base, builder));
  const init = await builder.answers(estimator.value("init_"), roundedFor(estimator, rows, builder));
  const trees = await sums(estimator, rows, 1, new Float64Array(1), builder);
  return regressed(sumOf([regressionOf(estimator, init), trees], [1, 1], builder));
}

/** GradientBoostingClassifier, of the losses `log_loss` (once `deviance`) and `exponential`. */
export async function boostedClassifier(estimator: Estimator, rows: NumberRows, builder: ProgramBuilder): Promise<Answers> {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const isBinary = width === 2;
  const loss = estimator.text("loss");
  if (!["log_loss", "deviance", "exponential"].includes(loss))
    throw estimator.uncovered(`loss="${loss.slice(0, 50)}" is not covered`);
  const isExponential = loss === "exponential";
  const groups = isBinary ? 1 : width;
  const base = classifierBase(estimator, width, isExponential);
  const trees = await sums(estimator, rows, groups, base ?? new Float64Array(groups), builder);
  const raw =
    base === undefined ? sumOf([await startOf(estimator, rows, isExponential, builder), trees], [1, 1], builder) : trees;
  const shares = isBinary
    ? builder.link(raw, { kind: "sigmoid", steepness: isExponential ? 2 : 1 }, { kind: "complement" })
    : builder.link(raw, { kind: "softmax" });
  const number = builder.link(raw, { kind: isBinary ? (hasSharedLosses(estimator) ? "step-from-zero" : "step") : "argmax" });
  return classified(
    builder,
    classes,
    number,
    ["predict_proba", matrixAnswer(shares, width)],
    ["predict_log_proba", matrixAnswer(builder.link(shares, { kind: "log" }), width)],
    ["decision_function", isBinary ? vectorAnswer(raw) : matrixAnswer(raw, width)],
  );
}

async function sums(
  estimator: Estimator,
  { value: from, columns }: NumberRows,
  groups: number,
  base: Float64Array,
  builder: ProgramBuilder,
): Promise<string> {
  const array = estimator.array("estimators_");
  if (array === undefined || array.shape.length !== 2 || array.shape[1] !== groups) {
    throw estimator.damaged("estimators_", `is no array of ${groups} trees for each stage`);
  }
  const rate = estimator.number("learning_rate");
  const trees: Tree[] = [];
  for (const member of array.values()) {
    if (!(member instanceof PickleObject)) throw estimator.damaged("estimators_", "has something else than trees");
    const tree = treeOf(new Estimator(member), columns);
    if (tree.outputs !== 1 || tree.classes !== 1) throw estimator.damaged("values", "are not of one number");
    trees.push(tree);
    await builder.turn(tree.nodes);
  }
  const leaves = await ensembleOf(trees, columns, groups, ({ values }, node) => rate * values[node]!, builder);
  const ensemble = { ...leaves, base };
  const rows = builder.link(from, { kind: "round-to-float32" }, { kind: "finite", nan: "refused" });
  return builder.add(rows, { kind: "tree-sums", ensemble });
}

/** Where sums begin; undefined for an estimator of one's own. */
function regressorBase(estimator: Estimator): Float64Array | undefined {
  const init = initOf(estimator);
  switch (init?.name) {
    case undefined:
    case "ZeroEstimator":
      return new Float64Array(1);
    case "DummyRegressor":
      return init.numbers("constant_", 1);
    case "MeanEstimator":
      return Float64Array.of(init.number("mean"));
    case "QuantileEstimator":
      return Float64Array.of(init.number("quantile"));
    default:
      return undefined;
  }
}

/** Where a row's sums begin: the probabilities of an estimator of one's own, before the function that makes them probabilities. */
async function startOf(estimator: Estimator, rows: NumberRows, isExponential: boolean, builder: ProgramBuilder): Promise<string> {
  const init = await builder.answers(estimator.value("init_"), roundedFor(estimator, rows, builder));
  const shares = answerOf(init, "predict_proba");
  if (shares === undefined || hasOldLosses(estimator)) throw estimator.uncovered("such an init is not covered");
  const clipped = builder.link(shares.value, { kind: "clip", least: CLIP, most: 1 - CLIP });
  const logarithms = builder.link(clipped, { kind: "log" });
  if (shares.width === 2) {
    const second = builder.add(clipped, { kind: "select", columns: Int32Array.of(1) });
    const rest = columnwise(columnwise(second, "multiply", -1, builder), "add", 1, builder);
    const by = isExponential ? 0.5 : 1;
    return sumOf([builder.link(second, { kind: "log" }), builder.link(rest, { kind: "log" })], [by, -by], builder);
  }
  if (!hasSharedLosses(estimator)) return logarithms;
  const means = new Float64Array(shares.width ** 2).fill(-1 / shares.width);
  for (let i = 0; i < shares.width; i++) means[i * shares.width + i] += 1;
  return builder.add(logarithms, { kind: "linear", weights: sharedFloats(means), bias: new Float64Array(shares.width) });
}

/** Rows as an init gets them: rounded to float32, in which a transformer would go on. */
function roundedFor(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): NumberRows {
  const { name } = estimator.estimator("init_");
  if (name === "Pipeline") throw estimator.uncovered("an init of a Pipeline is not covered");
  return numberRows(builder.link(value, { kind: "round-to-float32" }), columns);
}

/** Before 0.21 an init's decisions were taken as they are. */
function hasOldLosses(estimator: Estimator): boolean {
  return !estimator.isSince(0, 21);
}

/** Where sums begin: what the first estimator says of every row, before that function; undefined for an estimator of one's own. */
function classifierBase(estimator: Estimator, width: number, isExponential: boolean): Float64Array | undefined {
  const groups = width === 2 ? 1 : width;
  const init = initOf(estimator);
  switch (init?.name) {
    case undefined:
    case "ZeroEstimator":
      return new Float64Array(groups);
    case "LogOddsEstimator":
    case "ScaledLogOddsEstimator":
      if (groups === 1) return Float64Array.of(init!.number("prior"));
      break;
    case "PriorProbabilityEstimator":
      return init!.numbers("priors", groups);
    case "DummyClassifier":
      if (init!.text("strategy") === "prior") {
        const priors = init!.numbers("class_prior_", width).map((share) => Math.min(1 - CLIP, Math.max(CLIP, share)));
        if (groups === 1) return Float64Array.of(Math.log(priors[1]! / (1 - priors[1]!)) * (isExponential ? 0.5 : 1));
        const logarithms = priors.map((share) => Math.log(share));
        if (!hasSharedLosses(estimator)) return logarithms;
        const mean = logarithms.reduce((a, b) => a + b) / groups;
        return logarithms.map((value) => value - mean);
      }
  }
  return undefined;
}

/** The estimator that sums begin with; undefined for 0. */
function initOf(estimator: Estimator): Estimator | undefined {
  return estimator.value("init_") === "zero" ? undefined : estimator.estimator("init_");
}

/** Since 1.4 the losses are those of all of scikit-learn. */
function hasSharedLosses(estimator: Estimator): boolean {
  return estimator.value("_loss") !== null && estimator.estimator("_loss").module === "sklearn._loss.loss";
}
