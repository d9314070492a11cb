import type { CharacterSet, PatternStep, TokenPattern } from "../../model/tabular/feature-operations.ts";
import type { Estimator } from "./estimator.ts";

/** Patterns that find runs of a word's characters. */
const RUNS: ReadonlyMap<string, number> = new Map([
  ["(?u)\\b\\w\\w+\\b", 2],
  ["\\b\\w\\w+\\b", 2],
  ["(?u)\\b\\w+\\b", 1],
  ["\\b\\w+\\b", 1],
  ["(?u)\\w+", 1],
  ["\\w+", 1],
]);
const MOST_STEPS = 2000;
const MOST_SETS = 200;
const MOST_DEPTH = 50;
const ANY = 0x10ffff;

const CLASSES: ReadonlyMap<string, CharacterSet["classes"][number]> = new Map([
  ["w", "word"],
  ["W", "not-word"],
  ["d", "digit"],
  ["D", "not-digit"],
  ["s", "space"],
  ["S", "not-space"],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["v", 11],
]);

/** A part of a pattern. */
type Part =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "assert"; readonly that: Extract<PatternStep, { does: "assert" }>["that"] }
  | { readonly kind: "sequence"; readonly parts: readonly Part[] }
  | { readonly kind: "choice"; readonly parts: readonly Part[] }
  | { readonly kind: "token"; readonly part: Part }
  | { readonly kind: "repeat"; readonly part: Part; readonly least: number; readonly most: number; readonly greedy: boolean };

/**
 * A vectorizer's `token_pattern`, a regular expression of Python's, as steps that are followed all at once.
 * @throws ServingError unimplemented, naming the estimator, for what is not covered: what looks around or back, flags, and what matches
 * nothing
 */
export function tokenPattern(estimator: Estimator, pattern: string): TokenPattern {
  const least = RUNS.get(pattern);
  if (least !== undefined) return { kind: "runs", least };
  const uncovered = (what: string) => estimator.uncovered(`token_pattern with ${what} is not covered`);
  const part = new PatternParser(pattern, uncovered).read();
  if (shortest(part) === 0) throw uncovered("a match of nothing");
  const writer = new StepWriter(uncovered);
  writer.write(part);
  return { kind: "pattern", steps: [...writer.steps, { does: "match" }], sets: writer.sets };
}

/** The least number of characters that a part takes. */
function shortest(part: Part): number {
  switch (part.kind) {
    case "set":
      return 1;
    case "assert":
      return 0;
    case "sequence":
      return part.parts.reduce((sum, each) => sum + shortest(each), 0);
    case "choice":
      return Math.min(...part.parts.map(shortest));
    case "token":
      return shortest(part.part);
    case "repeat":
      return part.least * shortest(part.part);
  }
}

class PatternParser {
  readonly #signs: readonly string[];
  readonly #uncovered: (what: string) => Error;
  #at = 0;
  #depth = 0;
  #hasToken = false;

  constructor(pattern: string, uncovered: (what: string) => Error) {
    // All patterns of texts are of Unicode.
    this.#signs = Array.from(pattern.replace(/^\(\?u\)/, ""));
    this.#uncovered = uncovered;
  }

  read(): Part {
    const part = this.#choice();
    if (this.#at < this.#signs.length) throw this.#uncovered("a bracket that closes nothing");
    return part;
  }

  #peek(): string | undefined {
    return this.#signs[this.#at];
  }

