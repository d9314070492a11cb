import { damaged, type Field, nameOf } from "./text-lines.ts";

const SPACE = 32;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
/** What all whole numbers of the format have at most. */
const MOST_DIGITS = 10;

/** Numbers are written with 17 digits. */
const MOST_CHARACTERS = 64;

/** What the format has for numbers that are none. */
const WORDS: Readonly<Record<string, number>> = {
  inf: Infinity,
  "-inf": -Infinity,
  infinity: Infinity,
  "-infinity": -Infinity,
  nan: NaN,
  "-nan": NaN,
};

/**
 * Reads `count` whole numbers, with spaces between them, into `into` from `at` on. Each must be from `least` to `most`.
 * @throws ServingError data-loss, naming the field
 */
export function readIntegers(
  field: Field,
  into: { [index: number]: number },
  at: number,
  count: number,
  least: number,
  most: number,
): void {
  const { bytes, end } = field;
  const last = at + count;
  let position = field.start;
  for (;;) {
    while (position < end && bytes[position] === SPACE) position++;
    if (position === end) break;
    if (at === last) throw wrongCount(field, count);
    const start = position;
    const negative = bytes[position] === MINUS;
    if (negative) position++;
    const digits = position;
    let value = 0;
    for (; position < end && bytes[position] >= ZERO && bytes[position] <= NINE; position++) {
      value = value * 10 + bytes[position] - ZERO;
    }
    if (position === digits || position - digits > MOST_DIGITS || (position < end && bytes[position] !== SPACE)) {
      throw damaged(nameOf(field), `has "${shown(field, start)}" where a whole number is expected`);
    }
    if (negative) value = -value;
    if (value < least || value > most) throw damaged(nameOf(field), `has ${value} where ${least} to ${most} is expected`);
    into[at++] = value;
  }
  if (at !== last) throw wrongCount(field, count);
}

/**
 * Reads `count` numbers, with spaces between them, into `into` from `at` on.
 * @throws ServingError data-loss, naming the field
 */
export function readDoubles(field: Field, into: { [index: number]: number }, at: number, count: number): void {
  const { bytes, end } = field;
  const last = at + count;
  let position = field.start;
  for (;;) {
    while (position < end && bytes[position] === SPACE) position++;
    if (position === end) break;
    if (at === last) throw wrongCount(field, count);
    const start = position;
    while (position < end && bytes[position] !== SPACE) position++;
    // A longer one is none, and one as long as a file is more than a string can have.
    const text = bytes.toString("latin1", start, Math.min(position, start + MOST_CHARACTERS));
    const value = Number(text);
    into[at++] =
      Number.isFinite(value) && !isPrefixed(text) && text.length < MOST_CHARACTERS ? value : specialNumber(field, text, start);
  }
  if (at !== last) throw wrongCount(field, count);
}

/** The one whole number of a field. @throws ServingError data-loss, naming the field */
export function readInteger(field: Field, least: number, most: number): number {
  const one = [0];
  readIntegers(field, one, 0, 1, least, most);
  return one[0];
}

/** How many parts a field has, with spaces between them. */
export function countParts({ bytes, start, end }: Field): number {
  let count = 0;
  for (let at = start; at < end; at++) if (bytes[at] !== SPACE && (at === start || bytes[at - 1] === SPACE)) count++;
  return count;
}

/** JavaScript reads `0x10` as a number. */
function isPrefixed(text: string): boolean {
  const second = text.charCodeAt(1) | 0x20;
  return second === 0x78 || second === 0x6f || second === 0x62;
}

function specialNumber(field: Field, text: string, start: number): number {
  const value = Object.hasOwn(WORDS, text.toLowerCase()) ? WORDS[text.toLowerCase()] : undefined;
  if (value === undefined) throw damaged(nameOf(field), `has "${shown(field, start)}" where a number is expected`);
  return value;
}

function wrongCount(field: Field, count: number): Error {
  return damaged(nameOf(field), `has ${countParts(field)} numbers where ${count} are expected`);
}

/** The part at `start`, as far as one wants to see it. */
function shown({ bytes, end }: Field, start: number): string {
  const part = bytes.toString("utf8", start, Math.min(end, start + 24)).split(" ")[0];
  return part.replaceAll(/\p{Cc}/gu, "?");
}
