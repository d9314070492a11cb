import type { PmmlField, PmmlFunction, PmmlInterval, PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { isNumeric } from "../../../model/tabular/pmml-values.ts";
import type { Read, ReadNumber } from "./row.ts";
import type { TextWords } from "./text-index.ts";

/** The fields of a document as readers of rows. */
export interface FieldReaders {
  readonly fields: readonly PmmlField[];
  readonly functions: readonly PmmlFunction[];
  /** Texts that text indices took apart. */
  readonly texts: TextWords;
  typeOf(slot: number): PmmlType;
  /** Whether a field takes a value: what is left as it is may be invalid. */
  validity(slot: number): (value: PmmlValue) => boolean;
  /** Reads the field of a slot, which is made of others at the first time. */
  reader(slot: number): Read;
  /** Reads a field as a number: true is 1. */
  number(slot: number): ReadNumber;
  /** Reads what the body of a function gives, once its parameters are set. */
  functionReader(index: number): Read;
}

/** A value as a number, NaN where it is missing or a text. */
export function numberOf(value: PmmlValue | null): number {
  return typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : Number.NaN;
}

/** Whether a number is in an interval. */
export function isWithin({ low, high, lowClosed, highClosed }: PmmlInterval, value: number): boolean {
  return (lowClosed ? value >= low : value > low) && (highClosed ? value <= high : value < high);
}

/** Whether fields of a type are read as numbers. */
export function readsAsNumber(type: PmmlType): boolean {
  return isNumeric(type) || type === "boolean";
}
