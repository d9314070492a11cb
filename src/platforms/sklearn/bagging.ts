import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { type Answer, type Answers, matrixAnswer, regressed, vectorAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import { featuresOf } from "./isolation-forest.ts";
import { answerOf, columnwise, listOf, numberAmong, oneHot, predictionOf, spread, sumOf } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { numberRows, type Rows } from "./rows.ts";

/** BaggingClassifier: the mean of the members' probabilities, or their votes where they have none. */
export async function baggedClassifier(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  // Members are trained on the numbers of labels.
  const numbers = classes.labels.map((_, i) => i);
  const members = await bagged(estimator, rows, builder);
  const shares = members.map((member) => {
    const prediction = predictionOf(estimator, member);
    const answer = answerOf(member, "predict_proba");
    if (answer !== undefined) return spread(estimator, answer.value, prediction.labels, numbers, builder);
    return oneHot(numberAmong(estimator, prediction, numbers, builder), classes, builder);
  });
  const mean = meanOf(shares, width, builder);
  const methods: [string, Answer][] = [
    ["predict_proba", matrixAnswer(mean, width)],
    ["predict_log_proba", matrixAnswer(builder.link(mean, { kind: "log" }), width)],
  ];
  const decisions = members.map((member) => answerOf(member, "decision_function"));
  if (decisions.every((decision) => decision !== undefined)) {
    const [{ vector, width: own }] = decisions;
    if (decisions.every((decision) => decision.width === own)) {
      const value = meanOf(
        decisions.map((decision) => decision.value),
        own,
        builder,
      );
      methods.push(["decision_function", vector ? vectorAnswer(value) : matrixAnswer(value, own)]);
    }
  }
  return classified(builder, classes, builder.link(mean, { kind: "argmax" }), ...methods);
}

/** BaggingRegressor: the mean. */
export async function baggedRegressor(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const predictions = (await bagged(estimator, rows, builder)).map((member) => answerOf(member, "predict"));
  const [first] = predictions;
  if (first === undefined || predictions.some((each) => each?.width !== first.width || each.dtype !== "float64")) {
    throw estimator.uncovered("members that are no regressors of the same outputs are not covered");
  }
  const value = meanOf(
    predictions.map((each) => each!.value),
    first.width,
    builder,
  );
  return regressed(value, first.vector ? 0 : first.width);
}

async function bagged(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers[]> {
  const { value, columns } = builder.numbers(estimator, rows);
  const features = estimator.list("estimators_features_");
  const answers: Answers[] = [];
  for (const [i, member] of listOf(estimator, "estimators_").entries()) {
    const own = featuresOf(estimator, NumpyArray.of(features[i]), columns);
    const isAll = own.length === columns && own.every((feature, place) => feature === place);
    const selected = isAll ? value : builder.add(value, { kind: "select", columns: Int32Array.from(own) });
    answers.push(await builder.answers(member, numberRows(selected, own.length)));
  }
  return answers;
}

function meanOf(values: readonly string[], width: number, builder: ProgramBuilder): string {
  const sum = sumOf(values, new Float64Array(values.length).fill(1), builder);
  return columnwise(sum, "divide", values.length, builder, width);
}
