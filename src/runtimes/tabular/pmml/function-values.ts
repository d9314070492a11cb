import type { PmmlComparison, PmmlExpression, PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { castPmmlValue, parseNumber } from "../../../model/tabular/pmml-values.ts";
import { RowFault } from "./row.ts";

/** A built-in function with its arguments. */
export type Apply = PmmlExpression & { readonly kind: "apply" };

/** What comparisons are of numbers. */
export const COMPARES: Record<PmmlComparison, (left: number, right: number) => boolean> = {
  equal: (left, right) => left === right,
  notEqual: (left, right) => left !== right,
  lessThan: (left, right) => left < right,
  lessOrEqual: (left, right) => left <= right,
  greaterThan: (left, right) => left > right,
  greaterOrEqual: (left, right) => left >= right,
};

/** A result in the precision of its type. */
export function rounded(value: number, type: PmmlType): number {
  return type === "float" ? Math.fround(value) : value;
}

/** Whether values of two types are the same. */
export function isEqual(left: PmmlValue, type: PmmlType, right: PmmlValue, other: PmmlType): boolean {
  if (typeof left === typeof right) return left === right;
  return castPmmlValue(right, other, type) === left;
}

/** An argument as a number. @throws RowFault for one that is none */
export function toNumber(value: PmmlValue): number {
  if (typeof value === "number") return value;
  const number = typeof value === "boolean" ? Number(value) : parseNumber(value);
  if (number === undefined) throw new RowFault(`${JSON.stringify(value).slice(0, 80)} is no number`);
  return number;
}

/** An argument as a truth value. @throws RowFault for one that is none */
export function toBoolean(value: PmmlValue): boolean {
  if (typeof value === "boolean") return value;
  const made = castPmmlValue(value, typeof value === "string" ? "string" : "double", "boolean");
  if (typeof made !== "boolean") throw new RowFault(`${JSON.stringify(value).slice(0, 80)} is neither true nor false`);
  return made;
}
