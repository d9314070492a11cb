import { ServingError } from "../../../base/serving-error.ts";
import type { CharacterSet, PatternStep, TokenPattern } from "../../../model/tabular/feature-operations.ts";
import { BLANKS } from "./python-blanks.ts";

type Pattern = Extract<TokenPattern, { kind: "pattern" }>;

/** Characters that may be looked at: patterns that look far ahead for each token would take a square of the text's length. */
const MOST_PER_CHARACTER = 64;
const ALWAYS_ALLOWED = 100_000;

/** Numbers of a way. */
const WAY = 4;
/** Where no token begins or ends, and no character is. */
const NOWHERE = -1;

const CLASSES: Readonly<Record<CharacterSet["classes"][number], RegExp>> = {
  word: /^[\p{L}\p{N}_]$/u,
  "not-word": /^[^\p{L}\p{N}_]$/u,
  digit: /^\p{Nd}$/u,
  "not-digit": /^\P{Nd}$/u,
  space: new RegExp(`^[${BLANKS}]$`, "u"),
  "not-space": new RegExp(`^[^${BLANKS}]$`, "u"),
};

/**
 * Finds the tokens that a pattern matches, from left to right, as `re.findall` of Python does; it does not match nothing.
 * @throws ServingError invalid-argument for a text that would take too long
 */
export function tokenMatcher({ steps, sets }: Pattern): (text: string) => readonly string[] {
  const tests = sets.map(membership);
  const isWord = membership({ classes: ["word"], ranges: [], negated: false });
  return (text) => {
    const search = new Search(steps, tests, isWord, text);
    const tokens: string[] = [];
    for (let at = 0; at < text.length && search.find(at); at = search.end) tokens.push(search.token);
    return tokens;
  };
}

/** Whether a code point is in a set; what was asked before is known. */
function membership({ classes, ranges, negated }: CharacterSet): (code: number) => boolean {
  // 0 is not known yet, 1 is not, 2 is.
  const known = new Uint8Array(0x10000);
  const ask = (code: number) => {
    const character = String.fromCodePoint(code);
    const found =
      ranges.some(([first, last]) => code >= first && code <= last) || classes.some((each) => CLASSES[each].test(character));
    return found !== negated;
  };
  return (code) => {
    if (code >= known.length) return ask(code);
    if (known[code] === 0) known[code] = ask(code) ? 2 : 1;
    return known[code] === 2;
  };
}

/**
 * Follows all ways through a pattern at once. A way is four numbers beside one another: the step that it is at, and where its match and its
 * token begin and end; it stands before those that are worse.
 */
class Search {
  /** Where the match ends. */
  end = 0;
  #tokenStart = 0;
  #tokenEnd = 0;
  readonly #steps: readonly PatternStep[];
  readonly #tests: readonly ((code: number) => boolean)[];
  readonly #isWord: (code: number) => boolean;
  readonly #text: string;
  #ways: Int32Array;
  #next: Int32Array;
  #count = 0;
  readonly #waiting: Int32Array;
  /** By step, the last time that a way came to it. */
  readonly #seen: Int32Array;
  #time = 0;
  #left: number;

  constructor(
    steps: readonly PatternStep[],
    tests: readonly ((code: number) => boolean)[],
    isWord: (code: number) => boolean,
    text: string,
  ) {
    this.#steps = steps;
    this.#tests = tests;
    this.#isWord = isWord;
    this.#text = text;
    this.#ways = new Int32Array(WAY * steps.length);
    this.#next = new Int32Array(WAY * steps.length);
    // Each step adds at most one more than it takes away.
    this.#waiting = new Int32Array(WAY * (steps.length + 2));
    this.#seen = new Int32Array(steps.length);
    this.#left = ALWAYS_ALLOWED + MOST_PER_CHARACTER * text.length;
  }

  /** The token of the match that was found. */
  get token(): string {
    return this.#text.slice(this.#tokenStart, this.#tokenEnd);
  }

  /** Whether there is a match from a place on; the first is kept. */
  find(from: number): boolean {
    const { length } = this.#text;
    let found = false;
    this.#count = 0;
    this.#time++;
    for (let at = from; at <= length; ) {
      // A way that begins later is worse than all that are followed.
      if (!found) this.#add(this.#ways, 0, at, NOWHERE, NOWHERE, at);
      else if (this.#count === 0) break;
      this.#left -= 1 + this.#count;
      if (this.#left < 0) {
        throw new ServingError(
          "invalid-argument",
          "the input has a text that takes too long to be cut into tokens by the model's pattern",
        );
      }
      const code = at < length ? this.#text.codePointAt(at)! : NOWHERE;
      const after = at + (code > 0xffff ? 2 : 1);
      found = this.#step(code, at, after) || found;
      at = after;
    }
    return found;
  }

  /** Takes a character in all ways. Returns whether one of them has come to its end; those that are worse are followed no more. */
  #step(code: number, at: number, after: number): boolean {
    const [ways, count] = [this.#ways, this.#count];
    this.#count = 0;
    this.#time++;
    let found = false;
    for (let i = 0; i < count * WAY && !found; i += WAY) {
      const step = this.#steps[ways[i]];
      if (step.does === "match") {
        found = true;
        this.end = at;
        this.#tokenStart = ways[i + 2] < 0 ? ways[i + 1] : ways[i + 2];
        this.#tokenEnd = ways[i + 3] < 0 ? at : ways[i + 3];
      } else if (step.does === "take" && code >= 0 && this.#tests[step.set](code)) {
        this.#add(this.#next, ways[i] + 1, ways[i + 1], ways[i + 2], ways[i + 3], after);
      }
    }
    this.#ways = this.#next;
    this.#next = ways;
    return found;
  }

  /** Adds a way, on to where it takes a character or ends; one that came to a step first is the better one. */
  #add(ways: Int32Array, step: number, start: number, tokenStart: number, tokenEnd: number, at: number): void {
    const waiting = this.#waiting;
    waiting.set([step, start, tokenStart, tokenEnd]);
    for (let top = 0; top >= 0; ) {
      const next = waiting[top];
      if (this.#seen[next] === this.#time) {
        top -= WAY;
        continue;
      }
      this.#seen[next] = this.#time;
      const todo = this.#steps[next];
      switch (todo.does) {
        case "split":
          waiting[top] = todo.second;
          waiting.copyWithin(top + WAY, top, top + WAY);
          top += WAY;
          waiting[top] = todo.first;
          break;
        case "mark":
          waiting[top]++;
          waiting[top + (todo.end ? 3 : 2)] = at;
          break;
        case "assert":
          if (this.#holds(todo.that, at)) waiting[top]++;
          else top -= WAY;
          break;
        case "take":
        case "match":
          ways.set(waiting.subarray(top, top + WAY), WAY * this.#count++);
          top -= WAY;
      }
    }
  }

  #holds(that: Extract<PatternStep, { does: "assert" }>["that"], at: number): boolean {
    if (that === "start") return at === 0;
    if (that === "end") return at === this.#text.length || (at === this.#text.length - 1 && this.#text.endsWith("\n"));
    const isBoundary = this.#isWordAt(at - 1, true) !== this.#isWordAt(at, false);
    return isBoundary === (that === "boundary");
  }

  #isWordAt(at: number, isBefore: boolean): boolean {
    let code = this.#text.codePointAt(at);
    // The second half of a character before a place.
    if (isBefore && code !== undefined && code >= 0xdc00 && code <= 0xdfff) code = this.#text.codePointAt(at - 1) ?? code;
    return code !== undefined && this.#isWord(code);
  }
}
