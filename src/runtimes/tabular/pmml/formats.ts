import type { PmmlType } from "../../../model/tabular/pmml-fields.ts";
import { RowFault } from "./row.ts";

const DAY = 86_400;
/** Characters that a format may widen a number to. */
const MOST_WIDTH = 1000;
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** A number as C's `printf` writes it, by a pattern with one conversion. @throws RowFault for a pattern that is none */
export function formatNumber(value: number, pattern: string): string {
  const found = /^((?:[^%]|%%)*)%([-+ 0,]*)(\d{1,4})?(?:\.(\d{1,3}))?([dieEfFgGs])((?:[^%]|%%)*)$/.exec(pattern);
  if (found === null) throw new RowFault(`the pattern ${JSON.stringify(pattern).slice(0, 80)} is not known`);
  const [, before, flags, width, precision, kind, after] = found;
  const digits = precision === undefined ? 6 : Math.min(100, Number(precision));
  const unsigned = convert(Math.abs(value), kind, precision === undefined ? undefined : digits, value);
  const grouped = flags.includes(",") ? unsigned.replace(/\B(?=(?:\d{3})+(?:\.|$))/g, ",") : unsigned;
  const sign = value < 0 || Object.is(value, -0) ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const least = Math.min(MOST_WIDTH, Number(width ?? 0));
  const plain = sign + grouped;
  const padded = flags.includes("-")
    ? plain.padEnd(least)
    : flags.includes("0")
      ? sign + grouped.padStart(least - sign.length, "0")
      : plain.padStart(least);
  return before.replaceAll("%%", "%") + padded + after.replaceAll("%%", "%");
}

function convert(size: number, kind: string, digits: number | undefined, value: number): string {
  if (!Number.isFinite(size)) return String(size);
  switch (kind) {
    case "d":
    case "i":
      if (!Number.isInteger(value)) throw new RowFault(`${value} is no whole number, which %${kind} needs`);
      return String(size);
    case "f":
    case "F":
      return fixed(size, digits ?? 6);
    case "e":
      return exponential(size, digits ?? 6);
    case "E":
      return exponential(size, digits ?? 6).toUpperCase();
    case "s":
      return String(size);
    default: {
      const places = Math.max(1, digits ?? 6);
      const small = size === 0 || (size >= 1e-4 && size < 10 ** places);
      const whole = size === 0 ? 1 : Math.floor(Math.log10(size)) + 1;
      const text = small ? fixed(size, Math.max(0, places - whole)) : exponential(size, places - 1);
      return kind === "G" ? text.toUpperCase() : text;
    }
  }
}

/** With two digits of the exponent at least. */
function exponential(size: number, digits: number): string {
  if (size === 0) return `${(0).toFixed(digits)}e+00`;
  const [mantissa, exponent] = size.toExponential().split("e");
  const rounded = fixed(Number(mantissa), digits);
  const carried = rounded.startsWith("10");
  const whole = Number(exponent) + (carried ? 1 : 0);
  const sign = whole < 0 ? "-" : "+";
  return `${carried ? fixed(1, digits) : rounded}e${sign}${String(Math.abs(whole)).padStart(2, "0")}`;
}

/** Rounded half up by the digits that tell the number from others, as Java does. */
function fixed(size: number, digits: number): string {
  const [mantissa, power] = size.toExponential().split("e");
  const exponent = Number(power);
  const all = mantissa.replace(".", "");
  // Digits before the point, then those behind it that stay.
  const kept = exponent + 1 + digits;
  if (size >= 1e21 || all.length <= kept) return size.toFixed(digits);
  if (kept < 0) return (0).toFixed(digits);
  const number = BigInt(`0${all.slice(0, kept)}`) + (all[kept] >= "5" ? 1n : 0n);
  const text = String(number).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * A date or time as C's `strftime` writes it, in English.
 * @throws RowFault for a conversion that is not known
 */
export function formatDatetime(value: number, type: PmmlType, pattern: string): string {
  const seconds = type === "date" ? value * DAY : value;
  const date = new Date(seconds * 1000);
  const two = (number: number) => String(number).padStart(2, "0");
  const year = date.getUTCFullYear();
  const hour = date.getUTCHours();
  const parts = new Map<string, () => string>([
    ["%", () => "%"],
    ["n", () => "\n"],
    ["t", () => "\t"],
    ["Y", () => String(year).padStart(4, "0")],
    ["C", () => two(Math.floor(year / 100))],
    ["y", () => two(year % 100)],
    ["m", () => two(date.getUTCMonth() + 1)],
    ["d", () => two(date.getUTCDate())],
    ["e", () => String(date.getUTCDate())],
    ["H", () => two(hour)],
    ["k", () => String(hour)],
    ["I", () => two(hour % 12 || 12)],
    ["l", () => String(hour % 12 || 12)],
    ["M", () => two(date.getUTCMinutes())],
    ["S", () => two(date.getUTCSeconds())],
    ["L", () => String(date.getUTCMilliseconds()).padStart(3, "0")],
    ["p", () => (hour < 12 ? "am" : "pm")],
    ["s", () => String(Math.floor(seconds))],
    [
      "j",
      () =>
        String((date.getTime() - Date.UTC(year, 0, 1)) / 1000 / DAY + 1 - ((date.getTime() / 1000) % DAY) / DAY).padStart(3, "0"),
    ],
    ["B", () => MONTHS[date.getUTCMonth()]],
    ["b", () => MONTHS[date.getUTCMonth()].slice(0, 3)],
    ["h", () => MONTHS[date.getUTCMonth()].slice(0, 3)],
    ["A", () => DAYS[date.getUTCDay()]],
    ["a", () => DAYS[date.getUTCDay()].slice(0, 3)],
    ["Z", () => "UTC"],
    ["z", () => "+0000"],
  ]);
  const whole = new Map([
    ["D", "%m/%d/%y"],
    ["F", "%Y-%m-%d"],
    ["R", "%H:%M"],
    ["T", "%H:%M:%S"],
    ["r", "%I:%M:%S %p"],
    ["c", "%a %b %d %H:%M:%S %Z %Y"],
    ["x", "%m/%d/%y"],
    ["X", "%H:%M:%S"],
  ]);
  return pattern.replace(/%(.)/g, (conversion, letter: string) => {
    const composed = whole.get(letter);
    if (composed !== undefined) return formatDatetime(value, type, composed).replace(/[ap]m$/, (half) => half.toUpperCase());
    const write = parts.get(letter);
    if (write === undefined) throw new RowFault(`the conversion "${conversion}" is not known`);
    return write();
  });
}
