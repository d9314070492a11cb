/** Numbers of rows, one row after the other. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  /** `rows * width` numbers; which class of array tells their precision. */
  readonly data: Float32Array | Float64Array | Int32Array;
}

/** Texts of rows, one row after the other; null for one that is missing. */
export interface Texts {
  readonly rows: number;
  readonly width: number;
  /** `rows * width` texts. */
  readonly texts: readonly (string | null)[];
}

/** Numbers of rows of which most are 0: row `r` has those at `starts[r]` to `starts[r + 1]`, in columns that rise. */
export interface SparseMatrix {
  readonly rows: number;
  readonly width: number;
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/** Words of rows, in their order; null for a text that is missing. */
export interface Words {
  readonly rows: number;
  readonly words: readonly (readonly string[] | null)[];
}

/** What a step of an evaluation works on. */
export type Value = Matrix | Texts | SparseMatrix | Words;

/** Zeros in the same precision as an array. */
export function zerosLike(array: Matrix["data"], length: number): Float32Array | Float64Array {
  return array instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}

/** The rows from `start` to `end` of a value that a program begins with. */
export function rowsOf<Input extends Matrix | Texts>(value: Input, start: number, end: number): Input {
  const [from, to] = [start * value.width, end * value.width];
  return "texts" in value
    ? { ...value, rows: end - start, texts: value.texts.slice(from, to) }
    : { ...value, rows: end - start, data: value.data.subarray(from, to) };
}
