/** A column of the data frame as the program has it: of numbers, vectors, texts, or lists of words. */
export interface Column {
  readonly kind: "number" | "vector" | "text" | "words";
  /** The value that it is; empty while its width is not known. */
  readonly value: string;
  /** Numbers of a vector; 1 for others. Undefined while it is not known. */
  readonly width: number | undefined;
  /** Whether the value is a sparse matrix. */
  readonly sparse: boolean;
  /** For each number of it how many categories it has, 0 for none, NaN where it has some; undefined where Spark would not know. */
  readonly categories?: readonly number[];
  /** The texts that the numbers stand for. */
  readonly labels?: readonly string[];
  /** Of an unknown width: which input's width decides it, and that width for one of this column's. */
  readonly origin?: WidthOrigin;
  /** Columns of the request that are numbers of this vector as they came: one of them may be a vector instead. */
  readonly raw?: readonly string[];
  /** Its type in answers. Default float64, or string. */
  readonly dtype?: "float64" | "int64";
}

/** Where the width of a column comes from. */
export interface WidthOrigin {
  readonly input: string;
  /** The input's width when this column has `width` numbers; undefined when it cannot have. */
  readonly widthFrom: (width: number) => number | undefined;
}

/** A vector of the request whose width was found out: compiling begins anew with it. */
export class WidthFound extends Error {
  readonly input: string;
  readonly width: number;

  constructor(input: string, width: number) {
    super("the width of an input was found");
    this.input = input;
    this.width = width;
  }
}
