import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import { describeToken, type Token, type Tokenizer } from "./tokenizer.ts";

/** A value as protobuf-es' reflection takes it: 64-bit integers are bigint. */
export type ScalarValue = string | number | bigint | boolean | Uint8Array;

const INT32 = { name: "int32", least: -(2n ** 31n), most: 2n ** 31n - 1n } as const;
const INT64 = { name: "int64", least: -(2n ** 63n), most: 2n ** 63n - 1n } as const;
const UINT32 = { name: "uint32", least: 0n, most: 2n ** 32n - 1n } as const;
const UINT64 = { name: "uint64", least: 0n, most: 2n ** 64n - 1n } as const;
type IntegerRange = typeof INT32 | typeof INT64 | typeof UINT32 | typeof UINT64;

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["True", true],
  ["t", true],
  ["false", false],
  ["False", false],
  ["f", false],
]);

const FLOAT_NAMES: ReadonlyMap<string, number> = new Map([
  ["inf", Number.POSITIVE_INFINITY],
  ["infinity", Number.POSITIVE_INFINITY],
  ["nan", Number.NaN],
]);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Takes one value of a scalar field, its sign included; adjacent strings are joined. */
export function takeScalar(tokens: Tokenizer, type: ScalarType): ScalarValue {
  switch (type) {
    case ScalarType.STRING:
      return takeString(tokens);
    case ScalarType.BYTES:
      return takeBytes(tokens);
    case ScalarType.BOOL:
      return takeBoolean(tokens);
    case ScalarType.DOUBLE:
      return takeFloat(tokens);
    case ScalarType.FLOAT:
      return Math.fround(takeFloat(tokens));
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return Number(takeInteger(tokens, INT32));
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return Number(takeInteger(tokens, UINT32));
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return takeInteger(tokens, INT64);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return takeInteger(tokens, UINT64);
  }
}

/** Takes one value of an enum field: a name, or a number (any int32 where the enum is open, as in proto3). */
export function takeEnum(tokens: Tokenizer, type: DescEnum): number {
  const token = tokens.peek();
  if (token.kind !== "identifier") {
    const number = Number(takeInteger(tokens, INT32, `a name or number of enum ${type.typeName}`));
    if (type.open || type.value[number]) return number;
    throw tokens.error(token.offset, `enum ${type.typeName} has no value ${number}`);
  }
  tokens.take();
  const value = type.values.find((candidate) => candidate.name === token.text);
  if (value) return value.number;
  throw tokens.error(token.offset, `enum ${type.typeName} has no value "${token.text}"`);
}

function takeBytes(tokens: Tokenizer): Uint8Array {
  const first = tokens.take();
  if (first.kind !== "string") throw mismatch(tokens, "a string", first);
  const parts = [first.bytes];
  for (let token = tokens.peek(); token.kind === "string"; token = tokens.peek()) {
    parts.push(token.bytes);
    tokens.take();
  }
  return parts.length === 1 ? first.bytes : Uint8Array.from(parts.flatMap((part) => [...part]));
}

function takeString(tokens: Tokenizer): string {
  const { offset } = tokens.peek();
  const bytes = takeBytes(tokens);
  try {
    return utf8.decode(bytes);
  } catch {
    throw tokens.error(offset, "string is not valid UTF-8");
  }
}

function takeBoolean(tokens: Tokenizer): boolean {
  const token = tokens.take();
  if (token.kind === "identifier") {
    const value = BOOLEANS.get(token.text);
    if (value !== undefined) return value;
  }
  if (token.kind === "integer" && token.value <= 1n) return token.value === 1n;
  throw mismatch(tokens, "true or false", token);
}

function takeFloat(tokens: Tokenizer): number {
  const negative = tokens.takeSymbol("-");
  const value = floatOf(tokens.peek());
  if (value === undefined) throw mismatch(tokens, "a number", tokens.peek());
  tokens.take();
  return negative ? -value : value;
}

function floatOf(token: Token): number | undefined {
  if (token.kind === "float") return Number(token.text.replace(/[fF]$/, ""));
  if (token.kind === "identifier") return FLOAT_NAMES.get(token.text.toLowerCase());
  // Octal and hexadecimal spell integers only.
  return token.kind === "integer" && /^(?:0|[1-9][0-9]*)$/.test(token.text) ? Number(token.text) : undefined;
}

function takeInteger(tokens: Tokenizer, range: IntegerRange, expected = "an integer"): bigint {
  const { offset } = tokens.peek();
  const negative = tokens.takeSymbol("-");
  const token = tokens.take();
  if (token.kind !== "integer") throw mismatch(tokens, expected, token);
  const value = negative ? -token.value : token.value;
  if (value >= range.least && value <= range.most && !(negative && range.least === 0n)) return value;
  throw tokens.error(offset, `${negative ? "-" : ""}${token.text} is out of range for ${range.name}`);
}

function mismatch(tokens: Tokenizer, expected: string, found: Token): Error {
  return tokens.error(found.offset, `expected ${expected}, got ${describeToken(found)}`);
}
