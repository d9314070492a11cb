/** What an estimator gets: a value of the program, of as many rows as the request. */
export interface Rows {
  /** The value's name; meaningless for a request and for what is mixed, whose values are made as estimators ask for them. */
  readonly value: string;
  /**
   * What the value is: a matrix of numbers, a matrix of texts, or a sparse matrix, in whose place there may be one of numbers. "request" is what the model itself is asked, or some of its
   * columns, of which nothing is known but what the estimators that get them know; "mixed" are several of these side by side.
   * `ProgramBuilder.numbers`, `sparse`, `texts` and `document` make of them what an estimator takes.
   */
  readonly kind: "numbers" | "texts" | "sparse" | "request" | "mixed";
  /** Columns of a row; 0 for a whole request. */
  readonly columns: number;
  /** Names of the columns, where they are known. */
  readonly names?: readonly string[];
  /** Of a part of a request: the places of its columns. */
  readonly places?: readonly number[];
  /**
   * Whether the library has a sparse matrix there, of which the estimators of others take what is absent for missing; `isSparseIn` tells.
   * Undefined for no.
   */
  readonly isSparse?: boolean | "unknown";
  /** Columns in which None was a category in training and not what an imputer of NaN fills: null, which is both, is that then. */
  readonly nones?: ReadonlySet<number>;
  /** Of what is mixed: the values side by side. */
  readonly parts?: readonly Rows[];
}

/** Rows that are a matrix of numbers. */
export interface NumberRows extends Rows {
  readonly kind: "numbers";
}

/** Rows that are a matrix of numbers. */
export function numberRows(value: string, columns: number, names?: readonly string[]): NumberRows {
  return { value, kind: "numbers", columns, ...(names === undefined ? {} : { names }) };
}

/** Rows that are a sparse matrix. */
export function sparseRows(value: string, columns: number): Rows {
  return { value, kind: "sparse", columns };
}

/** Rows that are a matrix of texts. */
export function textRows(value: string, columns: number): Rows {
  return { value, kind: "texts", columns };
}

/** Several rows side by side; of one, that itself. */
export function mixedRows(parts: readonly Rows[]): Rows {
  if (parts.length === 1) return parts[0];
  const flat = parts.flatMap((part) => part.parts ?? [part]);
  return { value: "", kind: "mixed", columns: flat.reduce((sum, part) => sum + part.columns, 0), parts: flat };
}
