import { NumpyArray, plainValue } from "../../codec/pickle/numpy-array.ts";
import type { PickleValue } from "../../codec/pickle/pickle-value.ts";
import type { LookupTable } from "../../model/tabular/tabular-program.ts";
import { sharedFloats } from "../shared-arrays.ts";
import { namesOf } from "./columns-of.ts";
import type { Estimator } from "./estimator.ts";
import type { ProgramBuilder } from "./program-builder.ts";
import { mixedRows, numberRows, type Rows } from "./rows.ts";

/** The categories of a column, as keys of a table. */
interface Categories {
  readonly type: "texts" | "numbers";
  readonly keys: readonly (string | number | null)[];
  /** The place of NaN among the keys; None is another. -1 where it is none. */
  readonly nan: number;
}

type Missing = LookupTable["missing"];

/** OneHotEncoder. Of the categories that are seldom, where they share a column, that column is the last. */
export function oneHotEncoder(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  if (estimator.isTrue("_legacy_mode"))
    throw estimator.uncovered("the mode from before 0.20 is not covered: pass categories='auto'");
  const columns = categoriesOf(estimator);
  const infrequent = infrequentCodes(estimator, columns);
  const dropped = droppedCodes(estimator, columns.length);
  const unknown = estimator.text("handle_unknown");
  const sizes = new Int32Array(columns.length);
  const tables = columns.map(({ keys }, column): LookupTable => {
    const grouped = infrequent[column];
    const drop = dropped[column];
    const codes = Float64Array.from(keys, (_, i) => grouped?.codes[i] ?? i);
    const size = grouped?.size ?? keys.length;
    if (drop !== undefined && drop >= size) throw estimator.damaged("drop_idx_", `is ${drop} of ${size} categories`);
    sizes[column] = drop === undefined ? size : size - 1;
    const after = (code: number) => (drop === undefined || code < drop ? code : code === drop ? -1 : code - 1);
    const otherwise: Missing =
      unknown === "error"
        ? "refused"
        : (unknown === "infrequent_if_exist" || unknown === "warn") && grouped !== undefined
          ? after(grouped.size - 1)
          : -1;
    return { keys, codes: codes.map(after), unknown: otherwise, missing: otherwise };
  });
  const codes = encoded(estimator, rows, columns, tables, builder);
  return numberRows(
    builder.add(codes, { kind: "one-hot", sizes }),
    sizes.reduce((sum, size) => sum + size, 0),
  );
}

/** OrdinalEncoder. */
export function ordinalEncoder(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const columns = categoriesOf(estimator);
  const infrequent = infrequentCodes(estimator, columns);
  const unknown: Missing =
    estimator.text("handle_unknown") === "use_encoded_value" ? estimator.number("unknown_value") : "refused";
  const missing = estimator.number("encoded_missing_value", Number.NaN);
  const tables = columns.map(({ keys, nan }, column): LookupTable => {
    const codes = Float64Array.from(keys, (_, i) => (i === nan ? missing : (infrequent[column]?.codes[i] ?? i)));
    return { keys, codes, unknown, missing: unknown };
  });
  return numberRows(encoded(estimator, rows, columns, tables, builder), columns.length);
}

/** TargetEncoder: the target's mean in each category, of each class where there are more than two. */
export function targetEncoder(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const columns = categoriesOf(estimator);
  builder.columns(estimator, rows);
  const encodings = estimator.list("encodings_").map((each) => NumpyArray.of(each)?.numbers());
  const means = estimator.array("target_mean_")?.numbers() ?? Float64Array.of(estimator.number("target_mean_"));
  const classes = means.length;
  if (encodings.length !== columns.length * classes) throw estimator.damaged("encodings_", "are of other columns");
  const places = encodings.map((_, i) => Math.floor(i / classes));
  const tables = encodings.map((codes, i): LookupTable => {
    const { keys } = columns[places[i]];
    if (codes?.length !== keys.length) throw estimator.damaged("encodings_", "are of other categories");
    return { keys, codes, unknown: means[i % classes], missing: means[i % classes] };
  });
  // Each column once for each class.
  const repeated = classes === 1 ? rows : builder.select(rows, places);
  const value = encoded(
    estimator,
    repeated,
    places.map((place) => columns[place]),
    tables,
    builder,
  );
  return numberRows(value, tables.length);
}