  #take(): string {
    const sign = this.#signs[this.#at++];
    if (sign === undefined) throw this.#uncovered("an end that is missing");
    return sign;
  }

  #skip(sign: string): boolean {
    if (this.#peek() !== sign) return false;
    this.#at++;
    return true;
  }

  #choice(): Part {
    if (++this.#depth > MOST_DEPTH) throw this.#uncovered(`more than ${MOST_DEPTH} groups in one another`);
    const parts: Part[] = [];
    do {
      const sequence: Part[] = [];
      while (this.#peek() !== undefined && this.#peek() !== "|" && this.#peek() !== ")") sequence.push(this.#repeated());
      parts.push({ kind: "sequence", parts: sequence });
    } while (this.#skip("|"));
    this.#depth--;
    return parts.length === 1 ? parts[0] : { kind: "choice", parts };
  }

  #repeated(): Part {
    const part = this.#single();
    const counts = this.#counts();
    if (counts === undefined) return part;
    const [least, most] = counts;
    const greedy = !this.#skip("?");
    const next = this.#peek();
    if (next === "*" || next === "+" || (next === "{" && this.#counts() !== undefined))
      throw this.#uncovered("several counts of one part");
    return { kind: "repeat", part, least, most, greedy };
  }

  /** How often a part may repeat; undefined where nothing says. */
  #counts(): readonly [number, number] | undefined {
    if (this.#skip("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#skip("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#skip("?")) return [0, 1];
    const match = /^\{(\d{0,4})(?:(,)(\d{0,4}))?\}/.exec(this.#signs.slice(this.#at, this.#at + 12).join(""));
    if (match === null || match[0] === "{}") return undefined;
    this.#at += match[0].length;
    const [, least, comma, most] = match;
    const from = Number(least);
    const to = comma === undefined ? from : most === "" || most === undefined ? Number.POSITIVE_INFINITY : Number(most);
    if (to < from) throw this.#uncovered("counts that fall");
    return [from, to];
  }

  #single(): Part {
    const sign = this.#take();
    switch (sign) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "set", set: this.#set() };
      case ".":
        return { kind: "set", set: { classes: [], ranges: [[10, 10]], negated: true } };
      case "^":
        return { kind: "assert", that: "start" };
      case "$":
        return { kind: "assert", that: "end" };
      case "\\":
        return this.#escaped();
      case "*":
      case "+":
      case "?":
        throw this.#uncovered("a count of nothing");
      default:
        return one(sign.codePointAt(0)!);
    }
  }

  #group(): Part {
    if (this.#skip("?")) {
      if (!this.#skip(":")) throw this.#uncovered("what looks around, a flag or a name");
      return this.#closed(this.#choice());
    }
    if (this.#hasToken) throw this.#uncovered("several groups");
    this.#hasToken = true;
    return { kind: "token", part: this.#closed(this.#choice()) };
  }

  #closed(part: Part): Part {
    if (!this.#skip(")")) throw this.#uncovered("a bracket that is open");
    return part;
  }

  #escaped(): Part {
    const sign = this.#take();
    const named = CLASSES.get(sign);
    if (named !== undefined) return { kind: "set", set: { classes: [named], ranges: [], negated: false } };
    if (sign === "b") return { kind: "assert", that: "boundary" };
    if (sign === "B") return { kind: "assert", that: "no-boundary" };
    return one(this.#code(sign));
  }

  /** The character that stands behind a backslash. */
  #code(sign: string): number {
    const control = CONTROLS.get(sign);
    if (control !== undefined) return control;
    const digits = sign === "x" ? 2 : sign === "u" ? 4 : sign === "U" ? 8 : 0;
    if (digits > 0) {
      const text = this.#signs.slice(this.#at, this.#at + digits).join("");
      const code = Number.parseInt(text, 16);
      if (!/^[0-9a-fA-F]+$/.test(text) || text.length !== digits || code > ANY) throw this.#uncovered("a character that is none");
      this.#at += digits;
      return code;
    }
    if (/[A-Za-z0-9]/.test(sign)) throw this.#uncovered(`\\${sign}`);
    return sign.codePointAt(0)!;
  }

  #set(): CharacterSet {
    const negated = this.#skip("^");
    const classes: CharacterSet["classes"][number][] = [];
    const ranges: [number, number][] = [];
    for (let isFirst = true; ; isFirst = false) {
      const sign = this.#take();
      if (sign === "]" && !isFirst) return { classes, ranges, negated };
      const first = this.#member(sign);
      if (typeof first === "string") {
        classes.push(first);
        continue;
      }
      if (this.#peek() !== "-" || this.#signs[this.#at + 1] === "]") {
        ranges.push([first, first]);
        continue;
      }
      this.#at++;
      const last = this.#member(this.#take());
      if (typeof last === "string" || last < first) throw this.#uncovered("a range that is none");
      ranges.push([first, last]);
    }
  }

  /** A character of a set, or a class of them. */
  #member(sign: string): number | CharacterSet["classes"][number] {
    if (sign !== "\\") return sign.codePointAt(0)!;
    const next = this.#take();
    return CLASSES.get(next) ?? (next === "b" ? 8 : this.#code(next));
  }
}

function one(code: number): Part {
  return { kind: "set", set: { classes: [], ranges: [[code, code]], negated: false } };
}

class StepWriter {
  readonly steps: PatternStep[] = [];
  readonly sets: CharacterSet[] = [];
  readonly #places = new Map<string, number>();
  readonly #uncovered: (what: string) => Error;

  constructor(uncovered: (what: string) => Error) {
    this.#uncovered = uncovered;
  }

  write(part: Part): void {
    switch (part.kind) {
      case "set":
        this.#push({ does: "take", set: this.#placeOf(part.set) });
        break;
      case "assert":
        this.#push({ does: "assert", that: part.that });
        break;
      case "sequence":
        for (const each of part.parts) this.write(each);
        break;
      case "token":
        this.#push({ does: "mark", end: false });
        this.write(part.part);
        this.#push({ does: "mark", end: true });
        break;
      case "choice":
        this.#choice(part.parts);
        break;
      case "repeat":
        this.#repeat(part);
    }
  }

  /** Sets that are the same are there once. */
  #placeOf(set: CharacterSet): number {
    const key = JSON.stringify(set);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    if (this.sets.length === MOST_SETS) throw this.#uncovered(`more than ${MOST_SETS} sets of characters`);
    this.#places.set(key, this.sets.length);
    return this.sets.push(set) - 1;
  }

  #choice(parts: readonly Part[]): void {
    const ends: number[] = [];
    for (const [i, part] of parts.entries()) {
      const split = i < parts.length - 1 ? this.#push({ does: "split", first: 0, second: 0 }) : undefined;
      this.write(part);
      if (split === undefined) break;
      ends.push(this.#push({ does: "split", first: 0, second: 0 }));
      this.#aim(split, split + 1, this.steps.length);
    }
    for (const end of ends) this.#aim(end, this.steps.length, this.steps.length);
  }

  #repeat({ part, least, most, greedy }: Extract<Part, { kind: "repeat" }>): void {
    for (let i = 0; i < least; i++) this.write(part);
    if (most === Number.POSITIVE_INFINITY) {
      const split = this.#push({ does: "split", first: 0, second: 0 });
      this.write(part);
      this.#push({ does: "split", first: split, second: split });
      this.#either(split, greedy);
      return;
    }
    const splits: number[] = [];
    for (let i = least; i < most; i++) {
      splits.push(this.#push({ does: "split", first: 0, second: 0 }));
      this.write(part);
    }
    for (const split of splits) this.#either(split, greedy);
  }

  /** From a split into what follows it, or past everything that is written. */
  #either(split: number, greedy: boolean): void {
    if (greedy) this.#aim(split, split + 1, this.steps.length);
    else this.#aim(split, this.steps.length, split + 1);
  }

  #aim(split: number, first: number, second: number): void {
    this.steps[split] = { does: "split", first, second };
  }

  #push(step: PatternStep): number {
    if (this.steps.length === MOST_STEPS) throw this.#uncovered(`more than ${MOST_STEPS} steps`);
    return this.steps.push(step) - 1;
  }
}
