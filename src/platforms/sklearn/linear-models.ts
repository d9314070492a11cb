import { type Answer, type Answers, matrixAnswer, regressed, vectorAnswer } from "./answers.ts";
import { type ClassLabels, classified, classLabels } from "./class-labels.ts";
import type { Estimator, Table } from "./estimator.ts";
import { product } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** LinearRegression and all others whose answer is `X @ coef_.T + intercept_`. */
export function linearRegressor(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const coefficients = coefficientsOf(estimator, columns);
  const isVector = estimator.array("coef_")!.shape.length === 1;
  const value = weighted(estimator, coefficients, builder.link(from, { kind: "finite", nan: "refused" }), builder);
  return regressed(value, isVector ? 0 : coefficients.rows);
}

/** Classifiers by the sign, or the largest, of linear functions: LinearSVC, SGDClassifier, LogisticRegression and others. */
export function linearClassifier(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): Answers {
  // Ridge classifiers have their labels where they were made numbers.
  const classes = classLabels(estimator.name.startsWith("RidgeClassifier") ? estimator.estimator("_label_binarizer") : estimator);
  const coefficients = coefficientsOf(estimator, columns);
  const isBinary = classes.labels.length === 2;
  if (coefficients.rows !== (isBinary ? 1 : classes.labels.length)) {
    throw estimator.damaged("coef_", `has ${coefficients.rows} rows for ${classes.labels.length} classes`);
  }
  const scores = weighted(estimator, coefficients, builder.link(from, { kind: "finite", nan: "refused" }), builder);
  const answers: [string, Answer][] = [];
  const shares = probabilities(estimator, scores, classes, builder);
  if (shares !== undefined) {
    answers.push(["predict_proba", matrixAnswer(shares, classes.labels.length)]);
    answers.push(["predict_log_proba", matrixAnswer(builder.link(shares, { kind: "log" }), classes.labels.length)]);
  }
  answers.push(["decision_function", isBinary ? vectorAnswer(scores) : matrixAnswer(scores, classes.labels.length)]);
  return classified(builder, classes, builder.link(scores, { kind: isBinary ? "step" : "argmax" }), ...answers);
}

/** Probabilities of classes, for those who have any. */
function probabilities(
  estimator: Estimator,
  scores: string,
  { labels }: ClassLabels,
  builder: ProgramBuilder,
): string | undefined {
  const isBinary = labels.length === 2;
  if (estimator.name.startsWith("LogisticRegression")) {
    if (!isOneAgainstRest(estimator, labels.length)) {
      return isBinary ? builder.link(scores, { kind: "mirror" }, { kind: "softmax" }) : builder.link(scores, { kind: "softmax" });
    }
  } else if (estimator.name !== "SGDClassifier" || !["log", "log_loss"].includes(estimator.text("loss"))) return undefined;
  return builder.link(scores, { kind: "sigmoid", steepness: 1 }, { kind: isBinary ? "complement" : "shares" });
}

/** Whether each class has a probability of its own. `multi_class` has had several defaults, and is gone in the newest versions. */
function isOneAgainstRest(estimator: Estimator, classes: number): boolean {
  switch (estimator.text("multi_class")) {
    case "ovr":
    case "warn":
      return true;
    case "multinomial":
      return false;
    default:
      return classes <= 2 || estimator.text("solver") === "liblinear";
  }
}

/** `coef_` as a table of a row for each output. @throws ServingError unimplemented for a sparse one */
export function coefficientsOf(estimator: Estimator, columns: number): Table {
  const array = estimator.array("coef_");
  if (array === undefined) throw estimator.uncovered("coef_ is no array of numpy's (a sparse one: call densify() before saving)");
  if (array.shape.length !== 1) return estimator.table("coef_", columns);
  return { rows: 1, columns, data: estimator.numbers("coef_", columns) };
}

function weighted(estimator: Estimator, coefficients: Table, from: string, builder: ProgramBuilder): string {
  return product(from, coefficients, interceptOf(estimator, coefficients.rows), builder);
}

/** One number for each row of `coef_`, or one for all: it is 0 where no intercept was fitted. */
export function interceptOf(estimator: Estimator, rows: number): Float64Array {
  const array = estimator.array("intercept_");
  if (array === undefined) return new Float64Array(rows).fill(estimator.number("intercept_"));
  const numbers = array.numbers();
  if (numbers.length === 1) return new Float64Array(rows).fill(numbers[0]!);
  return estimator.numbers("intercept_", rows);
}
