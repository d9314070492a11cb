import { NumpyArray } from "../../codec/pickle/numpy-array.ts";
import { type Answers, matrixAnswer, regressed } from "./answers.ts";
import { classified, classLabels } from "./class-labels.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { Rows } from "./rows.ts";

/** DummyClassifier of the strategies that have no chance in them. */
export function dummyClassifier(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Answers {
  const classes = classLabels(estimator);
  const width = classes.labels.length;
  const strategy = estimator.text("strategy");
  const priors = estimator.numbers("class_prior_", width);
  const likeliest = priors.indexOf(Math.max(...priors));
  const chosen = strategy === "constant" ? constantOf(estimator, classes.labels) : likeliest;
  if (!["constant", "most_frequent", "prior"].includes(strategy)) {
    throw estimator.uncovered(`strategy="${strategy.slice(0, 50)}" is not covered`);
  }
  const one = Float64Array.from({ length: width }, (_, i) => Number(i === chosen));
  const shares = constantRows(estimator, rows, strategy === "prior" ? priors : one, builder);
  return classified(
    builder,
    classes,
    constantRows(estimator, rows, Float64Array.of(chosen), builder),
    ["predict_proba", matrixAnswer(shares, width)],
    ["predict_log_proba", matrixAnswer(builder.link(shares, { kind: "log" }), width)],
  );
}

/** DummyRegressor. */
export function dummyRegressor(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Answers {
  const constants = estimator.numbers("constant_");
  const isVector = constants.length === 1;
  return regressed(constantRows(estimator, rows, constants, builder), isVector ? 0 : constants.length);
}

/** The same numbers for each row, whatever it has. */
export function constantRows(estimator: Estimator, rows: Rows, numbers: Float64Array, builder: ProgramBuilder): string {
  // Before 1.4 none said it.
  if (rows.kind === "request" && estimator.value("n_features_in_") === null && builder.request.columns === undefined) {
    throw estimator.uncovered("alone, it does not say how many columns it takes");
  }
  const { value } = builder.numbers(estimator, rows);
  const none = builder.add(value, { kind: "select", columns: new Int32Array(0) });
  return builder.add(none, { kind: "linear", weights: new Float64Array(0), bias: numbers });
}

function constantOf(estimator: Estimator, labels: readonly (string | number)[]): number {
  const constant = NumpyArray.of(estimator.value("constant"))?.values()[0] ?? estimator.value("constant");
  const number = labels.findIndex((label) => label === (typeof constant === "boolean" ? Number(constant) : constant));
  if (number < 0) throw estimator.damaged("constant", "is none of the classes");
  return number;
}
