/** Numbers of rows, one row after the other. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  /** `rows * width` numbers; which class of array tells their precision. */
  readonly data: Float32Array | Float64Array | Int32Array;
}

/** One label of each row. */
export interface Labels {
  readonly rows: number;
  readonly labels: readonly (string | number)[];
}

/** What a step of an evaluation works on. */
export type Value = Matrix | Labels;

/** Zeros in the same precision as an array. */
export function zerosLike(array: Matrix["data"], length: number): Float32Array | Float64Array {
  return array instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}
