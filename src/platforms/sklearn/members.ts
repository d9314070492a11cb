import type { PickleValue } from "../../codec/pickle/pickle-value.ts";
import { sharedFloats } from "../shared-arrays.ts";
import type { Answer, Answers, Prediction } from "./answers.ts";
import type { ClassLabels } from "./class-labels.ts";
import type { Estimator, Table } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** What the estimators of a list answer; at least one. @throws ServingError data-loss for an empty list; as `ProgramBuilder.answers` */
export async function memberAnswers(estimator: Estimator, key: string, rows: Rows, builder: ProgramBuilder): Promise<Answers[]> {
  const members = listOf(estimator, key);
  // Members get arrays, which have no names.
  if (typeof estimator.value("n_features_in_") === "number") builder.columns(estimator, rows);
  const answers: Answers[] = [];
  for (const member of members) answers.push(await builder.answers(member, rows));
  return answers;
}

/** Estimators of a list; at least one. @throws ServingError data-loss for an empty list */
export function listOf(estimator: Estimator, key: string): readonly PickleValue[] {
  const members = estimator.list(key);
  if (members.length === 0) throw estimator.damaged(key, "is empty");
  return members;
}

/** The answer of a method where it is one, not several. */
export function answerOf({ methods }: Answers, method: string): Answer | undefined {
  const answer = methods.get(method);
  return answer !== undefined && "value" in answer ? answer : undefined;
}

/** What a member predicts as a classifier. @throws ServingError unimplemented, for what is none */
export function predictionOf(estimator: Estimator, { prediction }: Answers): Prediction {
  if (prediction === undefined) throw estimator.uncovered("a member that is no classifier of one output is not covered");
  return prediction;
}

/** What a member predicts as a regressor. @throws ServingError unimplemented, for what is none */
export function regressionOf(estimator: Estimator, { regression }: Answers): string {
  if (regression === undefined) throw estimator.uncovered("a member that is no regressor of one output is not covered");
  return regression;
}

/**
 * A value of a number for each of some labels as one for each of other labels, 0 for those that are not among them.
 * @throws ServingError unimplemented for a label that is none of the others
 */
export function spread(
  estimator: Estimator,
  value: string,
  own: readonly (string | number)[],
  all: readonly (string | number)[],
  builder: ProgramBuilder,
): string {
  const places = placesOf(estimator, own, all);
  if (places.length === all.length && places.every((place, i) => place === i)) return value;
  const weights = new Float64Array(own.length * all.length);
  for (const [i, place] of places.entries()) weights[i * all.length + place] = 1;
  return builder.add(value, { kind: "linear", weights: sharedFloats(weights), bias: new Float64Array(all.length) });
}

/** The number, among other labels, of the label that is predicted. @throws ServingError as {@link spread} */
export function numberAmong(
  estimator: Estimator,
  { number, labels }: Prediction,
  all: readonly (string | number)[],
  builder: ProgramBuilder,
): string {
  const places = placesOf(estimator, labels, all);
  return places.every((place, i) => place === i) ? number : builder.add(number, { kind: "labels", labels: places });
}

function placesOf(estimator: Estimator, own: readonly (string | number)[], all: readonly (string | number)[]): number[] {
  const places = new Map(all.map((label, i) => [label, i]));
  return own.map((label) => {
    const place = places.get(label);
    if (place === undefined) throw estimator.uncovered("a member has labels that the whole has not");
    return place;
  });
}

/** How much a classifier of two classes is for the second: its decision, a regressor's prediction, or the second's probability. */
export function scoreOfSecond(estimator: Estimator, answers: Answers, builder: ProgramBuilder): string {
  if (answers.regression !== undefined) return answers.regression;
  const decision = answerOf(answers, "decision_function");
  if (decision !== undefined) {
    if (!decision.vector) throw estimator.uncovered("a member of more than two classes is not covered");
    return decision.value;
  }
  return secondShare(estimator, answers, builder);
}

/** The probability of the second of two classes. @throws ServingError unimplemented for members without */
export function secondShare(estimator: Estimator, answers: Answers, builder: ProgramBuilder): string {
  const shares = answerOf(answers, "predict_proba");
  if (shares === undefined || shares.width < 2)
    throw estimator.uncovered("a member that has no probability of two classes is not covered");
  return builder.add(shares.value, { kind: "select", columns: Int32Array.of(1) });
}

/** Rows times a table's rows, plus a number for each of these. */
export function product(from: string, { rows, columns, data }: Table, bias: Float64Array, builder: ProgramBuilder): string {
  const weights = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) weights[column * rows + row] = data[row * columns + column];
  }
  return builder.add(from, { kind: "linear", weights: sharedFloats(weights), bias: sharedFloats(bias) });
}

/** A value's numbers, each with one added, subtracted and so on. @param by one number for each column, or one for all of `width` */
export function columnwise(
  from: string,
  does: "add" | "subtract" | "multiply" | "divide",
  by: Float64Array | number,
  builder: ProgramBuilder,
  width = 1,
): string {
  const numbers = typeof by === "number" ? new Float64Array(width).fill(by) : by;
  return builder.add(from, { kind: "columns", does, by: sharedFloats(numbers) });
}

/** Several matrices, or values of texts, side by side. */
export function beside(values: readonly string[], builder: ProgramBuilder): string {
  return values.length === 1 ? values[0] : builder.add(values, { kind: "concat" });
}

/** The sum of matrices of one shape, each times its weight. */
export function sumOf(values: readonly string[], weights: ArrayLike<number>, builder: ProgramBuilder): string {
  return builder.add(values, { kind: "weighted-sum", weights: sharedFloats(Float64Array.from(weights)) });
}

/** A row of 0, and 1 in the place of its number. */
export function oneHot(number: string, { labels }: Pick<ClassLabels, "labels">, builder: ProgramBuilder): string {
  return builder.add(number, { kind: "one-hot", sizes: Int32Array.of(labels.length) });
}
