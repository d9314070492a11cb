import type { PmmlFunctionName, PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { modulo, pmmlText } from "../../../model/tabular/pmml-values.ts";
import { type Apply, isEqual, rounded, toNumber } from "./function-values.ts";
import { RowFault } from "./row.ts";

/** A function of values of which some may be missing. */
export type Lenient = (args: readonly (PmmlValue | null)[]) => PmmlValue | null;

/** Of two numbers: missing where one is. */
const ARITHMETIC: ReadonlyMap<PmmlFunctionName, (left: number, right: number) => number> = new Map([
  ["+", (left, right) => left + right],
  ["-", (left, right) => left - right],
  ["*", (left, right) => left * right],
  ["/", (left, right) => left / right],
  ["modulo", modulo],
]);

/** Of those numbers that are there: missing where none is. */
const AGGREGATES: ReadonlyMap<PmmlFunctionName, (numbers: readonly number[]) => number> = new Map([
  ["min", (numbers) => numbers.reduce((least, number) => Math.min(least, number))],
  ["max", (numbers) => numbers.reduce((most, number) => Math.max(most, number))],
  ["sum", sum],
  ["avg", (numbers) => sum(numbers) / numbers.length],
  ["product", (numbers) => numbers.reduce((product, number) => product * number, 1)],
  ["median", median],
]);

type Make = (types: readonly PmmlType[], isValid: (value: PmmlValue) => boolean) => Lenient;

const OTHERS: ReadonlyMap<PmmlFunctionName, Make> = new Map<PmmlFunctionName, Make>([
  [
    "isMissing",
    () =>
      ([value]) =>
        value === null,
  ],
  [
    "isNotMissing",
    () =>
      ([value]) =>
        value !== null,
  ],
  [
    "isValid",
    (_, isValid) =>
      ([value]) =>
        value !== null && isValid(value),
  ],
  [
    "isNotValid",
    (_, isValid) =>
      ([value]) =>
        value !== null && !isValid(value),
  ],
  ["isIn", (types) => (args) => isAmong(args, types)],
  ["isNotIn", (types) => (args) => !isAmong(args, types)],
  ["concat", (types) => (args) => args.map((value, i) => (value === null ? "" : pmmlText(value, types[i]))).join("")],
]);

/**
 * A function that knows what to do with missing values; undefined for any other.
 * @param isValid whether a value of the first argument is one that its field takes
 */
export function lenientFunction(
  { function: name, args, type }: Apply,
  isValid: (value: PmmlValue) => boolean,
): Lenient | undefined {
  const compute = ARITHMETIC.get(name);
  if (compute !== undefined) return arithmetic(name, compute, type);
  const aggregate = AGGREGATES.get(name);
  if (aggregate !== undefined) {
    return (values) => {
      const numbers = values.flatMap((value) => (value === null ? [] : [toNumber(value)]));
      return numbers.length === 0 ? null : rounded(aggregate(numbers), type);
    };
  }
  return OTHERS.get(name)?.(
    args.map((arg) => arg.type),
    isValid,
  );
}

function arithmetic(name: string, compute: (left: number, right: number) => number, type: PmmlType): Lenient {
  const divides = type === "integer" && (name === "/" || name === "modulo");
  return ([left, right]) => {
    if (left === null || right === null) return null;
    const by = toNumber(right);
    if (!divides) return rounded(compute(toNumber(left), by), type);
    if (by === 0) throw new RowFault(`the function "${name}" divides by zero`);
    return Math.trunc(compute(toNumber(left), by));
  };
}

function isAmong([value, ...others]: readonly (PmmlValue | null)[], types: readonly PmmlType[]): boolean {
  return value !== null && others.some((other, i) => other !== null && isEqual(value, types[0], other, types[i + 1]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
