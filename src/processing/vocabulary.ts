import { ServingError } from "../base/serving-error.ts";
import { packStrings, type StringArray } from "../tensor/string-array.ts";
import { requireRoom } from "./numbers.ts";

const MOST_ENTRIES = 2_000_000;
/** Most bytes of a vocabulary's file. */
export const MOST_VOCABULARY_BYTES = 32 * 1024 * 1024;

/** Strings by their positions, and positions by their strings. */
export interface Vocabulary {
  /** What messages call it. */
  readonly name: string;
  readonly entries: StringArray;
  /** Position of the string `bytes[start, end)`, see {@link bufferOf}; -1 for one that is not there. */
  readonly find: (bytes: Buffer, start: number, end: number) => number;
}

/**
 * Reads a vocabulary's file: UTF-8, one entry a line, the last line's end optional; or, by its name, a JSON list of strings and
 * whole numbers.
 * @throws ServingError invalid-argument that names the file, for what is neither, is empty, or has too many entries.
 */
export function readVocabulary(bytes: Uint8Array, name: string): StringArray {
  const refuse = (what: string, cause?: unknown) => new ServingError("invalid-argument", `${name}: ${what}`, { cause });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refuse("it is not UTF-8", cause);
  }
  const entries = name.toLowerCase().endsWith(".json") ? jsonEntries(text, refuse) : lines(text);
  if (entries.length === 0) throw refuse("it has no entries");
  if (entries.length > MOST_ENTRIES) throw refuse(`it has ${entries.length} entries, of at most ${MOST_ENTRIES}`);
  return packStrings(entries);
}

function lines(text: string): string[] {
  const found = text.split(/\r?\n/);
  if (found.at(-1) === "") found.pop();
  return found;
}

function jsonEntries(text: string, refuse: (what: string, cause?: unknown) => ServingError): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse("it is not JSON", cause);
  }
  if (!Array.isArray(value)) throw refuse("expected a list of strings");
  return value.map((entry, index) => {
    if (typeof entry === "string" || Number.isSafeInteger(entry)) return String(entry);
    throw refuse(`entry ${index} is neither a string nor a whole number`);
  });
}

/** A vocabulary of entries that are at hand. Positions are looked up in a table that is made when first asked for. */
export function makeVocabulary(name: string, entries: StringArray): Vocabulary {
  let table: ReadonlyMap<string, number> | undefined;
  return {
    name,
    entries,
    find: (bytes, start, end) => {
      table ??= positions(entries);
      return table.get(bytes.toString("latin1", start, end)) ?? -1;
    },
  };
}

/**
 * Checks that strings can be looked up, and makes the table for it.
 * @throws ServingError invalid-argument when an entry is there twice.
 */
export function requireDistinct({ name, entries, find }: Vocabulary): void {
  const bytes = bufferOf(entries);
  const { offsets } = entries;
  for (let index = entries.length - 1; index >= 0; index--) {
    const last = find(bytes, offsets[index]!, offsets[index + 1]!);
    if (last === index) continue;
    const [first, second] = [Math.min(last, index), Math.max(last, index)];
    const entry = JSON.stringify(shown(entries, index));
    throw new ServingError("invalid-argument", `${name}: ${entry} is there twice, as entries ${first} and ${second}`);
  }
}

/** By the characters of their bytes, so that what is no UTF-8 stays distinct. */
function positions(entries: StringArray): ReadonlyMap<string, number> {
  const table = new Map<string, number>();
  const bytes = bufferOf(entries);
  const { offsets } = entries;
  for (let index = 0; index < entries.length; index++) {
    table.set(bytes.toString("latin1", offsets[index], offsets[index + 1]), index);
  }
  return table;
}

/** The bytes of strings, a view. */
export function bufferOf({ bytes }: StringArray): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A string for a message: its beginning, with what is no UTF-8 replaced. */
export function shown({ bytes, offsets }: StringArray, index: number): string {
  const text = new TextDecoder().decode(bytes.subarray(offsets[index], Math.min(offsets[index + 1]!, offsets[index]! + 200)));
  return text.length > 50 ? `${text.slice(0, 50)}...` : text;
}

/** The strings at some positions, each of which must be there. @throws ServingError resource-exhausted when they are too long. */
export function gather({ bytes, offsets }: StringArray, indices: ArrayLike<number>): StringArray {
  const gathered = new Uint32Array(indices.length + 1);
  let total = 0;
  for (let i = 0; i < indices.length; i++) {
    total += offsets[indices[i]! + 1]! - offsets[indices[i]!]!;
    requireRoom(total);
    gathered[i + 1] = total;
  }
  const copied = new Uint8Array(total);
  for (let i = 0; i < indices.length; i++) {
    copied.set(bytes.subarray(offsets[indices[i]!], offsets[indices[i]! + 1]), gathered[i]);
  }
  return { length: indices.length, offsets: gathered, bytes: copied };
}
