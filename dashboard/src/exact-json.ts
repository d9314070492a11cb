// JSON as the server reads and prints it: integers keep all their digits, and NaN and the infinities are numbers.

/** A value. Objects are maps, so that any name may be a key; integers that a double cannot hold exactly are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;

/** An object; of a key given twice the last counts. */
export type JsonObject = ReadonlyMap<string, Json>;

/** Why a text is not JSON, and where: line and column count from 1. */
export class JsonFault extends Error {
  override readonly name = "JsonFault";
}

/** Whether a value is an object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Whether a value is a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

const DEEPEST = 300;
const WORDS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ["null", null],
  ["true", true],
  ["false", false],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);
const BLANKS = /[ \t\r\n]*/y;
const TEXT = /"(?:[^"\\\n]|\\.)*"/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /-?[A-Za-z]+/y;

/** Reads one value. @throws JsonFault */
export function parseJson(text: string): Json {
  let at = 0;

  const fail = (what: string): never => {
    const before = text.slice(0, at).split("\n");
    throw new JsonFault(`line ${before.length}, column ${before.at(-1)!.length + 1}: ${what}`);
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const found = () => (at < text.length ? `"${text.slice(at, at + 12)}"` : "the end");
  const take = (character: string): boolean => {
    match(BLANKS);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const string = (): string => {
    const start = at;
    const quoted = match(TEXT) ?? fail(`expected a text, got ${found()}`);
    try {
      return JSON.parse(quoted) as string;
    } catch {
      at = start;
      return fail("a text with a wrong escape or a control character");
    }
  };
  const list = (depth: number): Json => {
    const items: Json[] = [];
    if (take("]")) return items;
    do items.push(value(depth + 1));
    while (take(","));
    if (!take("]")) fail(`expected , or ], got ${found()}`);
    return items;
  };
  const object = (depth: number): Json => {
    const entries = new Map<string, Json>();
    if (take("}")) return entries;
    do {
      match(BLANKS);
      const key = string();
      if (!take(":")) fail(`expected :, got ${found()}`);
      entries.set(key, value(depth + 1));
    } while (take(","));
    if (!take("}")) fail(`expected , or }, got ${found()}`);
    return entries;
  };
  const value = (depth: number): Json => {
    if (depth > DEEPEST) fail("too deep");
    if (take("[")) return list(depth);
    if (take("{")) return object(depth);
    if (text[at] === '"') return string();
    const number = match(NUMBER);
    if (number !== undefined) return numberOf(number);
    const start = at;
    const word = match(WORD);
    if (word !== undefined && WORDS.has(word)) return WORDS.get(word)!;
    at = start;
    return fail(`expected a value, got ${found()}`);
  };

  const result = value(0);
  match(BLANKS);
  if (at < text.length) fail(`expected the end, got ${found()}`);
  return result;
}

function numberOf(text: string): number | bigint {
  const value = Number(text);
  return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(text) ? BigInt(text) : value;
}

const WIDEST_LINE = 72;

/** Prints a value: on one line, or indented, with lists and objects that fit on a line left on one. */
export function printJson(value: Json, { indented = false } = {}): string {
  return indented ? printIndented(value, "") : printLine(value);
}

function printLine(value: Json): string {
  if (isList(value)) return `[${value.map(printLine).join(", ")}]`;
  if (isObject(value)) return `{${[...value].map(([key, item]) => `${JSON.stringify(key)}: ${printLine(item)}`).join(", ")}}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** As many single values a line as fit, so that a picture's pixels do not become a page each. */
function filledLines(values: readonly Json[], indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const [index, value] of values.entries()) {
    const item = printLine(value) + (index < values.length - 1 ? "," : "");
    if (line !== "" && indent.length + line.length + item.length >= WIDEST_LINE) {
      lines.push(indent + line);
      line = item;
    } else line = line === "" ? item : `${line} ${item}`;
  }
  return [...lines, indent + line].join("\n");
}

function printIndented(value: Json, indent: string): string {
  const line = printLine(value);
  if (indent.length + line.length <= WIDEST_LINE || !(isList(value) || isObject(value))) return line;
  const inner = `${indent}  `;
  if (isList(value) && value.every((item) => !isList(item) && !isObject(item)))
    return `[\n${filledLines(value, inner)}\n${indent}]`;
  const items = isList(value)
    ? value.map((item) => printIndented(item, inner))
    : [...value].map(([key, item]) => `${JSON.stringify(key)}: ${printIndented(item, inner)}`);
  const [open, close] = isList(value) ? "[]" : "{}";
  return `${open}\n${items.map((item) => inner + item).join(",\n")}\n${indent}${close}`;
}
