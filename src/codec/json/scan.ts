// The strict half of the parser: every byte of the document is checked here, once, so that the readers of values may trust it.
// The texts and offsets of faults are those of RapidJSON's iterative parser, which TensorFlow Serving uses.
import { syntaxError } from "./json-error.ts";
import { numberFault, scanNumber } from "./number.ts";

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX["0123456789abcdef".charCodeAt(i)] = i;
  HEX["0123456789ABCDEF".charCodeAt(i)] = i;
}

/** 1 for a byte after a backslash that is an escape of two characters. */
const ESCAPES = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPES[letter.charCodeAt(0)] = 1;

/** 1 for a byte that ends a run of plain characters in a string: a quote, a backslash or a control character. */
const SPECIAL = new Uint8Array(256).fill(1, 0, 0x20);
SPECIAL[0x22] = 1;
SPECIAL[0x5c] = 1;

/** Nesting beyond which the stack is not kept for the next document. */
const KEPT_NESTING = 1 << 16;

// One bit a level, 1 for an object; used within one call only.
let nesting = new Uint32Array(64);

/** First byte at or after `at` that is not white space; `end` if there is none. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}

/** The value of the four hexadecimal digits at `at`, or -1. */
export function hexValue(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end) return -1;
  const value = (HEX[bytes[at]] << 12) | (HEX[bytes[at + 1]] << 8) | (HEX[bytes[at + 2]] << 4) | HEX[bytes[at + 3]];
  return value < 0 ? -1 : value;
}

/**
 * The first byte after the string whose opening quote is at `start`.
 * @throws ServingError invalid-argument with RapidJSON's text, also for a surrogate without its partner.
 */
export function scanString(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 1;
  for (;;) {
    while (at < end && SPECIAL[bytes[at]] === 0) at++;
    const byte = at < end ? bytes[at] : 0;
    if (byte === 0x22) return at + 1;
    if (byte === 0) throw syntaxError("Missing a closing quotation mark in string.", at);
    if (byte !== 0x5c) throw syntaxError("Invalid escape character in string.", at);
    const escapeStart = at++;
    const letter = at < end ? bytes[at++] : 0;
    if (ESCAPES[letter] === 1) continue;
    if (letter !== 0x75) throw syntaxError("Invalid escape character in string.", escapeStart);
    const unit = hexValue(bytes, at, end);
    if (unit < 0) throw syntaxError("Incorrect hex digit after \\u escape in string.", escapeStart);
    at += 4;
    if ((unit & 0xf800) !== 0xd800) continue;
    if (unit >= 0xdc00 || at + 1 >= end || bytes[at] !== 0x5c || bytes[at + 1] !== 0x75) {
      throw syntaxError("The surrogate pair in string is invalid.", escapeStart);
    }
    const partner = hexValue(bytes, at + 2, end);
    if (partner < 0) throw syntaxError("Incorrect hex digit after \\u escape in string.", escapeStart);
    if ((partner & 0xfc00) !== 0xdc00) throw syntaxError("The surrogate pair in string is invalid.", escapeStart);
    at += 6;
  }
}

/** The first byte after the literal, number or string at `at`. */
function scanScalar(bytes: Uint8Array, at: number, end: number): number {
  const byte = at < end ? bytes[at] : 0;
  if (byte === 0x22) return scanString(bytes, at, end);
  const word = byte === 0x74 ? "true" : byte === 0x66 ? "false" : byte === 0x6e ? "null" : undefined;
  if (word === undefined) {
    const stop = scanNumber(bytes, at, end);
    if (stop < 0) throw syntaxError(numberFault.text, numberFault.offset);
    return stop;
  }
  for (let i = 1; i < word.length; i++) {
    if (at + i >= end || bytes[at + i] !== word.charCodeAt(i)) throw syntaxError("Invalid value.", at + i);
  }
  return at + word.length;
}

/**
 * The first byte after the member name whose opening quote should be at `at`.
 * @throws ServingError invalid-argument.
 */
export function scanName(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== 0x22) throw syntaxError("Missing a name for object member.", at);
  return scanString(bytes, at, end);
}

/**
 * The start of the value after the colon that should follow a member name which ends at `at`.
 * @throws ServingError invalid-argument.
 */
export function scanColon(bytes: Uint8Array, at: number, end: number): number {
  at = skipSpace(bytes, at, end);
  if (at >= end || bytes[at] !== 0x3a) throw syntaxError("Missing a colon after a name of object member.", at);
  return skipSpace(bytes, at + 1, end);
}

/**
 * The start of the next member's name after a value of an object that ends at `at`; where the object ends
 * instead, the bitwise complement of the first byte after it.
 * @throws ServingError invalid-argument.
 */
export function scanComma(bytes: Uint8Array, at: number, end: number): number {
  at = skipSpace(bytes, at, end);
  const next = at < end ? bytes[at] : 0;
  if (next === 0x2c) return skipSpace(bytes, at + 1, end);
  if (next !== 0x7d) throw syntaxError("Missing a comma or } after an object member.", at);
  return ~(at + 1);
}

/**
 * The first byte after the value that starts at `start`, which is checked to its last byte. Takes any depth of nesting: there
 * is no recursion, and a level costs a bit.
 * @throws ServingError invalid-argument, `JSON Parse error: TEXT at offset: N`.
 */
export function scanValue(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let depth = 0;
  let inObject = false;
  for (;;) {
    // At a value.
    const byte = at < end ? bytes[at] : 0;
    if (byte === 0x5b || byte === 0x7b) {
      inObject = byte === 0x7b;
      const word = ++depth >>> 5;
      if (word === nesting.length) grow();
      if (inObject) nesting[word] |= 1 << (depth & 31);
      else nesting[word] &= ~(1 << (depth & 31));
      at = skipSpace(bytes, at + 1, end);
      if (at >= end || bytes[at] !== byte + 2) {
        if (inObject) at = scanColon(bytes, scanName(bytes, at, end), end);
        continue;
      }
      at++;
      depth--;
    } else at = scanScalar(bytes, at, end);

    // After a value: close what ends here.
    for (;;) {
      if (depth === 0) {
        if (nesting.length > KEPT_NESTING >>> 5) nesting = new Uint32Array(64);
        return at;
      }
      inObject = ((nesting[depth >>> 5] >>> (depth & 31)) & 1) === 1;
      at = skipSpace(bytes, at, end);
      const next = at < end ? bytes[at] : 0;
      if (next === 0x2c) {
        at = skipSpace(bytes, at + 1, end);
        if (inObject) at = scanColon(bytes, scanName(bytes, at, end), end);
        break;
      }
      if (next !== (inObject ? 0x7d : 0x5d)) {
        throw syntaxError(
          inObject ? "Missing a comma or } after an object member." : "Missing a comma or ] after an array element.",
          at,
        );
      }
      at++;
      depth--;
    }
  }
}

function grow(): void {
  const larger = new Uint32Array(nesting.length * 2);
  larger.set(nesting);
  nesting = larger;
}
