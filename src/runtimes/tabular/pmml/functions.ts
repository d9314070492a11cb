import type { PmmlComparison, PmmlExpression, PmmlFunctionName, PmmlType, PmmlValue } from "../../../model/pmml-fields.ts";
import { castPmmlValue, daysToYear, modulo, parseNumber, pmmlText } from "../../../model/pmml-values.ts";
import { formatDatetime, formatNumber } from "./formats.ts";
import { erf, inverseNormal, normalCdf } from "./normal.ts";
import { type Read, type Row, RowFault } from "./row.ts";

type Apply = PmmlExpression & { readonly kind: "apply" };
/** A function of values none of which is missing. */
type Strict = (args: readonly PmmlValue[]) => PmmlValue | null;
/** A function of values of which some may be missing. */
type Lenient = (args: readonly (PmmlValue | null)[]) => PmmlValue | null;

const DAY = 86_400;

/**
 * Reads what a built-in function gives for a row.
 * @param isValid whether a value of the first argument is one that its field takes
 */
export function applyReader(apply: Apply, args: readonly Read[], isValid: (value: PmmlValue) => boolean): Read {
  const { missing, otherwise, invalid } = apply;
  const evaluate = apply.function === "if" ? branch(args) : whole(apply, args, isValid);
  return (row) => {
    if (missing !== null && args.some((read) => read(row) === null)) return missing;
    const value = evaluate(row);
    if (typeof value === "number" && Number.isNaN(value) && invalid !== "asIs") {
      if (invalid === "returnInvalid") throw new RowFault(`the function "${apply.function}" gives no number`);
      return otherwise;
    }
    return value ?? otherwise;
  };
}

/** Only the branch that counts is evaluated. */
function branch([condition, first, second]: readonly Read[]): Read {
  return (row) => {
    const holds = condition(row);
    if (holds === null) throw missingArgument("if");
    return holds === true ? first(row) : second === undefined ? null : second(row);
  };
}

function whole(apply: Apply, args: readonly Read[], isValid: (value: PmmlValue) => boolean): Read {
  const lenient = lenientFunction(apply, isValid);
  const [first, second] = args;
  if (lenient !== undefined) return (row) => lenient(args.map((read) => read(row)));
  const types = apply.args.map(({ type }) => type);
  const strict = strictFunction(apply, types);
  const check = (value: PmmlValue | null): PmmlValue => {
    if (value === null) throw missingArgument(apply.function);
    return value;
  };
  if (args.length === 1) return (row) => strict([check(first(row))]);
  if (args.length === 2) return (row) => strict([check(first(row)), check(second(row))]);
  return (row: Row) => strict(args.map((read) => check(read(row))));
}

function missingArgument(name: string): RowFault {
  return new RowFault(`the function "${name}" does not take a missing value`);
}

/** Functions that know what to do with missing values. */
function lenientFunction({ function: name, args, type }: Apply, isValid: (value: PmmlValue) => boolean): Lenient | undefined {
  const types = args.map((arg) => arg.type);
  switch (name) {
    case "isMissing":
      return ([value]) => value === null;
    case "isNotMissing":
      return ([value]) => value !== null;
    case "isValid":
      return ([value]) => value !== null && isValid(value);
    case "isNotValid":
      return ([value]) => value !== null && !isValid(value);
    case "+":
    case "-":
    case "*":
    case "/":
    case "modulo": {
      const compute = arithmetic(name, type);
      return ([left, right]) => (left === null || right === null ? null : compute(toNumber(left), toNumber(right)));
    }
    case "min":
    case "max":
    case "sum":
    case "avg":
    case "median":
    case "product": {
      const compute = AGGREGATES[name];
      return (values) => {
        const numbers = values.flatMap((value) => (value === null ? [] : [toNumber(value)]));
        return numbers.length === 0 ? null : rounded(compute(numbers), type);
      };
    }
    case "isIn":
    case "isNotIn":
      return ([value, ...others]) => {
        const isEqualTo = (other: PmmlValue | null, i: number) =>
          value !== null && other !== null && isEqual(value, types[0], other, types[i + 1]);
        return others.some(isEqualTo) === (name === "isIn");
      };
    case "concat":
      return (values) => values.map((value, i) => (value === null ? "" : pmmlText(value, types[i]))).join("");
    default:
      return undefined;
  }
}

