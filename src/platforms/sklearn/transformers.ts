import { sharedFloats } from "../shared-arrays.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { type NumberRows, numberRows } from "./rows.ts";

/** StandardScaler. */
export function standardScaler(
  estimator: Estimator,
  { value: from, columns, names }: NumberRows,
  builder: ProgramBuilder,
): NumberRows {
  let value = builder.link(from, { kind: "finite", nan: "allowed" });
  if (estimator.isTrue("with_mean")) value = byColumn(estimator, "mean_", "subtract", value, columns, builder);
  if (estimator.isTrue("with_std")) value = byColumn(estimator, "scale_", "divide", value, columns, builder);
  return numberRows(value, columns, names);
}

/** MinMaxScaler. */
export function minMaxScaler(
  estimator: Estimator,
  { value: from, columns, names }: NumberRows,
  builder: ProgramBuilder,
): NumberRows {
  let value = builder.link(from, { kind: "finite", nan: "allowed" });
  value = byColumn(estimator, "scale_", "multiply", value, columns, builder);
  value = byColumn(estimator, "min_", "add", value, columns, builder);
  if (!estimator.isTrue("clip")) return numberRows(value, columns, names);
  const range = estimator.value("feature_range");
  const [least, most] = Array.isArray(range) ? range : [];
  if (typeof least !== "number" || typeof most !== "number") throw estimator.damaged("feature_range", "is no pair of numbers");
  return numberRows(builder.link(value, { kind: "clip", least, most }), columns, names);
}

/** MaxAbsScaler. */
export function maxAbsScaler(
  estimator: Estimator,
  { value: from, columns, names }: NumberRows,
  builder: ProgramBuilder,
): NumberRows {
  // From 1.8 on it may clip.
  if (estimator.isTrue("clip")) throw estimator.uncovered("clip=True is not covered");
  const value = builder.link(from, { kind: "finite", nan: "allowed" });
  return numberRows(byColumn(estimator, "scale_", "divide", value, columns, builder), columns, names);
}

/** RobustScaler. */
export function robustScaler(
  estimator: Estimator,
  { value: from, columns, names }: NumberRows,
  builder: ProgramBuilder,
): NumberRows {
  let value = builder.link(from, { kind: "finite", nan: "allowed" });
  if (estimator.isTrue("with_centering")) value = byColumn(estimator, "center_", "subtract", value, columns, builder);
  if (estimator.isTrue("with_scaling")) value = byColumn(estimator, "scale_", "divide", value, columns, builder);
  return numberRows(value, columns, names);
}

/** PCA. */
export function pca(estimator: Estimator, { value: from, columns }: NumberRows, builder: ProgramBuilder): NumberRows {
  const components = estimator.table("components_", columns);
  const weights = new Float64Array(components.data.length);
  const { rows } = components;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) weights[column * rows + row] = components.data[row * columns + column]!;
  }
  let value = builder.link(from, { kind: "finite", nan: "refused" });
  value = byColumn(estimator, "mean_", "subtract", value, columns, builder);
  value = builder.add(value, { kind: "linear", weights: sharedFloats(weights), bias: new Float64Array(rows) });
  if (estimator.isTrue("whiten")) {
    const by = estimator.numbers("explained_variance_", rows).map((variance) => Math.sqrt(variance));
    value = builder.add(value, { kind: "columns", does: "divide", by: sharedFloats(by) });
  }
  return numberRows(value, rows);
}

function byColumn(
  estimator: Estimator,
  key: string,
  does: "add" | "subtract" | "multiply" | "divide",
  from: string,
  columns: number,
  builder: ProgramBuilder,
): string {
  return builder.add(from, { kind: "columns", does, by: sharedFloats(estimator.numbers(key, columns)) });
}
