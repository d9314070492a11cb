import type { GrowingStrings } from "./growing-strings.ts";
import { scanNumber } from "./number.ts";
import { StringElements } from "./string-elements.ts";

/**
 * Reads texts of which some may be missing, as callers have them who do not mind types: null is a missing one, and so is NaN; another
 * number is its own text, and true and false are, or are "1" and "0" where booleans are digits.
 */
export class TextElements extends StringElements {
  readonly #booleanDigits: boolean;

  constructor(booleanDigits = false) {
    super(true);
    this.#booleanDigits = booleanDigits;
  }

  override read(source: Uint8Array, start: number): number {
    const end = wordEnd(source, start);
    if (end < 0) return super.read(source, start);
    if (meansMissing(source, start)) this.addMissing();
    else addWord(this.strings, source, start, end, this.#booleanDigits);
    return end;
  }
}

/** Where the number, true, false or null that starts at `start` ends; -1 for a value of another kind. The text must have been scanned. */
export function wordEnd(source: Uint8Array, start: number): number {
  switch (source[start]) {
    case 0x22:
    case 0x5b:
    case 0x7b:
      return -1;
    case 0x6e:
    case 0x74:
      return start + "null".length;
    case 0x66:
      return start + "false".length;
    default:
      return scanNumber(source, start, source.length);
  }
}

/** Whether the value at `start`, no string, stands for a missing one: null or NaN. */
export function meansMissing(source: Uint8Array, start: number): boolean {
  return source[start] === 0x6e || source[start] === 0x4e;
}

/** Appends the text of the number, true or false that is from `start` to `end`. */
export function addWord(strings: GrowingStrings, source: Uint8Array, start: number, end: number, booleanDigits: boolean): void {
  const at = strings.reserve(end - start);
  if (booleanDigits && (source[start] === 0x74 || source[start] === 0x66)) {
    strings.bytes[at] = source[start] === 0x74 ? 0x31 : 0x30;
    strings.add(at + 1);
    return;
  }
  for (let i = start; i < end; i++) strings.bytes[at + i - start] = source[i];
  strings.add(at + end - start);
}