const AGGREGATES: Record<"min" | "max" | "sum" | "avg" | "median" | "product", (numbers: readonly number[]) => number> = {
  min: (numbers) => numbers.reduce((least, number) => Math.min(least, number)),
  max: (numbers) => numbers.reduce((most, number) => Math.max(most, number)),
  sum: (numbers) => numbers.reduce((sum, number) => sum + number, 0),
  avg: (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length,
  product: (numbers) => numbers.reduce((product, number) => product * number, 1),
  median: (numbers) => {
    const sorted = numbers.toSorted((a, b) => a - b);
    const half = Math.floor(sorted.length / 2);
    return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  },
};

function strictFunction({ function: name, type, order }: Apply, types: readonly PmmlType[]): Strict {
  const math = MATH.get(name);
  if (math !== undefined) return (args) => math(toNumber(args[0]), toNumber(args[1] ?? 0), toNumber(args[2] ?? 0));
  switch (name) {
    case "pow":
      return ([base, exponent]) => rounded(toNumber(base) ** toNumber(exponent), type);
    case "abs":
      return ([value]) => Math.abs(toNumber(value));
    case "threshold":
      return ([value, limit]) => Number(toNumber(value) > toNumber(limit));
    case "equal":
      return ([left, right]) => isEqual(left, types[0], right, types[1]);
    case "notEqual":
      return ([left, right]) => !isEqual(left, types[0], right, types[1]);
    case "lessThan":
    case "lessOrEqual":
    case "greaterThan":
    case "greaterOrEqual":
      return comparison(name, types, order);
    case "and":
      return (args) => args.every((value) => toBoolean(value));
    case "or":
      return (args) => args.some((value) => toBoolean(value));
    case "not":
      return ([value]) => !toBoolean(value);
    default:
      return textFunction(name, types);
  }
}

type MathFunction = (x: number, y: number, z: number) => number;

const MATH: ReadonlyMap<PmmlFunctionName, MathFunction> = new Map<PmmlFunctionName, MathFunction>([
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
  ["erf", erf],
  ["stdNormalCDF", (x) => normalCdf(x)],
  ["stdNormalPDF", (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)],
  ["stdNormalIDF", (p) => inverseNormal(p)],
  ["normalCDF", (x, mean, deviation) => normalCdf((x - mean) / deviation)],
  [
    "normalPDF",
    (x, mean, deviation) => Math.exp(-((x - mean) ** 2) / (2 * deviation ** 2)) / (Math.sqrt(2 * Math.PI) * deviation),
  ],
  ["normalIDF", (p, mean, deviation) => mean + deviation * inverseNormal(p)],
]);

function textFunction(name: PmmlFunctionName, types: readonly PmmlType[]): Strict {
  const text = (value: PmmlValue, at = 0) => pmmlText(value, types[at]);
  switch (name) {
    case "uppercase":
      return ([value]) => text(value).toUpperCase();
    case "lowercase":
      return ([value]) => text(value).toLowerCase();
    case "trimBlanks":
      return ([value]) => text(value).trim();
    case "stringLength":
      return ([value]) => text(value).length;
    case "substring":
      return ([value, start, length]) => substring(text(value), toNumber(start), toNumber(length));
    case "replace": {
      const patterns = new Patterns("g");
      return ([value, find, put]) =>
        text(value).replace(patterns.get(text(find, 1)), (...found) => replacement(text(put, 2), found));
    }
    case "matches": {
      const patterns = new Patterns("");
      return ([value, find]) => patterns.get(text(find, 1)).test(text(value));
    }
    case "formatNumber":
      return ([value, pattern]) => formatNumber(toNumber(value), text(pattern, 1));
    case "formatDatetime":
      return ([value, pattern]) => formatDatetime(toNumber(value), types[0], text(pattern, 1));
    default:
      return dateFunction(name, types);
  }
}

function dateFunction(name: PmmlFunctionName, [type]: readonly PmmlType[]): Strict {
  const to = (value: PmmlValue, wanted: PmmlType): number => {
    const made = castPmmlValue(value, type, wanted);
    if (typeof made !== "number") throw new RowFault(`the function "${name}" takes a ${wanted}, not a ${type}`);
    return made;
  };
  switch (name) {
    case "dateDaysSinceYear":
      return ([value, year]) => to(value, "date") - daysToYear(toNumber(year));
    case "dateSecondsSinceYear":
      return ([value, year]) => Math.floor(to(value, "dateTime")) - daysToYear(toNumber(year)) * DAY;
    case "dateSecondsSinceMidnight":
      return ([value]) => Math.floor(to(value, "time"));
    default:
      throw new Error(`there is no function "${name}"`);
  }
}

function arithmetic(name: "+" | "-" | "*" | "/" | "modulo", type: PmmlType): (left: number, right: number) => number {
  switch (name) {
    case "+":
      return (left, right) => rounded(left + right, type);
    case "-":
      return (left, right) => rounded(left - right, type);
    case "*":
      return (left, right) => rounded(left * right, type);
    case "modulo":
    case "/": {
      const compute = name === "/" ? (left: number, right: number) => left / right : modulo;
      if (type !== "integer") return (left, right) => rounded(compute(left, right), type);
      return (left, right) => {
        if (right === 0) throw new RowFault(`the function "${name}" divides by zero`);
        return Math.trunc(compute(left, right));
      };
    }
  }
}

function rounded(value: number, type: PmmlType): number {
  return type === "float" ? Math.fround(value) : value;
}

function isEqual(left: PmmlValue, type: PmmlType, right: PmmlValue, other: PmmlType): boolean {
  if (typeof left === typeof right) return left === right;
  return castPmmlValue(right, other, type) === left;
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

/** What comparisons are of numbers. */
export const COMPARES: Record<PmmlComparison, (left: number, right: number) => boolean> = {
  equal: (left, right) => left === right,
  notEqual: (left, right) => left !== right,
  lessThan: (left, right) => left < right,
  lessOrEqual: (left, right) => left <= right,
  greaterThan: (left, right) => left > right,
  greaterOrEqual: (left, right) => left >= right,
};

function toNumber(value: PmmlValue): number {
  if (typeof value === "number") return value;
  const number = typeof value === "boolean" ? Number(value) : parseNumber(value);
  if (number === undefined) throw new RowFault(`${JSON.stringify(value).slice(0, 80)} is no number`);
  return number;
}

function toBoolean(value: PmmlValue): boolean {
  if (typeof value === "boolean") return value;
  const made = castPmmlValue(value, typeof value === "string" ? "string" : "double", "boolean");
  if (typeof made !== "boolean") throw new RowFault(`${JSON.stringify(value).slice(0, 80)} is neither true nor false`);
  return made;
}

/** To the nearest whole number, to the even one of two. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The first character is the first. */
function substring(text: string, start: number, length: number): string {
  if (start < 1 || length < 0) throw new RowFault(`the function "substring" takes a start from 1 on and a length from 0 on`);
  return text.slice(start - 1, start - 1 + length);
}

/** `$1` is what the first group found, `\$` a dollar sign. */
function replacement(pattern: string, found: readonly unknown[]): string {
  return pattern.replace(/\\(.)|\$(\d)/g, (_, plain: string | undefined, group: string | undefined) => {
    return plain ?? String(found[Number(group)] ?? "");
  });
}

/** Regular expressions, of which a function usually has one. */
class Patterns {
  readonly #flags: string;
  #source: string | undefined;
  #pattern = /(?:)/;

  constructor(flags: string) {
    this.#flags = flags;
  }

  get(source: string): RegExp {
    if (source !== this.#source) {
      try {
        this.#pattern = new RegExp(source, `${this.#flags}u`);
      } catch {
        throw new RowFault(`${JSON.stringify(source).slice(0, 80)} is no regular expression that is known here`);
      }
      this.#source = source;
    }
    return this.#pattern;
  }
}
