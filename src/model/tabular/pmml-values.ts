import type { PmmlType, PmmlValue } from "./pmml-fields.ts";

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?$/;
const NAMED_NUMBERS: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["INF", Number.POSITIVE_INFINITY],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["+INF", Number.POSITIVE_INFINITY],
  ["-INF", Number.NEGATIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);
const DAY = 86_400;
const DATE = /^(-?\d{4,6})-(\d\d)-(\d\d)$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?$/;

/** Whether values of a type are numbers that a request has as numbers. */
export function isNumberType(type: PmmlType): boolean {
  return type === "integer" || type === "float" || type === "double";
}

/** Whether values of a type are numbers, dates and times among them. */
export function isNumeric(type: PmmlType): boolean {
  return type !== "string" && type !== "boolean";
}

/** A number as XML Schema writes it; undefined for another text. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return Number(trimmed.replace(/[dDfF]$/, ""));
  return NAMED_NUMBERS.get(trimmed);
}

/** The value of a type that a text writes; undefined for a text that is none. */
export function parsePmmlValue(text: string, type: PmmlType): PmmlValue | undefined {
  switch (type) {
    case "string":
      return text;
    case "boolean":
      return parseBoolean(text.trim());
    case "double":
      return parseNumber(text);
    case "float": {
      const value = parseNumber(text);
      return value === undefined ? undefined : Math.fround(value);
    }
    case "integer": {
      const value = parseNumber(text);
      return value !== undefined && Number.isInteger(value) ? value : undefined;
    }
    case "date":
      return parseDate(text.trim());
    case "time":
      return parseTime(text.trim());
    case "dateTime":
      return parseDateTime(text.trim());
    case "timeSeconds":
      break;
  }
  return parseSince(text.trim(), type);
}

/** A value of one type as one of another; undefined where it is none: 2.5 as an integer. */
export function castPmmlValue(value: PmmlValue, from: PmmlType, to: PmmlType): PmmlValue | undefined {
  if (from === to) return value;
  if (typeof value === "string") return parsePmmlValue(value, to);
  if (to === "string") return pmmlText(value, from);
  if (typeof value === "boolean") return isNumeric(to) ? Number(value) : value;
  switch (to) {
    case "boolean":
      return value === 1 ? true : value === 0 ? false : undefined;
    case "double":
      return value;
    case "float":
      return Math.fround(value);
    case "integer":
      return Number.isInteger(value) ? value : undefined;
    case "date":
      return from === "dateTime" ? Math.floor(value / DAY) : undefined;
    case "time":
      return from === "dateTime" ? modulo(value, DAY) : undefined;
    case "dateTime":
      return from === "date" ? value * DAY : undefined;
    case "timeSeconds":
      break;
  }
  return castSince(value, from, to);
}

/** A value as text, numbers as PMML's usual engine in Java writes them: `7.0` for a double, `7` for an integer. */
export function pmmlText(value: PmmlValue, type: PmmlType): string {
  if (typeof value !== "number") return String(value);
  switch (type) {
    case "double":
      return realText(value, String(Math.abs(value)));
    case "float":
      return realText(value, shortestFloat(Math.abs(value)));
    case "date":
      return dateText(value);
    case "time":
      return timeText(value);
    case "dateTime":
      return `${dateText(Math.floor(value / DAY))}T${timeText(modulo(value, DAY))}`;
    case "string":
    case "boolean":
    case "integer":
    case "timeSeconds":
      break;
  }
  return String(value);
}

/** The float64 that a float32 is written as: 0.1 for the one that is nearest to it. */
export function decimalOfFloat(value: number): number {
  return Number.isFinite(value) ? Math.sign(value) * Number(shortestFloat(Math.abs(value))) : value;
}

/** Days from 1970-01-01 to the first of January of a year. */
export function daysToYear(year: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year);
  return Math.round(date.getTime() / 1000 / DAY);
}

/** The remainder that has the sign of the divisor. */
export function modulo(value: number, by: number): number {
  return value - by * Math.floor(value / by);
}

function parseBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  if (lower === "true" || lower === "1" || lower === "1.0") return true;
  if (lower === "false" || lower === "0" || lower === "0.0") return false;
  return undefined;
}

function parseDate(text: string): number | undefined {
  const found = DATE.exec(text);
  if (found === null) return undefined;
  const [year, month, day] = found.slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const fits = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return fits ? Math.round(date.getTime() / 1000 / DAY) : undefined;
}

function parseTime(text: string): number | undefined {
  const found = TIME.exec(text);
  if (found === null) return undefined;
  const [hours, minutes, seconds] = [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return hours * 3600 + minutes * 60 + seconds + Number(found[4] ?? 0);
}

function parseDateTime(text: string): number | undefined {
  const at = text.indexOf("T");
  const date = parseDate(text.slice(0, at));
  const time = parseTime(text.slice(at + 1));
  return at < 0 || date === undefined || time === undefined ? undefined : date * DAY + time;
}

/** A date or time, or the number that already counts. */
function parseSince(text: string, type: PmmlType): number | undefined {
  const from: PmmlType = type === "timeSeconds" ? "time" : type.startsWith("dateDays") ? "date" : "dateTime";
  const value = parsePmmlValue(text, from);
  return value === undefined ? parseNumber(text) : (castSince(value as number, from, type) as number | undefined);
}

function castSince(value: number, from: PmmlType, to: PmmlType): PmmlValue | undefined {
  const year = Number(/\[(\d+)\]/.exec(to)?.[1] ?? 0);
  if (to === "timeSeconds") return from === "time" || isNumberType(from) ? Math.floor(value) : undefined;
  if (to.startsWith("dateDaysSince")) {
    if (from === "date") return value - daysToYear(year);
    if (from === "dateTime") return Math.floor(value / DAY) - daysToYear(year);
  } else if (to.startsWith("dateTimeSecondsSince")) {
    if (from === "dateTime") return Math.floor(value) - daysToYear(year) * DAY;
    if (from === "date") return (value - daysToYear(year)) * DAY;
  }
  return isNumberType(from) && Number.isInteger(value) ? value : undefined;
}

function dateText(days: number): string {
  return new Date(days * DAY * 1000).toISOString().slice(0, -14);
}

function timeText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const fraction = seconds % 1 === 0 ? "" : (seconds % 1).toFixed(3).slice(1);
  return parts.map((part) => String(part).padStart(2, "0")).join(":") + fraction;
}

/** Digits of the shortest number that rounds to a float32. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

/** With a point, and an exponent from 10^7 on and below 10^-3. */
function realText(value: number, digits: string): string {
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (size === Number.POSITIVE_INFINITY) return `${sign}Infinity`;
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [mantissa, exponent] = Number(digits).toExponential().split("e");
    return `${sign}${mantissa.includes(".") ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
  }
  return `${sign}${digits.includes(".") ? digits : `${digits}.0`}`;
}
