import { ServingError } from "../../base/serving-error.ts";
import type { ParquetColumn, ParquetTable } from "../../codec/parquet/parquet-table.ts";

/** Numbers of rows of equal length, one row after the other. */
export interface NumberTable {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Places that lists begin at, one more than there are lists, and what is in them, one after the other. */
export interface Lists<Values> {
  readonly starts: Int32Array;
  readonly values: Values;
}

/** Most numbers that vectors and matrices may have when they are written out: always, and more for each that is there. */
const LEAST_ALLOWED = 2 ** 22;
const ALLOWED_FOR_EACH = 4096;
const MOST_NUMBERS = 2 ** 28;

/** The rows that a stage saved, of all its files. Whatever is not there or not of its kind is a ServingError data-loss that names it. */
export class DataTable {
  readonly rows: number;
  readonly #parts: readonly ParquetTable[];
  readonly #place: string;

  constructor(parts: readonly ParquetTable[], place: string) {
    // Files without rows may lack columns.
    this.#parts = parts.filter(({ rows }) => rows > 0);
    this.#place = place;
    this.rows = this.#parts.reduce((sum, { rows }) => sum + rows, 0);
  }

  has(column: string): boolean {
    return this.#parts.length > 0 && this.#parts.every(({ columns }) => columns.has(column));
  }

