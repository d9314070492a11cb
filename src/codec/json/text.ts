import { hexValue } from "./scan.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What the letter of a two-character escape stands for. */
const ESCAPED = new Uint8Array(256);
for (const [letter, byte] of Object.entries({ b: 8, f: 12, n: 10, r: 13, t: 9, '"': 0x22, "\\": 0x5c, "/": 0x2f })) {
  ESCAPED[letter.charCodeAt(0)] = byte;
}

/**
 * Writes the text of a scanned string, without quotes at `[start, end)`, as UTF-8 into `target` at `offset`, and gives the end
 * of what was written: at most `end - start` bytes. Bytes that are not UTF-8 stay as they are.
 */
export function unescapeInto(bytes: Uint8Array, start: number, end: number, target: Uint8Array, offset: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at++];
    if (byte !== 0x5c) {
      target[offset++] = byte;
      continue;
    }
    const letter = bytes[at++];
    if (letter !== 0x75) {
      target[offset++] = ESCAPED[letter];
      continue;
    }
    let code = hexValue(bytes, at, end);
    at += 4;
    if ((code & 0xfc00) === 0xd800) {
      code = 0x10000 + ((code & 0x3ff) << 10) + (hexValue(bytes, at + 2, end) & 0x3ff);
      at += 6;
    }
    if (code < 0x80) target[offset++] = code;
    else {
      if (code < 0x800) target[offset++] = 0xc0 | (code >> 6);
      else {
        if (code < 0x10000) target[offset++] = 0xe0 | (code >> 12);
        else {
          target[offset++] = 0xf0 | (code >> 18);
          target[offset++] = 0x80 | ((code >> 12) & 0x3f);
        }
        target[offset++] = 0x80 | ((code >> 6) & 0x3f);
      }
      target[offset++] = 0x80 | (code & 0x3f);
    }
  }
  return offset;
}

/** Strings longer than this are searched for their end by `indexOf`, which is faster but dearer to call. */
const SHORT_STRING = 40;

/** Position after a scanned string's closing quote; `start` is its opening quote. */
export function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  const near = at + SHORT_STRING;
  while (at < near) {
    const byte = bytes[at++];
    if (byte === 0x22) return at;
    if (byte === 0x5c) at++;
  }
  for (;;) {
    const quote = bytes.indexOf(0x22, at);
    let slashes = quote;
    while (slashes > at && bytes[slashes - 1] === 0x5c) slashes--;
    if ((quote - slashes) % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** The text of a scanned string, quotes at `start` and `end - 1`; bytes that are not UTF-8 become U+FFFD. */
export function decodeString(bytes: Uint8Array, start: number, end: number): string {
  const text = new Uint8Array(end - start - 2);
  return decoder.decode(text.subarray(0, unescapeInto(bytes, start + 1, end - 1, text, 0)));
}

/** Whether the scanned string with quotes at `start` and `end - 1` reads `name`. */
export function stringEquals(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start - 2 === name.length) {
    let i = 0;
    for (; i < name.length; i++) {
      const byte = bytes[start + 1 + i];
      if (byte !== name.charCodeAt(i) || byte === 0x5c || byte >= 0x80) break;
    }
    if (i === name.length) return true;
  }
  for (let at = start + 1; at < end - 1; at++) {
    if (bytes[at] === 0x5c || bytes[at] >= 0x80) return decodeString(bytes, start, end) === name;
  }
  return false;
}
