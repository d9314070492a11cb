import type { PmmlComparison, PmmlFunctionName, PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { castPmmlValue } from "../../../model/tabular/pmml-values.ts";
import { erf, normalCdf, normalQuantile } from "../normal-distribution.ts";
import { type Apply, COMPARES, isEqual, rounded, toBoolean, toNumber } from "./function-values.ts";
import { RowFault } from "./row.ts";
import { textFunction } from "./text-functions.ts";

/** A function of values none of which is missing. */
export type Strict = (args: readonly PmmlValue[]) => PmmlValue | null;

type MathFunction = (x: number, y: number, z: number) => number;

const MATH: ReadonlyMap<PmmlFunctionName, MathFunction> = new Map<PmmlFunctionName, MathFunction>([
  ["abs", Math.abs],
  ["log10", Math.log10],
  ["ln", Math.log],
  ["sqrt", Math.sqrt],
  ["exp", Math.exp],
  ["floor", Math.floor],
  ["ceil", Math.ceil],
  ["round", (x) => Math.floor(x + 0.5)],
  ["rint", roundToEven],
  ["expm1", Math.expm1],
  ["ln1p", Math.log1p],
  ["hypot", (x, y) => Math.hypot(x, y)],
  ["sin", Math.sin],
  ["asin", Math.asin],
  ["sinh", Math.sinh],
  ["cos", Math.cos],
  ["acos", Math.acos],
  ["cosh", Math.cosh],
  ["tan", Math.tan],
  ["atan", Math.atan],
  ["tanh", Math.tanh],
  ["atan2", (x, y) => Math.atan2(x, y)],
  ["threshold", (x, y) => Number(x > y)],
  ["erf", erf],
  ["stdNormalCDF", (x) => normalCdf(x)],
  ["stdNormalPDF", (x) => density(x)],
  ["stdNormalIDF", (p) => normalQuantile(p)],
  ["normalCDF", (x, mean, deviation) => normalCdf((x - mean) / deviation)],
  ["normalPDF", (x, mean, deviation) => density((x - mean) / deviation) / deviation],
  ["normalIDF", (p, mean, deviation) => mean + deviation * normalQuantile(p)],
]);

type Make = (types: readonly PmmlType[], apply: Apply) => Strict;

const OTHERS: ReadonlyMap<PmmlFunctionName, Make> = new Map<PmmlFunctionName, Make>([
  [
    "pow",
    (_, { type }) =>
      ([base, exponent]) =>
        rounded(toNumber(base) ** toNumber(exponent), type),
  ],
  [
    "equal",
    (types) =>
      ([left, right]) =>
        isEqual(left, types[0], right, types[1]),
  ],
  [
    "notEqual",
    (types) =>
      ([left, right]) =>
        !isEqual(left, types[0], right, types[1]),
  ],
  ...(["lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual"] as const).map((name): [PmmlFunctionName, Make] => [
    name,
    (types, { order }) => comparison(name, types, order),
  ]),
  ["and", () => (args) => args.every((value) => toBoolean(value))],
  ["or", () => (args) => args.some((value) => toBoolean(value))],
  [
    "not",
    () =>
      ([value]) =>
        !toBoolean(value),
  ],
]);

/** A function that takes no missing value. */
export function strictFunction(apply: Apply): Strict {
  const { function: name } = apply;
  const types = apply.args.map(({ type }) => type);
  const math = MATH.get(name);
  if (math !== undefined) return (args) => math(toNumber(args[0]), toNumber(args[1] ?? 0), toNumber(args[2] ?? 0));
  return OTHERS.get(name)?.(types, apply) ?? textFunction(name, types);
}

function comparison(name: PmmlComparison, types: readonly PmmlType[], order: readonly PmmlValue[] | undefined): Strict {
  const holds = COMPARES[name];
  if (order === undefined) return ([left, right]) => holds(toNumber(left), toNumber(right));
  const places = new Map(order.map((value, i) => [value, i]));
  const place = (value: PmmlValue, at: number): number => {
    const found = places.get(castPmmlValue(value, types[at], types[0]) ?? value);
    if (found === undefined) throw new RowFault(`${JSON.stringify(value).slice(0, 80)} has no place in the order of its field`);
    return found;
  };
  return ([left, right]) => holds(place(left, 0), place(right, 1));
}

function density(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}

/** To the nearest whole number, to the even one of two. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
