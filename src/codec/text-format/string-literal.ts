/** Why a literal is malformed, and where: an offset into the whole text. */
export interface LiteralFault {
  readonly offset: number;
  readonly fault: string;
}

/** A decoded literal: its bytes, and the offset just behind the closing quote. */
export interface StringLiteral {
  readonly bytes: Uint8Array;
  readonly end: number;
}

const SIMPLE_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["b", 8],
  ["t", 9],
  ["n", 10],
  ["v", 11],
  ["f", 12],
  ["r", 13],
  ['"', 34],
  ["'", 39],
  ["?", 63],
  ["\\", 92],
]);

const OCTAL = /[0-7]{1,3}/y;
const HEXADECIMAL = /[xX]([0-9a-fA-F]{1,2})/y;
const UNICODE = /u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})/y;
/** What needs no translation; a raw line break ends the line, so it cannot be part of a literal. */
const PLAIN = /[^"'\\\n\0]+/y;

const encoder = new TextEncoder();

/**
 * Decodes the quoted literal that starts at `start`. Literals hold bytes: `bytes` fields take them as they are, so an
 * escape may spell what is not UTF-8.
 */
export function readStringLiteral(text: string, start: number): StringLiteral | LiteralFault {
  const quote = text[start];
  const bytes: number[] = [];
  let at = start + 1;
  for (;;) {
    const plain = match(PLAIN, text, at);
    if (plain) {
      for (const byte of encoder.encode(plain[0])) bytes.push(byte);
      at += plain[0].length;
      continue;
    }
    const character = text[at];
    if (character === quote) return { bytes: Uint8Array.from(bytes), end: at + 1 };
    if (character === undefined || character === "\n") return { offset: start, fault: "string is not closed on its line" };
    if (character === "\0") return { offset: at, fault: "string holds a NUL character, write it as \\0" };
    if (character === "\\") {
      const sequence = readEscape(text, at + 1);
      if (!sequence) return { offset: at, fault: "unknown escape sequence in string" };
      for (const byte of sequence.bytes) bytes.push(byte);
      at = sequence.end;
    } else {
      bytes.push(character.charCodeAt(0));
      at++;
    }
  }
}

/** What stands behind a backslash; undefined when no escape is spelled like it. */
function readEscape(text: string, at: number): { readonly bytes: Iterable<number>; readonly end: number } | undefined {
  const simple = SIMPLE_ESCAPES.get(text[at] ?? "");
  if (simple !== undefined) return { bytes: [simple], end: at + 1 };

  const octal = match(OCTAL, text, at);
  if (octal) {
    const value = Number.parseInt(octal[0], 8);
    return value > 255 ? undefined : { bytes: [value], end: at + octal[0].length };
  }
  const hexadecimal = match(HEXADECIMAL, text, at);
  if (hexadecimal) return { bytes: [Number.parseInt(hexadecimal[1]!, 16)], end: at + hexadecimal[0].length };

  const unicode = match(UNICODE, text, at);
  if (!unicode) return undefined;
  const point = Number.parseInt(unicode[1] ?? unicode[2]!, 16);
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  if (point > 0x10ffff || isSurrogate) return undefined;
  return { bytes: encoder.encode(String.fromCodePoint(point)), end: at + unicode[0].length };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