  /** Names of columns. */
  get columns(): readonly string[] {
    return [...(this.#parts[0]?.columns.keys() ?? [])];
  }

  /** A number of each row; NaN where it is missing. */
  numbers(column: string): Float64Array {
    return joined(this.#columns(column, 0).map((part) => this.#numbersOf(part, column)));
  }

  /** A number of the only row. @param otherwise what it is where there is no such column */
  number(column: string, otherwise?: number): number {
    if (otherwise !== undefined && !this.has(column)) return otherwise;
    const numbers = this.numbers(column);
    if (numbers.length !== 1) throw this.damaged(column, `is there ${numbers.length} times`);
    return numbers[0];
  }

  /** A text of each row. */
  texts(column: string): readonly string[] {
    return this.#columns(column, 0).flatMap((part) => this.#textsOf(part, column));
  }

  /** A list of numbers of each row. */
  numberLists(column: string): Lists<Float64Array> {
    const parts = this.#columns(column, 1);
    return {
      starts: joinedStarts(parts.map(({ starts }) => starts[0])),
      values: joined(parts.map((part) => this.#numbersOf(part, column))),
    };
  }

  /** A list of texts of each row. */
  textLists(column: string): Lists<readonly string[]> {
    const parts = this.#columns(column, 1);
    return {
      starts: joinedStarts(parts.map(({ starts }) => starts[0])),
      values: parts.flatMap((part) => this.#textsOf(part, column)),
    };
  }

  /** Lists of lists of texts, or of numbers, of the only row. */
  listsOf(column: string): Lists<readonly (string | number | null)[]> {
    const [part] = this.#columns(column, 2);
    if (this.rows !== 1) throw this.damaged(column, `has ${this.rows} rows, not 1`);
    const values: readonly (string | number | null)[] =
      part.values instanceof Float64Array ? Array.from(part.values) : part.values;
    return { starts: part.starts[1], values };
  }

  /** A vector of each row, of which all have one length, written out. @param length how many numbers it has to have */
  vectors(column: string, length?: number): NumberTable {
    return this.#vectors(column, 0, length);
  }

  /** The vector of the only row. @param length how many numbers it has to have */
  vector(column: string, length?: number): Float64Array {
    const { rows, data } = this.vectors(column, length);
    if (rows !== 1) throw this.damaged(column, `is there ${rows} times`);
    return data;
  }

  /** The vectors of the only row's list. */
  vectorList(column: string, length?: number): NumberTable {
    return this.#vectors(column, 1, length);
  }

  /** The matrix of the only row, written out. */
  matrix(column: string): NumberTable {
    const [matrix, ...others] = this.#matrices(column, 0);
    if (matrix === undefined || others.length > 0) throw this.damaged(column, `is there ${others.length + 1} times`);
    return matrix;
  }

  /** The matrices of the only row's list. */
  matrixList(column: string): readonly NumberTable[] {
    return this.#matrices(column, 1);
  }

  /** An error of code data-loss. @param what `is there twice` */
  damaged(column: string, what: string): ServingError {
    return new ServingError("data-loss", `${this.#place}: column "${column.slice(0, 100)}" ${what}`);
  }

  #columns(column: string, depth: number): readonly ParquetColumn[] {
    if (this.#parts.length === 0) throw new ServingError("data-loss", `${this.#place} has no rows`);
    return this.#parts.map(({ columns }) => {
      const found = columns.get(column);
      if (found === undefined) throw this.damaged(column, "is not there");
      if (found.starts.length !== depth) throw this.damaged(column, `is a list ${found.starts.length} deep, not ${depth}`);
      return found;
    });
  }

  #numbersOf({ values }: ParquetColumn, column: string): Float64Array {
    if (!(values instanceof Float64Array)) throw this.damaged(column, "has texts, not numbers");
    return values;
  }

  #textsOf({ values }: ParquetColumn, column: string): readonly string[] {
    if (values instanceof Float64Array || !values.every((value) => value !== null))
      throw this.damaged(column, "has something else than texts");
    return values as readonly string[];
  }

  /** Entries of a column at `depth`, with the lists of each where there is one more level. */
  #scalars(column: string, depth: number): Float64Array {
    return joined(this.#columns(column, depth).map((part) => this.#numbersOf(part, column)));
  }

  #innerLists(column: string, depth: number): Lists<Float64Array> {
    const parts = this.#columns(column, depth + 1);
    return {
      starts: joinedStarts(parts.map(({ starts }) => starts[depth])),
      values: joined(parts.map((part) => this.#numbersOf(part, column))),
    };
  }

  #vectors(column: string, depth: number, length: number | undefined): NumberTable {
    const types = this.#scalars(`${column}.type`, depth);
    const sizes = this.#scalars(`${column}.size`, depth);
    const indices = this.#innerLists(`${column}.indices`, depth);
    const values = this.#innerLists(`${column}.values`, depth);
    const rows = types.length;
    const columns = rows === 0 ? 0 : types[0] === 0 ? sizes[0] : values.starts[1] - values.starts[0];
    if (!Number.isInteger(columns) || columns < 0 || columns * rows > mostNumbers(values.values))
      throw this.damaged(column, "has vectors of no possible length");
    if (length !== undefined && columns !== length)
      throw this.damaged(column, `has vectors of ${columns} numbers, not ${length}`);
    const data = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const [from, to] = [values.starts[row], values.starts[row + 1]];
      if (types[row] === 1) {
        if (to - from !== columns) throw this.damaged(column, "has vectors of different lengths");
        data.set(values.values.subarray(from, to), row * columns);
        continue;
      }
      const first = indices.starts[row];
      if (types[row] !== 0 || sizes[row] !== columns || indices.starts[row + 1] - first !== to - from)
        throw this.damaged(column, "has a damaged vector");
      for (let i = 0; i < to - from; i++) {
        const place = indices.values[first + i];
        if (!Number.isInteger(place) || place < 0 || place >= columns) throw this.damaged(column, "has a damaged vector");
        data[row * columns + place] = values.values[from + i];
      }
    }
    return { rows, columns, data };
  }

  #matrices(column: string, depth: number): readonly NumberTable[] {
    const types = this.#scalars(`${column}.type`, depth);
    const [heights, widths] = ["numRows", "numCols"].map((key) => this.#scalars(`${column}.${key}`, depth));
    const turned = this.#scalars(`${column}.isTransposed`, depth);
    const values = this.#innerLists(`${column}.values`, depth);
    const starts = this.#innerLists(`${column}.colPtrs`, depth);
    const places = this.#innerLists(`${column}.rowIndices`, depth);
    let all = 0;
    return Array.from(types, (type, i) => {
      const [rows, columns] = [heights[i], widths[i]];
      all += rows * columns;
      const isSize = (size: number) => Number.isInteger(size) && size >= 0;
      if (!isSize(rows) || !isSize(columns) || !(all <= mostNumbers(values.values)))
        throw this.damaged(column, "has a matrix of no possible size");
      const entry = (lists: Lists<Float64Array>) => lists.values.subarray(lists.starts[i], lists.starts[i + 1]);
      const data = new Float64Array(rows * columns);
      const ok =
        type === 1
          ? plainMatrix(data, rows, columns, turned[i] === 1, entry(values))
          : type === 0 && sparseMatrix(data, rows, columns, turned[i] === 1, entry(starts), entry(places), entry(values));
      if (!ok) throw this.damaged(column, "has a damaged matrix");
      return { rows, columns, data };
    });
  }
}

/** Column by column, or row by row when turned. */
function plainMatrix(data: Float64Array, rows: number, columns: number, isTurned: boolean, values: Float64Array): boolean {
  if (values.length !== data.length) return false;
  if (isTurned) {
    data.set(values);
    return true;
  }
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) data[row * columns + column] = values[column * rows + row];
  return true;
}

/** Of each column, or row when turned, the places and numbers that are not 0. */
function sparseMatrix(
  data: Float64Array,
  rows: number,
  columns: number,
  isTurned: boolean,
  starts: Float64Array,
  places: Float64Array,
  values: Float64Array,
): boolean {
  const [outer, inner] = isTurned ? [rows, columns] : [columns, rows];
  if (starts.length !== outer + 1 || places.length !== values.length) return false;
  for (let line = 0; line < outer; line++) {
    const [from, to] = [starts[line], starts[line + 1]];
    if (!(from >= 0 && from <= to && to <= values.length && Number.isInteger(from) && Number.isInteger(to))) return false;
    for (let i = from; i < to; i++) {
      const place = places[i];
      if (!Number.isInteger(place) || place < 0 || place >= inner) return false;
      data[isTurned ? line * columns + place : place * columns + line] = values[i];
    }
  }
  return true;
}

function mostNumbers({ length }: Float64Array): number {
  return Math.min(MOST_NUMBERS, LEAST_ALLOWED + ALLOWED_FOR_EACH * length);
}

function joined(parts: readonly Float64Array[]): Float64Array {
  if (parts.length === 1) return parts[0];
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function joinedStarts(parts: readonly Int32Array[]): Int32Array {
  if (parts.length === 1) return parts[0];
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length - 1, 1));
  let [at, base] = [0, 0];
  for (const part of parts) {
    for (const start of part) all[at++] = base + start;
    at--;
    base += part[part.length - 1];
  }
  return all;
}
