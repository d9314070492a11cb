import { inspect } from "node:util";
import { ServingError } from "../../src/base/serving-error.ts";
import { Random } from "./random.ts";

/** What a parser made of an input. */
export interface Outcome {
  readonly accepted: boolean;
  /** Alike for inputs that were treated alike: what kinds of things were read, or which fault was found. Few enough to count. */
  readonly shape: string;
}

/** A parser under test. */
export interface FuzzTarget {
  /** Also the name of its folder in `corpus/`. */
  readonly name: string;
  /** Pieces that mean something to the parser. */
  readonly dictionary: readonly (string | Uint8Array)[];
  /** Longest input made, in bytes; 4096 by default. */
  readonly longest?: number;
  /** Inputs of an ordinary test run, for a parser of others that is slow; 20,000 by default. */
  readonly ordinaryInputs?: number;
  /**
   * Reads one input, and compares the result with a plain reading of the same bytes where there is one. Depends on nothing but
   * the input. Throws or rejects only when the parser has a fault: an error of a foreign class, or a disagreement.
   */
  run(input: Buffer): Outcome | Promise<Outcome>;
}

/** A message may repeat some of the input, not all of it. */
const LONGEST_MESSAGE = 3000;

/** What is looked at of a message to tell what kind it is. */
const LONGEST_SHAPE = 100;

/** The outcome of an input that the parser refused with its own error; anything else that was thrown is thrown again. */
export function refusal(reason: unknown): Outcome {
  if (!(reason instanceof ServingError)) throw reason;
  // A foreign error that was wrapped on its way out is still one.
  if (reason.code === "internal" && reason.cause instanceof Error) throw reason.cause;
  if (reason.message.length > LONGEST_MESSAGE) throw new Error(`a refusal of ${reason.message.length} characters`);
  return { accepted: false, shape: `${reason.code} ${plain(reason.message)}` };
}

/** Words of messages by their first characters: the same few messages come again and again. */
const shapes = new Map<string, string>();
const MOST_SHAPES = 10_000;

/** The words of a message, without what differs from input to input. */
export function plain(message: string): string {
  const start = message.slice(0, LONGEST_SHAPE);
  const known = shapes.get(start);
  if (known !== undefined) return known;
  const words = start.split(" ").filter((word) => /^[A-Za-z][a-z]*[,.:;]?$/.test(word));
  const shape = words.join(" ");
  if (shapes.size < MOST_SHAPES) shapes.set(start, shape);
  return shape;
}

/** Fails unless two readings of an input are the same value in depth; for text and numbers. */
export function agree(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return;
  const [one, other] = [actual, expected].map((value) => (typeof value === "string" ? value : inspect(value, DEEP)));
  if (one !== other) throw new Error(`${what}: got ${one!.slice(0, 2000)}, expected ${other!.slice(0, 2000)}`);
}

const DEEP = { depth: 20, maxArrayLength: 1000, maxStringLength: 5000 } as const;

/** The input in pieces as a network might deliver it; the same pieces for the same input. */
export function piecesOf(input: Buffer): Buffer[] {
  const random = new Random(input);
  const { length } = input;
  const pieces: Buffer[] = [];
  const byteByByte = length <= 100 && random.below(12) === 0;
  const largest = byteByByte ? 1 : 1 + random.below(length);
  for (let start = 0; start < length; ) {
    const end = Math.min(length, start + 1 + random.below(largest));
    pieces.push(input.subarray(start, pieces.length < MOST_PIECES || byteByByte ? end : length));
    start += pieces.at(-1)!.length;
  }
  return pieces;
}

const MOST_PIECES = 6;

/** Kinds of things in the order they were read, without the repetitions that would make each input a kind of its own. */
export function kindsOf(kinds: readonly string[]): string {
  return [...new Set(kinds)].join(" ");
}
