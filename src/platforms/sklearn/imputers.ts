import { PickleName, PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { sharedFloats } from "../shared-arrays.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { mixedRows, type NumberRows, numberRows, type Rows, textRows } from "./rows.ts";

/** SimpleImputer, of numbers or texts. A column that had nothing to learn from is left out, as scikit-learn does. */
export function simpleImputer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const statistics = estimator.list("statistics_").map((each) => (typeof each === "boolean" ? Number(each) : each));
  const columns = builder.columns(estimator, rows);
  if (statistics.length !== columns) throw estimator.damaged("statistics_", `has ${statistics.length} values, not ${columns}`);
  if (statistics.some((each) => typeof each === "string")) return imputedTexts(estimator, rows, statistics, builder);
  if (!statistics.every((each) => each === null || typeof each === "number")) {
    throw estimator.damaged("statistics_", "are neither texts nor numbers");
  }
  const values = Float64Array.from(statistics, (each) => (each === null ? Number.NaN : Number(each)));
  const given = builder.numbers(estimator, rows);
  const missing = missingNumber(estimator);
  const from = builder.link(given.value, { kind: "finite", nan: Number.isNaN(missing) ? "allowed" : "refused" });
  const value = builder.add(from, { kind: "impute", missing, values: sharedFloats(values) });
  const kept = Array.from(values.keys()).filter((column) => !Number.isNaN(values[column]));
  const filled = builder.select(numberRows(value, columns, given.names), kept);
  return withFlags(estimator, filled, { ...given, value: from }, missing, builder);
}

function imputedTexts(estimator: Estimator, rows: Rows, statistics: readonly PickleValue[], builder: ProgramBuilder): Rows {
  const given = builder.texts(estimator, rows);
  const missing = missingText(estimator);
  const isNone = (column: number) => estimator.value("missing_values") !== null && rows.nones?.has(column) === true;
  const values = statistics.map((each, column) => (isNone(column) ? null : typeof each === "string" ? each : ""));
  const value = builder.add(given.value, { kind: "impute-texts", missing, values });
  const kept = [...statistics.keys()].filter((column) => typeof statistics[column] === "string");
  return withFlags(estimator, builder.select(textRows(value, given.columns), kept), given, missing, builder);
}

/** KNNImputer. */
export function knnImputer(estimator: Estimator, { value: from, columns, names }: NumberRows, builder: ProgramBuilder): Rows {
  if (estimator.text("metric") !== "nan_euclidean")
    throw estimator.uncovered("a metric that is not nan_euclidean is not covered");
  const weights = estimator.value("weights");
  if (weights !== "uniform" && weights !== "distance") throw estimator.uncovered("weights by a function are not covered");
  const missing = missingNumber(estimator);
  const points = estimator.table("_fit_X", columns);
  const known = points.data.map((each) => (each === missing ? Number.NaN : each));
  const count = estimator.number("n_neighbors");
  if (!Number.isInteger(count) || count < 1) throw estimator.damaged("n_neighbors", "is no number of neighbours");
  const fallback = columnMeans(known, columns);
  const finite = builder.link(from, { kind: "finite", nan: Number.isNaN(missing) ? "allowed" : "refused" });
  const unknown = builder.add(finite, {
    kind: "impute",
    missing,
    values: sharedFloats(new Float64Array(columns).fill(Number.NaN)),
  });
  const value = builder.add(unknown, {
    kind: "impute-neighbours",
    points: sharedFloats(known),
    count,
    weighted: weights === "distance" ? "by-distance" : "equally",
    fallback: sharedFloats(fallback.map((mean) => (Number.isNaN(mean) ? 0 : mean))),
  });
  const kept = Array.from(fallback.keys()).filter(
    (column) => !Number.isNaN(fallback[column]) || estimator.isTrue("keep_empty_features"),
  );
  return withFlags(
    estimator,
    builder.select(numberRows(value, columns, names), kept),
    numberRows(finite, columns),
    missing,
    builder,
  );
}

/** MissingIndicator. */
export function missingIndicator(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const missing = estimator.value("missing_values");
  // What the columns are is not known: texts where a text stands for what is missing.
  const given =
    typeof missing === "string" || missing === null ? builder.texts(estimator, rows) : builder.numbers(estimator, rows);
  return flags(estimator, given, given.kind === "texts" ? missingText(estimator) : missingNumber(estimator), builder);
}

/** What was filled, and the flags of what was missing behind it where the imputer adds them. */
function withFlags(
  estimator: Estimator,
  filled: Rows,
  given: Rows,
  missing: number | string | null,
  builder: ProgramBuilder,
): Rows {
  if (!estimator.isTrue("add_indicator")) return filled;
  const added = flags(estimator.estimator("indicator_"), given, missing, builder);
  if (added.columns === 0) return filled;
  const all = mixedRows([filled, added]);
  return filled.kind === "numbers" ? builder.numbers(estimator, all) : all;
}

function flags(indicator: Estimator, given: Rows, missing: number | string | null, builder: ProgramBuilder): Rows {
  const columns = Int32Array.from(indicator.numbers("features_"));
  if (!columns.every((column) => column >= 0 && column < given.columns)) throw indicator.damaged("features_", "are no columns");
  return numberRows(builder.add(given.value, { kind: "missing-flags", missing, columns }), columns.length);
}

function missingNumber(estimator: Estimator): number {
  const missing = estimator.value("missing_values");
  // Before 0.22, NaN was a word; None and pandas's NA are NaN in numbers.
  if (missing === "NaN" || missing === null || isNa(missing)) return Number.NaN;
  if (typeof missing !== "number") throw estimator.uncovered("missing_values is no number, which is not covered");
  return missing;
}

function missingText(estimator: Estimator): string | null {
  const missing = estimator.value("missing_values");
  if (typeof missing === "string" || missing === null) return missing;
  if (isNa(missing) || (typeof missing === "number" && Number.isNaN(missing))) return null;
  throw estimator.uncovered("missing_values of texts is neither a text nor NaN, which is not covered");
}

function isNa(value: PickleValue): boolean {
  const name = value instanceof PickleObject ? value.type : value;
  return name instanceof PickleName && name.full === "pandas._libs.missing.NAType";
}

/** Means of what is there; NaN for a column that has nothing. */
function columnMeans(data: Float64Array, columns: number): Float64Array {
  const [sums, counts] = [new Float64Array(columns), new Float64Array(columns)];
  for (const [i, value] of data.entries()) {
    if (Number.isNaN(value)) continue;
    sums[i % columns] += value;
    counts[i % columns]++;
  }
  return sums.map((sum, column) => sum / counts[column]);
}
