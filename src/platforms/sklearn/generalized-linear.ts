import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, matrixAnswer, plainAnswers, regressed, vectorAnswer } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import { coefficientsOf, interceptOf } from "./linear-models.ts";
import { columnwise, product } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** PoissonRegressor, GammaRegressor and TweedieRegressor: the exponential of a line, or a line. */
export function generalizedLinear(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const coefficients = coefficientsOf(estimator, columns);
  const line = product(builder.finite(value), coefficients, interceptOf(estimator, coefficients.rows), builder);
  return regressed(hasLogLink(estimator) ? builder.link(line, { kind: "exp" }) : line);
}

function hasLogLink(estimator: Estimator): boolean {
  if (estimator.name !== "TweedieRegressor") return true;
  const link = estimator.text("link");
  if (link === "auto") return estimator.number("power") > 0;
  if (link !== "log" && link !== "identity") throw estimator.uncovered(`link="${link.slice(0, 50)}" is not covered`);
  return link === "log";
}

/** SGDOneClassSVM: 1 from an offset on, else -1. */
export function linearOneClass(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const from = builder.finite(value);
  const scores = product(from, coefficientsOf(estimator, columns), new Float64Array(1), builder);
  const decision = columnwise(scores, "subtract", estimator.numbers("offset_", 1), builder);
  const number = builder.link(decision, { kind: "step-from-zero" });
  return plainAnswers(
    ["predict", vectorAnswer(builder.add(number, { kind: "labels", labels: [-1, 1] }), "int32")],
    ["decision_function", vectorAnswer(decision)],
    ["score_samples", vectorAnswer(scores)],
  );
}

/** PLSRegression, PLSCanonical and CCA. */
export function partialLeastSquares(estimator: Estimator, { value, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const from = builder.finite(value);
  // The means were public once.
  const own = (key: string) => estimator.numbers(estimator.value(`_${key}`) === null ? `${key}_` : `_${key}`);
  const centred = columnwise(from, "subtract", fits(estimator, own("x_mean"), columns, "x_mean"), builder);
  const scaled = columnwise(centred, "divide", fits(estimator, own("x_std"), columns, "x_std"), builder);
  const rotations = estimator.table("x_rotations_");
  const components = rotations.columns;
  if (rotations.rows !== columns) throw estimator.damaged("x_rotations_", `has ${rotations.rows} rows, not ${columns}`);
  const scores = builder.add(scaled, {
    kind: "linear",
    weights: sharedFloats(rotations.data),
    bias: new Float64Array(components),
  });
  // Since 1.1 there is an intercept, and the coefficients lie the other way round; since 1.5 the columns' scale is in them.
  const isNew = estimator.array("intercept_") !== undefined;
  const key = estimator.array("_coef_") === undefined ? "coef_" : "_coef_";
  const targets = isNew ? estimator.numbers("intercept_").length : own("y_mean").length;
  const coefficients = estimator.numbers(key, targets * columns);
  const bias = isNew ? estimator.numbers("intercept_") : own("y_mean");
  const predicted = isNew
    ? product(estimator.isSince(1, 5) ? centred : scaled, { rows: targets, columns, data: coefficients }, bias, builder)
    : builder.add(scaled, { kind: "linear", weights: sharedFloats(coefficients), bias: sharedFloats(bias) });
  const isVector = estimator.isTrue("_predict_1d");
  return {
    ...regressed(predicted, isVector ? 0 : targets),
    methods: new Map([
      ["predict", isVector ? vectorAnswer(predicted) : matrixAnswer(predicted, targets)],
      ["transform", matrixAnswer(scores, components)],
    ]),
  };
}

function fits(estimator: Estimator, numbers: Float64Array, columns: number, key: string): Float64Array {
  if (numbers.length !== columns) throw estimator.damaged(key, `has ${numbers.length} numbers, not ${columns}`);
  return numbers;
}
