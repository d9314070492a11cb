import { ServingError } from "../../base/serving-error.ts";
import { scanColon, skipSpace } from "./scan.ts";
import { stringEnd, stringEquals, unescapeInto } from "./text.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGIT = new Int8Array(256).fill(-1);
for (let i = 0; i < 64; i++) DIGIT[ALPHABET.charCodeAt(i)] = i;

const LETTERS = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));

/**
 * Where the text of a base64 object lies: `{"b64": "..."}` with that one key and a string. Gives the range of the string
 * between its quotes, or undefined for any other object. The object must have been scanned; `start` is its brace.
 */
export function base64Text(bytes: Uint8Array, start: number): { readonly start: number; readonly end: number } | undefined {
  const nameStart = skipSpace(bytes, start + 1, bytes.length);
  if (bytes[nameStart] !== 0x22) return undefined;
  const nameStop = stringEnd(bytes, nameStart);
  if (!stringEquals(bytes, nameStart, nameStop, "b64")) return undefined;
  const textStart = scanColon(bytes, nameStop, bytes.length);
  if (bytes[textStart] !== 0x22) return undefined;
  const textStop = stringEnd(bytes, textStart);
  if (bytes[skipSpace(bytes, textStop, bytes.length)] !== 0x7d) return undefined;
  return { start: textStart + 1, end: textStop - 1 };
}

/**
 * Decodes a scanned string between its quotes into `target`, which must have room for three quarters of its length, and gives
 * the end of what was written. Standard alphabet; white space is skipped; padding may be left out, but not be wrong.
 * @throws ServingError invalid-argument `Unable to base64 decode`.
 */
export function decodeBase64Into(bytes: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
  let at = start;
  while (at + 4 <= end) {
    const group = (DIGIT[bytes[at]] << 18) | (DIGIT[bytes[at + 1]] << 12) | (DIGIT[bytes[at + 2]] << 6) | DIGIT[bytes[at + 3]];
    if (group < 0) break;
    target[offset] = group >>> 16;
    target[offset + 1] = group >>> 8;
    target[offset + 2] = group;
    offset += 3;
    at += 4;
  }
  if (at === end) return offset;
  return decodeTail(bytes, at, end, target, offset);
}

/** The rest from the first group that is not four plain digits. */
function decodeTail(bytes: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
  if (bytes.subarray(start, end).includes(0x5c)) {
    const text = new Uint8Array(end - start);
    end = unescapeInto(bytes, start, end, text, 0);
    bytes = text;
    start = 0;
  }
  let group = 0;
  let digits = 0;
  let padding = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) continue;
    if (byte === 0x3d) {
      padding++;
      continue;
    }
    const digit = DIGIT[byte];
    if (digit < 0 || padding > 0) throw undecodable();
    group = (group << 6) | digit;
    if (++digits === 4) {
      target[offset++] = group >>> 16;
      target[offset++] = group >>> 8;
      target[offset++] = group;
      digits = 0;
      group = 0;
    }
  }
  if (digits === 1 || (padding > 0 && padding !== (4 - digits) % 4)) throw undecodable();
  if (digits === 2) target[offset++] = group >>> 4;
  else if (digits === 3) {
    target[offset++] = group >>> 10;
    target[offset++] = group >>> 2;
  }
  return offset;
}

function undecodable(): ServingError {
  return new ServingError("invalid-argument", "Unable to base64 decode");
}

/** Writes bytes in padded base64 into `target` and gives the end of what was written: `4 * ceil(length / 3)` bytes. */
export function encodeBase64Into(bytes: Uint8Array, target: Uint8Array, offset: number): number {
  const { length } = bytes;
  let at = 0;
  for (; at + 3 <= length; at += 3) {
    const group = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
    target[offset] = LETTERS[group >>> 18];
    target[offset + 1] = LETTERS[(group >>> 12) & 63];
    target[offset + 2] = LETTERS[(group >>> 6) & 63];
    target[offset + 3] = LETTERS[group & 63];
    offset += 4;
  }
  if (at === length) return offset;
  const group = (bytes[at] << 16) | (at + 1 < length ? bytes[at + 1] << 8 : 0);
  target[offset++] = LETTERS[group >>> 18];
  target[offset++] = LETTERS[(group >>> 12) & 63];
  target[offset++] = at + 1 < length ? LETTERS[(group >>> 6) & 63] : 0x3d;
  target[offset++] = 0x3d;
  return offset;
}
