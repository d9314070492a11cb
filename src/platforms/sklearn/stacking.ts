import { type Answer, type Answers, matrixAnswer } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import { answerOf, beside, memberAnswers, numberAmong, predictionOf } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type NumberRows, numberRows, type Rows } from "./rows.ts";

/** The others' answers, as the last estimator gets them. */
interface Stacked extends NumberRows {
  readonly dtype: "int64" | "float64";
}

/** StackingClassifier: what the last estimator makes of the others' answers. */
export async function stackedClassifier(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const classes = classLabels(estimator);
  const stacked = await stack(estimator, rows, classes.labels.length, builder);
  const last = await builder.answers(estimator.value("final_estimator_"), stacked);
  const prediction = predictionOf(estimator, last);
  // It is trained on the numbers of labels.
  const numbers = classes.labels.map((_, i) => i);
  const number = numberAmong(estimator, prediction, numbers, builder);
  const methods = ["predict_proba", "decision_function"].flatMap((method): [string, Answer][] => {
    const answer = answerOf(last, method);
    return answer === undefined ? [] : [[method, answer]];
  });
  return classified(builder, classes, number, ...methods, [
    "transform",
    matrixAnswer(stacked.value, stacked.columns, stacked.dtype),
  ]);
}

/** StackingRegressor: what the last estimator makes of the others' answers. */
export async function stackedRegressor(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Answers> {
  const stacked = await stack(estimator, rows, 0, builder);
  const last = await builder.answers(estimator.value("final_estimator_"), stacked);
  const predict = answerOf(last, "predict");
  if (predict === undefined) throw estimator.uncovered("a final_estimator that does not predict is not covered");
  const transform = matrixAnswer(stacked.value, stacked.columns, stacked.dtype);
  return {
    methods: new Map([
      ["predict", predict],
      ["transform", transform],
    ]),
    ...(last.regression === undefined ? {} : { regression: last.regression }),
  };
}

/** The answers of the first estimators side by side, and with `passthrough` the rows. @param classes 0 for regressors */
async function stack(estimator: Estimator, rows: Rows, classes: number, builder: ProgramBuilder): Promise<Stacked> {
  const members = await memberAnswers(estimator, "estimators_", rows, builder);
  const methods = estimator.list("stack_method_").map((method) => (typeof method === "string" ? method : ""));
  const parts = members.map((member, i): NumberRows => {
    const method = methods[i] ?? "";
    const answer = answerOf(member, method);
    if (answer === undefined || answer.dtype === "string") {
      throw estimator.uncovered(`a member without numbers of ${method.slice(0, 50)} is not covered`);
    }
    if (method !== "predict_proba" || classes !== 2) return numberRows(answer.value, answer.width);
    return numberRows(builder.add(answer.value, { kind: "select", columns: Int32Array.of(1) }), 1);
  });
  if (estimator.isTrue("passthrough")) parts.push(builder.numbers(estimator, rows));
  const values = parts.map(({ value }) => value);
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  const isWhole =
    !estimator.isTrue("passthrough") && members.every((member, i) => answerOf(member, methods[i])?.dtype === "int64");
  return { ...numberRows(beside(values, builder), columns), dtype: isWhole ? "int64" : "float64" };
}
