/** What single fields of a head may hold, byte by byte. */
import { COLON, HEX, REG_NAME, SPACE, sameName, TAB } from "./grammar.ts";
import { malformed, RequestFault } from "./request-fault.ts";

const PERCENT = 37;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const OPENING = 91;
const CLOSING = 93;

/** Whether the byte is optional whitespace (RFC 9110, 5.6.3). */
export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** The end of `bytes[start, end)` without the blanks before it. */
export function trimmedEnd(bytes: Uint8Array, start: number, end: number): number {
  let last = end;
  while (last > start && isBlank(bytes[last - 1]!)) last--;
  return last;
}

/** Whether a list member, its blanks aside, is `name` in any case. */
export function isOption(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  let first = start;
  while (first < end && isBlank(bytes[first]!)) first++;
  return trimmedEnd(bytes, first, end) - first === name.length && sameName(bytes, first, name);
}

/** Whether the bytes are a host with or without a port, or nothing (RFC 9110, 7.2). */
export function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  let i = start;
  if (bytes[i] === OPENING) {
    while (++i < end && (bytes[i] === COLON || bytes[i] === DOT || HEX[bytes[i]!]! >= 0));
    if (i - start < 3 || i >= end || bytes[i++] !== CLOSING) return false;
  } else {
    while (i < end && REG_NAME[bytes[i]!] === 1) {
      if (bytes[i++] !== PERCENT) continue;
      if (i + 2 > end || HEX[bytes[i]!]! < 0 || HEX[bytes[i + 1]!]! < 0) return false;
      i += 2;
    }
    if (i === start) return false;
  }
  if (i === end) return true;
  if (bytes[i] !== COLON) return false;
  while (++i < end) if (bytes[i]! < ZERO || bytes[i]! > NINE) return false;
  return true;
}

/**
 * Throws 400 for a tab. One may stand around any value, but around one that frames the body readers differ on it (llhttp does not
 * take `chunked` and a tab for chunked), so that it serves nobody but a smuggler.
 */
export function refuseTabs(bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) if (bytes[i] === TAB) malformed("malformed header: tab in a field that frames the body");
}

/** The length that digits tell (RFC 9110, 8.6), at most 2^53 - 1. Throws 400 for anything else. */
export function contentLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) malformed("malformed Content-Length header");
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) malformed("malformed Content-Length header");
    value = value * 10 + digit;
  }
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/** Throws unless the value is `chunked` (RFC 9112, 6.1): a coding under `chunked` that is not known is 501; any other ending leaves the body's end unknown, 400. */
export function requireChunked(value: string): void {
  if (value === "chunked") return;
  const codings = value.split(",").map((coding) => coding.replace(/^[ \t]+|[ \t]+$/g, ""));
  const well = codings.at(-1) === "chunked" && codings.indexOf("chunked") === codings.length - 1 && !codings.includes("");
  if (well) throw new RequestFault(501, "unsupported Transfer-Encoding, expected chunked");
  malformed("malformed Transfer-Encoding header, expected chunked");
}
