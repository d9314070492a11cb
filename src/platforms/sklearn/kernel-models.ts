import { sharedFloats } from "../shared-arrays.ts";
import { type Answers, regressed } from "./answers.ts";
import type { Estimator } from "./estimator.ts";
import { kernelOf, namedKernel, processKernel } from "./kernels.ts";
import { columnwise } from "./members.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import type { NumberRows } from "./rows.ts";

/** KernelRidge. */
export function kernelRidge(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const gamma = estimator.value("gamma") ?? (estimator.text("kernel") === "chi2" ? 1 : 1 / columns);
  if (typeof gamma !== "number") throw estimator.damaged("gamma", "is no number");
  const points = estimator.table("X_fit_", columns);
  const kernel = kernelOf(builder.finite(from), namedKernel(estimator, gamma), points, builder);
  return weighted(estimator, "dual_coef_", kernel, points.rows, builder);
}

/** GaussianProcessRegressor: the mean. */
export function gaussianProcess(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): Answers {
  const points = estimator.table("X_train_", columns);
  const kernel = kernelOf(builder.finite(from), processKernel(estimator.estimator("kernel_"), columns), points, builder);
  const { width, value } = weights(estimator, "alpha_", kernel, points.rows, builder);
  const scaled = columnwise(value, "multiply", scale(estimator, "_y_train_std", 1, width), builder);
  // In 0.18 it was public.
  const key = estimator.value("y_train_mean") === null ? "_y_train_mean" : "y_train_mean";
  const mean = columnwise(scaled, "add", scale(estimator, key, 0, width), builder);
  return regressed(mean, width === 1 ? 0 : width);
}

function weighted(estimator: Estimator, key: string, kernel: string, points: number, builder: ProgramBuilder): Answers {
  const { width, value, isVector } = weights(estimator, key, kernel, points, builder);
  return regressed(value, isVector ? 0 : width);
}

function weights(
  estimator: Estimator,
  key: string,
  kernel: string,
  points: number,
  builder: ProgramBuilder,
): { readonly value: string; readonly width: number; readonly isVector: boolean } {
  const [rows, width = 1] = estimator.array(key)?.shape ?? [];
  if (rows !== points) throw estimator.damaged(key, `has ${rows} rows, not ${points}`);
  const numbers = estimator.numbers(key, points * width);
  const value = builder.add(kernel, { kind: "linear", weights: sharedFloats(numbers), bias: new Float64Array(width) });
  return { value, width, isVector: estimator.array(key)?.shape.length === 1 };
}

/** Numbers of the targets, one for all or one each. */
function scale(estimator: Estimator, key: string, otherwise: number, width: number): Float64Array {
  const numbers = estimator.array(key)?.numbers() ?? Float64Array.of(estimator.number(key, otherwise));
  return numbers.length === width ? numbers : new Float64Array(width).fill(numbers[0] ?? otherwise);
}
