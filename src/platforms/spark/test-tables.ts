import type { ParquetColumn } from "../../codec/parquet/parquet-table.ts";
import { DataTable } from "./data-table.ts";

/** A value of a row for tests: lists become lists, however deep. */
export type TestValue = number | string | null | readonly TestValue[];

/** Rows of some columns as if a stage had saved them; `depths` are those of columns whose values are lists. */
export function testTable(columns: Readonly<Record<string, readonly TestValue[]>>): DataTable {
  const entries = Object.entries(columns);
  const made = new Map(entries.map(([name, values]) => [name, columnOf(values)] as const));
  return new DataTable([{ rows: entries[0]?.[1].length ?? 0, columns: made }], "data");
}

function columnOf(values: readonly TestValue[]): ParquetColumn {
  const starts: Int32Array[] = [];
  let level = values;
  while (level.some(Array.isArray)) {
    const places = [0];
    const inner: TestValue[] = [];
    for (const list of level) {
      if (Array.isArray(list)) inner.push(...(list as readonly TestValue[]));
      places.push(inner.length);
    }
    starts.push(Int32Array.from(places));
    level = inner;
  }
  const isText = level.some((value) => typeof value === "string");
  return {
    starts,
    values: isText
      ? (level as readonly (string | null)[])
      : Float64Array.from(level as readonly (number | null)[], (value) => value ?? Number.NaN),
  };
}
