import type { TabularOutput } from "../../model/tabular/tabular-program.ts";
import type { ClassLabels } from "./class-labels.ts";

/** What a method of an estimator answers. */
export interface Answer extends TabularOutput {
  /** Columns of a row, for an answer that is no vector. */
  readonly width: number;
}

/** The answer of a method: one, called as the method; or, of several outputs, a list of them, called `method_0` and so on. */
export type MethodAnswer = Answer | readonly Answer[];

/** The labels of a classifier, and which of them it predicts. */
export interface Prediction extends ClassLabels {
  /** The value with the number of the label that each row has. */
  readonly number: string;
}

/** What an estimator answers. */
export interface Answers {
  /** By name: `predict`, `predict_proba` and so on; the first is what the model answers by default. */
  readonly methods: ReadonlyMap<string, MethodAnswer>;
  /** Of classifiers of one output. */
  readonly prediction?: Prediction;
  /** Of regressors of one output: the value that is predicted. */
  readonly regression?: string;
  /** Methods that scikit-learn has and this does not, because a row's answer would depend on the other rows. */
  readonly withheld?: readonly string[];
}

/** An answer of one number for each row. */
export function vectorAnswer(value: string, dtype: TabularOutput["dtype"] = "float64"): Answer {
  return { value, dtype, vector: true, width: 1 };
}

/** An answer of several numbers for each row. */
export function matrixAnswer(value: string, width: number, dtype: TabularOutput["dtype"] = "float64"): Answer {
  return { value, dtype, vector: false, width };
}

/** Answers of what is neither a classifier nor a regressor. */
export function plainAnswers(...methods: readonly (readonly [method: string, answer: MethodAnswer])[]): Answers {
  return { methods: new Map(methods) };
}

/** Answers of a regressor. @param columns numbers that it predicts for a row; 0 for a single number that is no row of one */
export function regressed(value: string, columns = 0, dtype: "float64" | "float32" = "float64"): Answers {
  if (columns > 0) return plainAnswers(["predict", matrixAnswer(value, columns, dtype)]);
  return { methods: new Map([["predict", vectorAnswer(value, dtype)]]), regression: value };
}
