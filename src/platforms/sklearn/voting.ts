import { type Answer, type Answers, matrixAnswer, regressed } from "./answers.ts";
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
  regressionOf,
  spread,
  sumOf,
} from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** VotingClassifier: the most votes, or the largest mean probability. */
export async function votingClassifier(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const numbers = classes.labels.map((_, i) => i);
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const { weights, whole } = weightsOf(estimator, members.length);
  if (estimator.text("voting") !== "soft") {
    const votes = members.map((member) => numberAmong(estimator, predictionOf(estimator, member), numbers, builder));
    const sums = sumOf(
      votes.map((vote) => oneHot(vote, classes, builder)),
      weights,
      builder,
    );
    const transform = matrixAnswer(beside(votes, builder), votes.length, "int64");
    return classified(builder, classes, builder.link(sums, { kind: "argmax" }), ["transform", transform]);
  }
  const shares = members.map((member) => {
    const answer = answerOf(member, "predict_proba");
    if (answer === undefined) throw estimator.uncovered("soft voting of members without probabilities is not covered");
    return spread(estimator, answer.value, predictionOf(estimator, member).labels, numbers, builder);
  });
  const mean = columnwise(sumOf(shares, weights, builder), "divide", whole, builder, width);
  const methods: [string, Answer][] = [["predict_proba", matrixAnswer(mean, width)]];
  // Without it the answer has three dimensions.
  if (estimator.isTrue("flatten_transform"))
    methods.push(["transform", matrixAnswer(beside(shares, builder), shares.length * width)]);
  return classified(builder, classes, builder.link(mean, { kind: "argmax" }), ...methods);
}

/** VotingRegressor: the weighted mean. */
export async function votingRegressor(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const { weights, whole } = weightsOf(estimator, members.length);
  const values = members.map((member) => regressionOf(estimator, member));
  const answers = regressed(columnwise(sumOf(values, weights, builder), "divide", whole, builder));
  const transform = matrixAnswer(beside(values, builder), values.length);
  return { ...answers, methods: new Map([...answers.methods, ["transform", transform]]) };
}

/** Weights of the members that are not dropped, 1 where there are none, and their sum. */
function weightsOf(estimator: Estimator, members: number): { readonly weights: Float64Array; readonly whole: number } {
  const given = estimator.value("weights");
  if (given === null) return { weights: new Float64Array(members).fill(1), whole: members };
  const all = estimator.list("weights");
  const kept = estimator.list("estimators").map((pair) => Array.isArray(pair) && pair[1] !== null && pair[1] !== "drop");
  const weights = all.filter((_, i) => kept[i] === true);
  if (weights.length !== members || !weights.every((weight) => typeof weight === "number")) {
    throw estimator.damaged("weights", `are not a number for each of ${members} estimators`);
  }
  return { weights: Float64Array.from(weights), whole: weights.reduce((a, b) => a + b, 0) };
}
