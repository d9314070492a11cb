import { ServingError } from "../../base/serving-error.ts";
import { NumpyArray, plainValue } from "../../codec/pickle/numpy-array.ts";
import { PickleObject, type PickleValue } from "../../codec/pickle/pickle-value.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { columnsOf } from "./columns-of.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { mixedRows, numberRows, type Rows } from "./rows.ts";

/** Columns that parts side by side may have. */
const MOST_COLUMNS = 1 << 24;
const MOST_PARTS = 10_000;

/** Names of a data frame's columns, with their places. */
type Names = ReadonlyMap<string, number>;

/** ColumnTransformer: transformers of some columns each, side by side. */
export async function columnTransformer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Rows> {
  const columns = transformerColumns(estimator, rows, builder);
  const names = frameNames(estimator, columns);
  if (rows.kind === "request" && rows.places === undefined && names !== undefined) {
    builder.request.declare(estimator, columns, names);
    builder.request.takeByName();
  }
  const placesByName = new Map(names?.map((name, place) => [name, place] as const));
  const indices = estimator.value("_transformer_to_input_indices");
  const specified = Array.isArray(estimator.value("_columns")) ? estimator.list("_columns") : [];
  const parts: Rows[] = [];
  for (const [i, member] of estimator.list("transformers_").entries()) {
    if (!Array.isArray(member) || member.length !== 3)
      throw estimator.damaged("transformers_", "are no triples of a name, a transformer and columns");
    const [name, transformer, columnsOfMember] = member;
    if (transformer === "drop" || transformer === null) continue;
    const known = indices instanceof Map ? indices.get(name) : undefined;
    const places = placesOf(estimator, known ?? specified[i] ?? columnsOfMember, columns, placesByName);
    if (places.length === 0) continue;
    const own = builder.select(rows, places);
    parts.push(transformer === "passthrough" ? own : await builder.transformed(transformer, own));
    checkColumns(estimator, parts);
  }
  if (parts.length === 0) throw estimator.uncovered("it keeps no column");
  return mixedRows(parts);
}

/** FeatureUnion: what several transformers make of the same rows, side by side. */
export async function featureUnion(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Promise<Rows> {
  const weights = estimator.value("transformer_weights");
  const parts: Rows[] = [];
  for (const member of estimator.list("transformer_list")) {
    if (!Array.isArray(member) || member.length !== 2)
      throw estimator.damaged("transformer_list", "are no pairs of a name and a transformer");
    const [name, transformer] = member;
    if (transformer === "drop" || transformer === null) continue;
    const part = transformer === "passthrough" ? rows : await builder.transformed(transformer, rows);
    const weight = weights instanceof Map ? plainValue(weights.get(name) ?? null) : null;
    parts.push(typeof weight === "number" ? weighted(estimator, part, weight, builder) : part);
    checkColumns(estimator, parts);
  }
  if (parts.length === 0) throw estimator.uncovered("it keeps no column");
  // A whole request among others has no number of columns of its own yet.
  return mixedRows(parts.map((part) => (part.kind === "request" ? builder.sparse(estimator, part) : part)));
}

function checkColumns(estimator: Estimator, parts: readonly Rows[]): void {
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  if (columns > MOST_COLUMNS || parts.length > MOST_PARTS) {
    throw new ServingError(
      "resource-exhausted",
      `${estimator.name}: it has more than ${MOST_PARTS} parts, or ${MOST_COLUMNS} columns`,
    );
  }
}

function weighted(estimator: Estimator, rows: Rows, weight: number, builder: ProgramBuilder): Rows {
  const { value, kind, columns } = builder.sparse(estimator, rows);
  const by = sharedFloats(new Float64Array(columns).fill(weight));
  return { ...numberRows(builder.add(value, { kind: "columns", does: "multiply", by }), columns), kind };
}

function transformerColumns(estimator: Estimator, rows: Rows, builder: ProgramBuilder): number {
  if (rows.kind !== "request" || rows.places !== undefined) return rows.columns;
  const frame = frameNames(estimator, undefined);
  const columns = frame?.length ?? columnsOf(estimator);
  builder.request.declare(estimator, columns, undefined);
  return columns;
}

/** Names of the columns of the data frame that it was trained on. The attribute had other names before 1.0. */
function frameNames(estimator: Estimator, columns: number | undefined): readonly string[] | undefined {
  for (const key of ["feature_names_in_", "_feature_names_in", "_df_columns"]) {
    const names = indexValues(estimator.value(key));
    if (
      names !== undefined &&
      (columns === undefined || names.length === columns) &&
      names.every((name) => typeof name === "string")
    ) {
      return names as readonly string[];
    }
  }
  return undefined;
}

/** The values of an array, or of an index of pandas's, which wraps one. */
function indexValues(value: PickleValue): readonly PickleValue[] | undefined {
  if (value instanceof PickleObject && value.type.module.startsWith("pandas.")) {
    const parts = Array.isArray(value.args) ? value.args[1] : undefined;
    return parts instanceof Map ? NumpyArray.of(parts.get("data"))?.values() : undefined;
  }
  return NumpyArray.of(value)?.values();
}

/** Places of columns that are said by name, by place, by a slice, or by a mask of all. */
function placesOf(estimator: Estimator, specified: PickleValue, columns: number, names: Names): readonly number[] {
  const value = plainValue(specified);
  if (value instanceof PickleObject && value.type.full === "builtins.slice") return sliced(estimator, value.args, columns, names);
  // A list of the remaining columns that warns of its use, in 1.5 to 1.7.
  const list =
    value instanceof PickleObject && value.type.name === "_RemainderColsList" && value.state instanceof Map
      ? value.state.get("data")!
      : value;
  const values = Array.isArray(list) ? list.map((each) => plainValue(each)) : (NumpyArray.of(list)?.values() ?? [list]);
  if (values.length === columns && values.every((each) => typeof each === "boolean")) {
    return values.flatMap((each, place) => (each ? [place] : []));
  }
  return values.map((each) => placeOf(estimator, each, columns, names));
}

function sliced(estimator: Estimator, args: PickleValue, columns: number, names: Names): readonly number[] {
  const [start = null, stop = null, step = null] = Array.isArray(args) ? args : [];
  if (step !== null && step !== 1) throw estimator.uncovered("columns by a slice with a step are not covered");
  // A slice of names has its end in it.
  const first = start === null ? 0 : boundOf(estimator, start, columns, names);
  const end =
    stop === null
      ? columns
      : typeof stop === "string"
        ? placeOf(estimator, stop, columns, names) + 1
        : boundOf(estimator, stop, columns, names);
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
}

function boundOf(estimator: Estimator, bound: PickleValue, columns: number, names: Names): number {
  if (typeof bound === "string") return placeOf(estimator, bound, columns, names);
  if (typeof bound !== "number" || !Number.isInteger(bound))
    throw estimator.damaged("transformers_", "has a slice without bounds");
  return Math.min(columns, Math.max(0, bound < 0 ? bound + columns : bound));
}

function placeOf(estimator: Estimator, column: PickleValue, columns: number, names: Names): number {
  if (typeof column === "string") {
    const place = names.get(column);
    if (place === undefined)
      throw estimator.damaged("transformers_", `has the column "${column.slice(0, 100)}", which is not among its names`);
    return place;
  }
  const place = typeof column === "number" && column < 0 ? column + columns : column;
  if (typeof place !== "number" || !Number.isInteger(place) || place < 0 || place >= columns) {
    throw estimator.uncovered("columns that are neither names nor places, nor a mask, are not covered");
  }
  return place;
}
