import type { Estimator } from "./estimator.ts";
import { type ProgramBuilder, shared } from "./program-builder.ts";

/** What a transformer makes of rows. */
export interface Transformed {
  readonly value: string;
  readonly columns: number;
}

/** A transformer as steps of a program. @throws ServingError data-loss or unimplemented, which name the transformer */
export type Transformer = (estimator: Estimator, from: string, columns: number, builder: ProgramBuilder) => Transformed;

/** StandardScaler. */
export function standardScaler(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Transformed {
  let value = builder.link(from, { kind: "finite", nan: "allowed" });
  if (estimator.isTrue("with_mean")) value = byColumn(estimator, "mean_", "subtract", value, columns, builder);
  if (estimator.isTrue("with_std")) value = byColumn(estimator, "scale_", "divide", value, columns, builder);
  return { value, columns };
}

/** MinMaxScaler. */
export function minMaxScaler(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Transformed {
  let value = builder.link(from, { kind: "finite", nan: "allowed" });
  value = byColumn(estimator, "scale_", "multiply", value, columns, builder);
  value = byColumn(estimator, "min_", "add", value, columns, builder);
  if (!estimator.isTrue("clip")) return { value, columns };
  const range = estimator.value("feature_range");
  const [least, most] = Array.isArray(range) ? range : [];
  if (typeof least !== "number" || typeof most !== "number") throw estimator.damaged("feature_range", "is no pair of numbers");
  return { value: builder.link(value, { kind: "clip", least, most }), columns };
}

/** MaxAbsScaler. */
export function maxAbsScaler(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Transformed {
  // From 1.8 on it may clip.
  if (estimator.isTrue("clip")) throw estimator.uncovered("clip=True is not covered");
  const value = builder.link(from, { kind: "finite", nan: "allowed" });
  return { value: byColumn(estimator, "scale_", "divide", value, columns, builder), columns };
}

/** RobustScaler. */
export function robustScaler(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Transformed {
  let value = builder.link(from, { kind: "finite", nan: "allowed" });
  if (estimator.isTrue("with_centering")) value = byColumn(estimator, "center_", "subtract", value, columns, builder);
  if (estimator.isTrue("with_scaling")) value = byColumn(estimator, "scale_", "divide", value, columns, builder);
  return { value, columns };
}

/** SimpleImputer of numbers. A column that had nothing to learn from is left out, as scikit-learn does. */
export function simpleImputer(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Transformed {
  if (estimator.isTrue("add_indicator")) throw estimator.uncovered("add_indicator=True is not covered");
  const missing = estimator.value("missing_values");
  if (typeof missing !== "number") throw estimator.uncovered("missing_values is no number, which is not covered");
  const values = estimator.numbers("statistics_", columns);
  const finite = builder.link(from, { kind: "finite", nan: Number.isNaN(missing) ? "allowed" : "refused" });
  const value = builder.add(finite, { kind: "impute", missing, values: shared(values) });
  const kept = Int32Array.from(Array.from(values.keys()).filter((column) => !Number.isNaN(values[column])));
  if (kept.length === columns) return { value, columns };
  return { value: builder.add(value, { kind: "select", columns: kept }), columns: kept.length };
}

/** PCA. */
export function pca(estimator: Estimator, from: string, columns: number, builder: ProgramBuilder): Transformed {
  const components = estimator.table("components_", columns);
  const weights = new Float64Array(components.data.length);
  const { rows } = components;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) weights[column * rows + row] = components.data[row * columns + column]!;
  }
  let value = builder.link(from, { kind: "finite", nan: "refused" });
  value = byColumn(estimator, "mean_", "subtract", value, columns, builder);
  value = builder.add(value, { kind: "linear", weights: shared(weights), bias: new Float64Array(rows) });
  if (estimator.isTrue("whiten")) {
    const by = estimator.numbers("explained_variance_", rows).map((variance) => Math.sqrt(variance));
    value = builder.add(value, { kind: "columns", does: "divide", by: shared(by) });
  }
  return { value, columns: rows };
}

function byColumn(
  estimator: Estimator,
  key: string,
  does: "add" | "subtract" | "multiply" | "divide",
  from: string,
  columns: number,
  builder: ProgramBuilder,
): string {
  return builder.add(from, { kind: "columns", does, by: shared(estimator.numbers(key, columns)) });
}
