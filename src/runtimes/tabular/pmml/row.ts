import type { PmmlValue } from "../../../model/tabular/pmml-fields.ts";

/** What rows have in a column: numbers, NaN for a missing one, or texts, null for a missing one, or lists of texts. */
export type ColumnValues = ArrayLike<number> | readonly (string | null)[] | readonly (readonly (string | null)[] | null)[];

/**
 * The fields of the row that is evaluated, by slot. A field's value is made when somebody asks for it: undefined until then, null where it is
 * missing.
 */
export class Row {
  readonly values: (PmmlValue | null | undefined)[];
  /** Fields as numbers, NaN where they are missing, for what compares many: true once {@link known} is 1. */
  readonly numbers: Float64Array;
  readonly known: Uint8Array;
  /** What the request has, by column. */
  columns: readonly ColumnValues[] = [];
  index = 0;
  /** Conditions of the row that were told by another than their first, for want of a value. */
  surrogates = 0;

  /** Outputs that have no value for want of a prediction: whoever asks for them is refused. */
  readonly lost = new Set<number>();

  constructor(slots: number) {
    this.values = Array.from({ length: slots }, () => undefined);
    this.numbers = new Float64Array(slots);
    this.known = new Uint8Array(slots);
  }

  /** Goes to a row of the columns. */
  begin(index: number): void {
    this.index = index;
    this.values.fill(undefined);
    this.known.fill(0);
    if (this.lost.size > 0) this.lost.clear();
  }

  /** Sets a field that a model gives; undefined is none. */
  give(slot: number, value: PmmlValue | null | undefined): void {
    this.values[slot] = value;
    this.known[slot] = 0;
  }
}

/** Reads a value of a row; null where it is missing. @throws RowFault for a row that the model refuses */
export type Read = (row: Row) => PmmlValue | null;
/** Reads a number of a row; NaN where it is missing. */
export type ReadNumber = (row: Row) => number;

/** Why a row has no answer: the request's error. */
export class RowFault extends Error {
  override readonly name = "RowFault";
}

/** A value in an error. */
export function shown(value: PmmlValue | null): string {
  return value === null ? "a missing value" : JSON.stringify(value).slice(0, 80);
}
