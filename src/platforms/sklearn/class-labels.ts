import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import type { TabularOutput } from "../../model/tabular/tabular-program.ts";
import { type Answer, type Answers, type MethodAnswer, matrixAnswer, plainAnswers, vectorAnswer } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";

/** The labels of a classifier, `classes_`. */
export interface ClassLabels {
  readonly labels: readonly (string | number)[];
  readonly dtype: TabularOutput["dtype"];
}

/** @throws ServingError unimplemented for several outputs; data-loss for labels that are neither texts nor numbers */
export function classLabels(estimator: Estimator): ClassLabels {
  const array = estimator.array("classes_");
  if (array === undefined && Array.isArray(estimator.value("classes_")))
    throw estimator.uncovered("several outputs are not covered");
  return labelsOf(array, estimator, "classes_");
}

/** Labels as an array has them. @throws ServingError data-loss for what are neither texts nor numbers */
export function labelsOf(array: NumpyArray | undefined, estimator: Estimator, key: string): ClassLabels {
  if (array === undefined || array.shape.length !== 1 || array.count === 0) throw estimator.damaged(key, "is no list of labels");
  const labels = array.values().map((label) => (typeof label === "boolean" ? Number(label) : label));
  if (labels.every((label) => typeof label === "string")) return { labels, dtype: "string" };
  if (!labels.every((label) => typeof label === "number")) throw estimator.damaged(key, "are neither texts nor numbers");
  if (array.isBoolean) return { labels, dtype: "bool" };
  if (array.isFloat || !labels.every(Number.isInteger)) return { labels, dtype: "float64" };
  if (!labels.every(Number.isSafeInteger)) throw estimator.uncovered("labels of more than 53 bits are not covered");
  return { labels, dtype: "int64" };
}

/** The label with the number that each row of a value has. */
export function labelAnswer(builder: ProgramBuilder, from: string, { labels, dtype }: ClassLabels): Answer {
  return vectorAnswer(builder.add(from, { kind: "labels", labels }), dtype);
}

/**
 * Answers of a classifier.
 * @param number the value with the number of the label that each row has
 * @param methods those beside `predict`
 */
export function classified(
  builder: ProgramBuilder,
  { labels, dtype }: ClassLabels,
  number: string,
  ...methods: readonly (readonly [method: string, answer: MethodAnswer])[]
): Answers {
  const predict = labelAnswer(builder, number, { labels, dtype });
  return { methods: new Map([["predict", predict], ...methods]), prediction: { labels, dtype, number } };
}

/** The labels of each output of a classifier of several; undefined for one of one output. @throws ServingError as {@link labelsOf} */
export function labelsOfSeveral(estimator: Estimator): readonly ClassLabels[] | undefined {
  const value = estimator.value("classes_");
  if (!Array.isArray(value)) return undefined;
  return value.map((labels) => labelsOf(NumpyArray.of(labels), estimator, "classes_"));
}

/** What a classifier of several outputs says of one of them. */
export interface OutputPrediction extends ClassLabels {
  readonly number: string;
  /** The value of its probabilities, where there are any. */
  readonly shares?: string;
}

/**
 * Answers of a classifier of several outputs: labels side by side, probabilities each on its own.
 * @throws ServingError unimplemented for labels of several types
 */
export function classifiedSeveral(estimator: Estimator, outputs: readonly OutputPrediction[], builder: ProgramBuilder): Answers {
  const dtype = outputs[0].dtype;
  if (outputs.some((output) => output.dtype !== dtype)) throw estimator.uncovered("labels of several types are not covered");
  const labels = outputs.map(({ number, labels: own }) => builder.add(number, { kind: "labels", labels: own }));
  const predict = matrixAnswer(labels.length === 1 ? labels[0] : builder.add(labels, { kind: "concat" }), outputs.length, dtype);
  if (outputs.some(({ shares }) => shares === undefined)) return plainAnswers(["predict", predict]);
  const shares = outputs.map((output) => matrixAnswer(output.shares!, output.labels.length));
  const logarithms = shares.map(({ value, width }) => matrixAnswer(builder.link(value, { kind: "log" }), width));
  return plainAnswers(["predict", predict], ["predict_proba", shares], ["predict_log_proba", logarithms]);
}
