import type { PmmlFunctionName, PmmlType, PmmlValue } from "../../../model/tabular/pmml-fields.ts";
import { castPmmlValue, daysToYear, pmmlText } from "../../../model/tabular/pmml-values.ts";
import { formatDatetime, formatNumber } from "./formats.ts";
import { toNumber } from "./function-values.ts";
import { RowFault } from "./row.ts";

const DAY = 86_400;

type Make = (types: readonly PmmlType[]) => (args: readonly PmmlValue[]) => PmmlValue;

const FUNCTIONS: ReadonlyMap<PmmlFunctionName, Make> = new Map<PmmlFunctionName, Make>([
  [
    "uppercase",
    ([type]) =>
      ([value]) =>
        pmmlText(value, type).toUpperCase(),
  ],
  [
    "lowercase",
    ([type]) =>
      ([value]) =>
        pmmlText(value, type).toLowerCase(),
  ],
  [
    "trimBlanks",
    ([type]) =>
      ([value]) =>
        pmmlText(value, type).trim(),
  ],
  [
    "stringLength",
    ([type]) =>
      ([value]) =>
        pmmlText(value, type).length,
  ],
  [
    "substring",
    ([type]) =>
      ([value, start, length]) =>
        substring(pmmlText(value, type), toNumber(start), toNumber(length)),
  ],
  ["replace", replace],
  ["matches", matches],
  [
    "formatNumber",
    (types) =>
      ([value, pattern]) =>
        formatNumber(toNumber(value), pmmlText(pattern, types[1])),
  ],
  [
    "formatDatetime",
    (types) =>
      ([value, pattern]) =>
        formatDatetime(toNumber(value), types[0], pmmlText(pattern, types[1])),
  ],
  [
    "dateDaysSinceYear",
    ([type]) =>
      ([value, year]) =>
        dated(value, type, "date") - daysToYear(toNumber(year)),
  ],
  [
    "dateSecondsSinceYear",
    ([type]) =>
      ([value, year]) =>
        Math.floor(dated(value, type, "dateTime")) - daysToYear(toNumber(year)) * DAY,
  ],
  [
    "dateSecondsSinceMidnight",
    ([type]) =>
      ([value]) =>
        Math.floor(dated(value, type, "time")),
  ],
]);

/** A function of texts, dates and times. @throws Error for a name that the reader lets not through */
export function textFunction(name: PmmlFunctionName, types: readonly PmmlType[]): (args: readonly PmmlValue[]) => PmmlValue {
  const make = FUNCTIONS.get(name);
  if (make === undefined) throw new Error(`there is no function "${name}"`);
  return make(types);
}

function replace(types: readonly PmmlType[]): (args: readonly PmmlValue[]) => string {
  const patterns = new Patterns("g");
  return ([value, find, put]) => {
    const replacement = pmmlText(put, types[2]);
    const pattern = patterns.get(pmmlText(find, types[1]));
    return pmmlText(value, types[0]).replace(pattern, (...found: string[]) => filled(replacement, found));
  };
}

function matches(types: readonly PmmlType[]): (args: readonly PmmlValue[]) => boolean {
  const patterns = new Patterns("");
  return ([value, find]) => patterns.get(pmmlText(find, types[1])).test(pmmlText(value, types[0]));
}

/** The first character is the first. */
function substring(text: string, start: number, length: number): string {
  if (start < 1 || length < 0) throw new RowFault(`the function "substring" takes a start from 1 on and a length from 0 on`);
  return text.slice(start - 1, start - 1 + length);
}

/** `$1` is what the first group found, `\$` a dollar sign. */
function filled(replacement: string, found: readonly string[]): string {
  return replacement.replace(/\\(.)|\$(\d)/g, (_, plain: string | undefined, group: string | undefined) => {
    return plain ?? found[Number(group)] ?? "";
  });
}

function dated(value: PmmlValue, type: PmmlType, wanted: PmmlType): number {
  const made = castPmmlValue(value, type, wanted);
  if (typeof made !== "number") throw new RowFault(`a function of dates takes a ${wanted}, not a ${type}`);
  return made;
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
