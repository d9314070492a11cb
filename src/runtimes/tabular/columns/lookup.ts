import { ServingError } from "../../../base/serving-error.ts";
import type { LookupTable } from "../../../model/tabular/tabular-program.ts";
import type { Matrix, Texts } from "../matrix.ts";

/** The label with the number that each row has; a number that is none of a label's is answered as missing. */
export function labels(names: readonly (string | number)[], { rows, width, data }: Matrix): Matrix | Texts {
  if (names.some((name) => typeof name === "string")) {
    return { rows, width, texts: Array.from(data, (number) => (names[number] === undefined ? null : String(names[number]))) };
  }
  return { rows, width, data: Float64Array.from(data, (number) => (names[number] as number | undefined) ?? Number.NaN) };
}

/**
 * Makes codes of texts or numbers, by the table of each column.
 * @param what names of columns, for errors
 */
export function lookup(tables: readonly LookupTable[], what: readonly string[]): (value: Matrix | Texts) => Matrix {
  const columns = tables.map(codesOf);
  return (value) => {
    const { rows, width } = value;
    const given: ArrayLike<string | number | null> = "texts" in value ? value.texts : value.data;
    const codes = new Float64Array(rows * width);
    for (let i = 0; i < codes.length; i++) {
      const column = i % width;
      const key = given[i];
      const code = columns[column].get(key) ?? (isMissing(key) ? tables[column].missing : tables[column].unknown);
      if (code === "refused") throw refused(what[column] ?? `column ${column}`, key);
      codes[i] = code;
    }
    return { rows, width, data: codes };
  };
}

/** For each column as many as `sizes` says, of which the one with the code's number is 1. */
export function oneHot(sizes: Int32Array, { rows, width, data }: Matrix): Matrix {
  const starts = new Int32Array(width + 1);
  for (let column = 0; column < width; column++) starts[column + 1] = starts[column] + sizes[column];
  const all = starts[width];
  const hot = new Float64Array(rows * all);
  for (let i = 0; i < data.length; i++) {
    const column = i % width;
    const code = data[i];
    if (code >= 0 && code < sizes[column]) hot[Math.floor(i / width) * all + starts[column] + code] = 1;
  }
  return { rows, width: all, data: hot };
}

/** Keys are compared as a Map does: NaN is NaN, and -0 is 0. */
function codesOf({ keys, codes }: LookupTable): ReadonlyMap<string | number | null, number> {
  const found = new Map<string | number | null, number>();
  for (const [i, key] of keys.entries()) if (!found.has(key)) found.set(key, codes?.[i] ?? i);
  return found;
}

function isMissing(value: string | number | null): boolean {
  return value === null || Number.isNaN(value);
}

function refused(what: string, value: string | number | null): ServingError {
  const text = isMissing(value) ? "a missing value" : JSON.stringify(value).slice(0, 100);
  return new ServingError("invalid-argument", `${what} has ${text}, which the model does not know`);
}
