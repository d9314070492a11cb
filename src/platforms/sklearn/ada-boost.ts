import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, regressed, vectorAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import {
  answerOf,
  beside,
  columnwise,
  memberAnswers,
  numberAmong,
  oneHot,
  predictionOf,
  product,
  regressionOf,
  spread,
  sumOf,
} from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** What probabilities are kept from 0 by: float64's precision. */
const LEAST = 2 ** -52;

/** AdaBoostClassifier: SAMME, and SAMME.R by probabilities. */
export async function boostedVotes(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const classes = classLabels(estimator);
  const { labels } = classes;
  const width = labels.length;
  if (width < 2) throw estimator.uncovered("a single class is not covered");
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const all = estimator.numbers("estimator_weights_");
  if (all.length < members.length) throw estimator.damaged("estimator_weights_", "are fewer than the estimators");
  const whole = all.reduce((a, b) => a + b, 0);
  const weights = all.slice(0, members.length);
  const shares = members.map((member) => {
    const answer = answerOf(member, "predict_proba");
    return answer && spread(estimator, answer.value, predictionOf(estimator, member).labels, labels, builder);
  });
  const algorithm = estimator.text("algorithm");
  const isReal = algorithm === "SAMME.R";
  let sums: string;
  if (isReal) {
    const logarithms = shares.map((share) => {
      if (share === undefined) throw estimator.uncovered("SAMME.R of members without probabilities is not covered");
      return realVotes(share, width, builder);
    });
    sums = sumOf(logarithms, new Float64Array(members.length).fill(1), builder);
  } else {
    const votes = members.map((member) => {
      const number = numberAmong(estimator, predictionOf(estimator, member), labels, builder);
      return oneHot(number, classes, builder);
    });
    const voted = sumOf(votes, weights, builder);
    // Since 1.3.1 what is not voted for loses.
    sums = estimator.isSince(1, 3, 1) ? withLosses(voted, weights, width, builder) : voted;
  }
  const means = columnwise(sums, "divide", whole, builder, width);
  const decision =
    width === 2
      ? builder.add(means, { kind: "linear", weights: sharedFloats(Float64Array.of(-1, 1)), bias: new Float64Array(1) })
      : means;
  const number = builder.link(decision, { kind: width === 2 ? "step" : "argmax" });
  const old = isReal ? means : oldMeans(shares, weights, whole, width, builder);
  const proba = estimator.isSince(0, 22) ? newShares(decision, width, builder) : old && oldShares(old, width, builder);
  return classified(
    builder,
    classes,
    number,
    ...(proba === undefined ? [] : ([["predict_proba", matrixAnswer(proba, width)]] as const)),
    ...(proba === undefined ? [] : ([["predict_log_proba", matrixAnswer(builder.link(proba, { kind: "log" }), width)]] as const)),
    ["decision_function", width === 2 ? vectorAnswer(decision) : matrixAnswer(means, width)],
  );
}

/** AdaBoostRegressor: the weighted median. */
export async function boostedMedian(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const weights = estimator.numbers("estimator_weights_").slice(0, members.length);
  if (weights.length !== members.length) throw estimator.damaged("estimator_weights_", "are fewer than the estimators");
  const values = members.map((member) => regressionOf(estimator, member));
  return regressed(builder.add(beside(values, builder), { kind: "weighted-median", weights: sharedFloats(weights) }));
}

/** `(classes - 1) * (log share - mean log share)` */
function realVotes(shares: string, width: number, builder: ProgramBuilder): string {
  const logarithms = builder.link(shares, { kind: "clip", least: LEAST, most: Number.POSITIVE_INFINITY }, { kind: "log" });
  const means = new Float64Array(width * width).fill(-1 / width);
  for (let i = 0; i < width; i++) means[i * width + i] += 1;
  const centred = product(logarithms, { rows: width, columns: width, data: means }, new Float64Array(width), builder);
  return columnwise(centred, "multiply", width - 1, builder, width);
}

/** Of votes, the sum of weights of 1 where it was voted, and of `-1 / (classes - 1)` where not. */
function withLosses(votes: string, weights: Float64Array, width: number, builder: ProgramBuilder): string {
  const loss = -1 / (width - 1);
  const whole = weights.reduce((a, b) => a + b, 0);
  return columnwise(columnwise(votes, "multiply", 1 - loss, builder, width), "add", loss * whole, builder, width);
}

function newShares(decision: string, width: number, builder: ProgramBuilder): string {
  const scores = width === 2 ? builder.link(decision, { kind: "mirror" }) : decision;
  return builder.link(columnwise(scores, "divide", width === 2 ? 2 : width - 1, builder, width), { kind: "softmax" });
}

/** Before 0.22 SAMME's were of the members' probabilities. */
function oldMeans(
  shares: readonly (string | undefined)[],
  weights: Float64Array,
  whole: number,
  width: number,
  builder: ProgramBuilder,
): string | undefined {
  const known = shares.filter((share) => share !== undefined);
  if (known.length < shares.length) return undefined;
  return columnwise(sumOf(known, weights, builder), "divide", whole, builder, width);
}

function oldShares(means: string, width: number, builder: ProgramBuilder): string {
  const powers = builder.link(columnwise(means, "multiply", 1 / (width - 1), builder, width), { kind: "exp" });
  return builder.add(powers, { kind: "guarded-shares", whenZero: "zero" });
}