/** KBinsDiscretizer: numbers of bins, or a column for each bin. */
export function kBinsDiscretizer(estimator: Estimator, rows: Rows, builder: ProgramBuilder): Rows {
  const { value: from, columns } = builder.numbers(estimator, rows);
  const all = estimator.list("bin_edges_").map((edges) => NumpyArray.of(edges)?.numbers());
  if (all.length !== columns) throw estimator.damaged("bin_edges_", `is of ${all.length} columns, not ${columns}`);
  // What is below the first edge is in the first bin, and what is above the last in the last.
  const inner = all.map((edges) => {
    if (edges === undefined || edges.length < 2) throw estimator.damaged("bin_edges_", "has a column without edges");
    return edges.subarray(1, -1);
  });
  const starts = new Int32Array(columns + 1);
  for (const [column, edges] of inner.entries()) starts[column + 1] = starts[column] + edges.length;
  const edges = new Float64Array(starts[columns]);
  for (const [column, own] of inner.entries()) edges.set(own, starts[column]);
  const finite = builder.link(from, { kind: "finite", nan: "refused" });
  // Before 1.1 what was just below an edge counted as on it.
  const codes = builder.add(finite, { kind: "bins", edges: sharedFloats(edges), starts, slack: !estimator.isSince(1, 1) });
  if (estimator.text("encode") === "ordinal") return numberRows(codes, columns);
  const sizes = Int32Array.from(inner, (own) => own.length + 1);
  return numberRows(builder.add(codes, { kind: "one-hot", sizes }), edges.length + columns);
}

/** Codes of columns, each of its own type. */
function encoded(
  estimator: Estimator,
  rows: Rows,
  columns: readonly Categories[],
  tables: readonly LookupTable[],
  builder: ProgramBuilder,
): string {
  const count = builder.columns(estimator, rows);
  if (count !== columns.length) throw estimator.damaged("categories_", `are of ${columns.length} columns, not ${count}`);
  const names = namesOf(estimator, columns.length) ?? rows.names;
  const what = columns.map((_, column) => `column "${names?.[column] ?? column}"`.slice(0, 100));
  const look = (type: Categories["type"], part: Rows, first: number, end: number) =>
    builder.add((type === "texts" ? builder.texts(estimator, part) : builder.numbers(estimator, part)).value, {
      kind: "lookup",
      tables: tables.slice(first, end),
      what: what.slice(first, end),
    });
  if (columns.every(({ type }) => type === columns[0].type)) return look(columns[0].type, rows, 0, columns.length);
  const parts = columns.map(({ type }, i) => numberRows(look(type, builder.select(rows, [i]), i, i + 1), 1));
  return builder.numbers(estimator, mixedRows(parts)).value;
}

/** The categories of each column. @throws ServingError data-loss for those that are neither texts nor numbers */
function categoriesOf(estimator: Estimator): readonly Categories[] {
  return estimator.list("categories_").map((value): Categories => {
    const array = NumpyArray.of(value);
    if (array === undefined) throw estimator.damaged("categories_", "are no arrays");
    const keys = array.values().map((key) => (typeof key === "boolean" ? Number(key) : key));
    const isText = keys.some((key) => typeof key === "string");
    // None and NaN are a missing text, and a missing number.
    const plain = keys.map((key) => (isMissing(key) ? (isText ? null : Number.NaN) : key));
    if (!plain.every((key) => key === null || typeof key === (isText ? "string" : "number"))) {
      throw estimator.uncovered("categories of both texts and numbers are not covered");
    }
    const nan = keys.findIndex((key) => Number.isNaN(key));
    return { type: isText ? "texts" : "numbers", keys: plain as readonly (string | number | null)[], nan };
  });
}

/** By column, the codes of categories of which those that are seldom share the last; undefined for a column that has none. */
function infrequentCodes(
  estimator: Estimator,
  columns: readonly Categories[],
): readonly ({ readonly codes: Float64Array; readonly size: number } | undefined)[] {
  const mappings = estimator.value("_default_to_infrequent_mappings");
  if (!estimator.isTrue("_infrequent_enabled") || !Array.isArray(mappings)) return [];
  return mappings.map((mapping, column) => {
    const codes = NumpyArray.of(mapping)?.numbers();
    if (codes === undefined) return undefined;
    if (
      codes.length !== columns[column]?.keys.length ||
      !codes.every((code) => Number.isInteger(code) && code >= 0 && code < codes.length)
    ) {
      throw estimator.damaged("_default_to_infrequent_mappings", "are of other categories");
    }
    return { codes, size: codes.reduce((most, code) => Math.max(most, code), 0) + 1 };
  });
}

/** By column, the code that has no column of its own; undefined where all have. */
function droppedCodes(estimator: Estimator, columns: number): readonly (number | undefined)[] {
  const key = estimator.value("_drop_idx_after_grouping") === null ? "drop_idx_" : "_drop_idx_after_grouping";
  if (estimator.value(key) === null) return [];
  const codes = estimator.list(key).map((code) => plainValue(code));
  if (codes.length !== columns) throw estimator.damaged(key, "is of other columns");
  return codes.map((code) => {
    if (code === null) return undefined;
    if (typeof code !== "number" || !Number.isInteger(code) || code < 0)
      throw estimator.damaged(key, "is no number of a category");
    return code;
  });
}

function isMissing(key: PickleValue): boolean {
  return key === null || (typeof key === "number" && Number.isNaN(key));
}
