import { PickleObject } from "../../codec/pickle/pickle-value.ts";
import { classLabels, labelAnswer } from "./class-labels.ts";
import { Estimator } from "./estimator.ts";
import { type Answers, matrixAnswer, type ProgramBuilder, vectorAnswer } from "./program-builder.ts";
import { ensembleOf, type Tree, treeOf } from "./tree-tables.ts";

/** How far the first probabilities are kept from 0 and 1: float32's precision. */
const CLIP = 2 ** -23;

/** GradientBoostingRegressor, with any loss: the sum is the answer. */
export async function boostedRegressor(
  estimator: Estimator,
  from: string,
  columns: number,
  builder: ProgramBuilder,
): Promise<Answers> {
  return new Map([["predict", vectorAnswer(await sums(estimator, from, columns, 1, regressorBase(estimator), builder))]]);
}

/** GradientBoostingClassifier, of the losses `log_loss` (once `deviance`) and `exponential`. */
export async function boostedClassifier(
  estimator: Estimator,
  from: string,
  columns: number,
  builder: ProgramBuilder,
): Promise<Answers> {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const isBinary = width === 2;
  const loss = estimator.text("loss");
  if (!["log_loss", "deviance", "exponential"].includes(loss))
    throw estimator.uncovered(`loss="${loss.slice(0, 50)}" is not covered`);
  const isExponential = loss === "exponential";
  const groups = isBinary ? 1 : width;
  const raw = await sums(estimator, from, columns, groups, classifierBase(estimator, width, isExponential), builder);
  const shares = isBinary
    ? builder.link(raw, { kind: "sigmoid", steepness: isExponential ? 2 : 1 }, { kind: "complement" })
    : builder.link(raw, { kind: "softmax" });
  const number = builder.link(raw, { kind: isBinary ? (hasSharedLosses(estimator) ? "step-from-zero" : "step") : "argmax" });
  return new Map([
    ["predict", labelAnswer(builder, number, classes)],
    ["predict_proba", matrixAnswer(shares, width)],
    ["predict_log_proba", matrixAnswer(builder.link(shares, { kind: "log" }), width)],
    ["decision_function", isBinary ? vectorAnswer(raw) : matrixAnswer(raw, width)],
  ]);
}

async function sums(
  estimator: Estimator,
  from: string,
  columns: number,
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

function regressorBase(estimator: Estimator): Float64Array {
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
      throw estimator.uncovered(`init of ${init!.name} is not covered`);
  }
}

/** Where sums begin: what the first estimator says of every row, before the function that makes it a probability. */
function classifierBase(estimator: Estimator, width: number, isExponential: boolean): Float64Array {
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
  throw estimator.uncovered(`init of ${init!.name} is not covered`);
}

/** The estimator that sums begin with; undefined for 0. */
function initOf(estimator: Estimator): Estimator | undefined {
  return estimator.value("init_") === "zero" ? undefined : estimator.estimator("init_");
}

/** Since 1.4 the losses are those of all of scikit-learn. */
function hasSharedLosses(estimator: Estimator): boolean {
  return estimator.value("_loss") !== null && estimator.estimator("_loss").module === "sklearn._loss.loss";
}
