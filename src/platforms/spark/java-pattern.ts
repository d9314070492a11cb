/** A pattern of Java's as one of JavaScript's with the flag `u`, and how long a text may be for it to be found in reasonable time. */
export interface TranslatedPattern {
  readonly source: string;
  /** Infinity where time grows with the text's length only. */
  readonly longest: number;
}

const LONGEST_PATTERN = 1000;
const MOST_DEPTH = 20;
/** Longest text by how many parts may each have any length before something else has to follow. */
const LONGEST_TEXTS = [Number.POSITIVE_INFINITY, 5000, 500];
const MOST_OPTIONAL = 8;
/** A part that is there between some and some more times counts as one of any length from this many on. */
const MANY = 10;
const MOST_TIMES = 1000;

/** What Java's classes are; without a flag they know ASCII only. */
const SPACES = " \\t\\n\\x0B\\f\\r";
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["d", "0-9"],
  ["w", "A-Za-z0-9_"],
  ["s", SPACES],
  ["t", "\\t"],
  ["n", "\\n"],
  ["r", "\\r"],
  ["f", "\\f"],
]);
/** Negated classes, of which JavaScript's are the same. */
const NEGATED: ReadonlyMap<string, string> = new Map([
  ["D", "[^0-9]"],
  ["W", "[^A-Za-z0-9_]"],
  ["S", `[^${SPACES}]`],
]);
const POSIX: ReadonlyMap<string, string> = new Map([
  ["Lower", "a-z"],
  ["Upper", "A-Z"],
  ["ASCII", "\\x00-\\x7F"],
  ["Alpha", "A-Za-z"],
  ["Digit", "0-9"],
  ["Alnum", "A-Za-z0-9"],
  ["Punct", "!-\\/:-@\\[-`\\{-~"],
  ["Space", SPACES],
  ["Blank", " \\t"],
  ["XDigit", "0-9A-Fa-f"],
]);
/** General categories of Unicode, as both languages have them. */
const CATEGORY = /^(?:Is)?(L[ulmto]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?)$/;

/** Why a pattern is not covered: `\\b is not covered`. */
export class PatternRefused extends Error {}

/**
 * Translates a pattern of Java's regular expressions where JavaScript's means exactly the same: characters, classes, groups, alternatives
 * and quantifiers. Also refused is what matches an empty text, and what could take very long to find.
 *
 * @throws PatternRefused which says what is not covered
 */
export function translatePattern(pattern: string): TranslatedPattern {
  if (pattern.length > LONGEST_PATTERN)
    throw new PatternRefused(`a pattern of more than ${LONGEST_PATTERN} characters is not covered`);
  const { source, cost } = new Translator(Array.from(pattern)).pattern();
  const longest = LONGEST_TEXTS[cost.endless];
  if (longest === undefined || cost.optional > MOST_OPTIONAL) throw new PatternRefused("it could take very long");
  let expression: RegExp;
  try {
    expression = new RegExp(source, "u");
  } catch {
    throw new PatternRefused("it is none");
  }
  if (expression.test("")) throw new PatternRefused("it matches an empty text");
  return { source, longest: cost.endless === 1 && cost.endsEndless ? LONGEST_TEXTS[0] : longest };
}

/** How much trying a part may take. */
interface Cost {
  /** Parts of any length, one after the other. */
  readonly endless: number;
  readonly optional: number;
  /** Whether it has any quantifier. */
  readonly isQuantified: boolean;
  readonly hasAlternatives: boolean;
  /** Whether its only part of any length is the last: nothing behind it can fail. */
  readonly endsEndless: boolean;
}

interface Part {
  readonly source: string;
  readonly cost: Cost;
}

const NOTHING: Cost = { endless: 0, optional: 0, isQuantified: false, hasAlternatives: false, endsEndless: true };

class Translator {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(characters: readonly string[]) {
    this.#characters = characters;
  }

  pattern(): Part {
    const part = this.#alternatives(0);
    if (this.#at < this.#characters.length) throw new PatternRefused("it is none");
    return part;
  }

  #alternatives(depth: number): Part {
    if (depth > MOST_DEPTH) throw new PatternRefused("it is too deep");
    const parts = [this.#sequence(depth)];
    while (this.#peek() === "|") {
      this.#at++;
      parts.push(this.#sequence(depth));
    }
    if (parts.length === 1) return parts[0];
    const costs = parts.map(({ cost }) => cost);
    return {
      source: parts.map(({ source }) => source).join("|"),
      cost: {
        endless: Math.max(...costs.map(({ endless }) => endless)),
        optional: costs.reduce((sum, { optional }) => sum + optional, 0),
        isQuantified: costs.some(({ isQuantified }) => isQuantified),
        hasAlternatives: true,
        endsEndless: costs.every(({ endsEndless }) => endsEndless),
      },
    };
  }

  #sequence(depth: number): Part {
    let source = "";
    let cost = NOTHING;
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek()) {
      const part = this.#quantified(this.#atom(depth));
      source += part.source;
      cost = {
        endless: cost.endless + part.cost.endless,
        optional: cost.optional + part.cost.optional,
        isQuantified: cost.isQuantified || part.cost.isQuantified,
        hasAlternatives: cost.hasAlternatives || part.cost.hasAlternatives,
        endsEndless: cost.endless === 0 && part.cost.endsEndless,
      };
    }
    return { source, cost };
  }

  #atom(depth: number): Part {
    const character = this.#take();
    switch (character) {
      case "(":
        return this.#group(depth);
      case "[":
        return { source: this.#class(), cost: NOTHING };
      case "\\":
        return { source: this.#escape(), cost: NOTHING };
      case ".":
        // What Java holds to be ends of lines.
        return { source: "[^\\n\\r\\u0085\\u2028\\u2029]", cost: NOTHING };
      case "^":
      case "$":
      case "*":
      case "+":
      case "?":
      case "{":
        throw new PatternRefused(`${character} in this place is not covered`);
      default:
        return { source: literal(character), cost: NOTHING };
    }
  }

  #group(depth: number): Part {
    if (this.#peek() === "?") {
      this.#at++;
      if (this.#take() !== ":") throw new PatternRefused("a group (?...) is not covered");
    }
    const { source, cost } = this.#alternatives(depth + 1);
    if (this.#take() !== ")") throw new PatternRefused("it is none");
    return { source: `(?:${source})`, cost };
  }

  #quantified({ source, cost }: Part): Part {
    const times = this.#times();
    if (times === undefined) return { source, cost };
    const { text, least, most } = times;
    let end = "";
    if (this.#peek() === "?") {
      this.#at++;
      end = "?";
    } else if (this.#peek() === "+") throw new PatternRefused("a quantifier that gives nothing back is not covered");
    if (most > 1 && (cost.isQuantified || cost.hasAlternatives)) throw new PatternRefused("it could take very long");
    const isEndless = most - least > MANY;
    return {
      source: `${source}${text}${end}`,
      cost: {
        ...cost,
        endless: cost.endless + (isEndless ? 1 : 0),
        optional: cost.optional + (!isEndless && most > least ? most - least : 0),
        isQuantified: true,
        // One that takes as little as it can ends at once; what may be left out does not make the rest fail.
        endsEndless: cost.endsEndless,
      },
    };
  }

  #times(): { readonly text: string; readonly least: number; readonly most: number } | undefined {
    const character = this.#peek();
    const endless = Number.POSITIVE_INFINITY;
    if (character === "*" || character === "+" || character === "?") {
      this.#at++;
      return { text: character, least: character === "+" ? 1 : 0, most: character === "?" ? 1 : endless };
    }
    if (character !== "{") return undefined;
    let text = "";
    while (this.#peek() !== "}") text += this.#take();
    text += this.#take();
    const found = /^\{(\d{1,9})(,?)(\d{0,9})\}$/.exec(text);
    if (found === null) throw new PatternRefused("it is none");
    const least = Number(found[1]);
    const most = found[2] === "" ? least : found[3] === "" ? endless : Number(found[3]);
    if (least > MOST_TIMES || most < least || (most !== endless && most > MOST_TIMES))
      throw new PatternRefused(`${text} is not covered`);
    return { text, least, most };
  }

  /** An escape outside of brackets. */
  #escape(): string {
    const character = this.#take();
    const negated = NEGATED.get(character);
    if (negated !== undefined) return negated;
    if (character === "P") return `[^${this.#property()}]`;
    this.#at--;
    return `[${this.#escaped()}]`;
  }

  /** An escape as part of a class. */
  #escaped(): string {
    const character = this.#take();
    const known = ESCAPES.get(character);
    if (known !== undefined) return known;
    // Of these two JavaScript's are the same; its spaces are others.
    if (character === "W" || character === "D") return `\\${character}`;
    if (character === "p") return this.#property();
    if (character === "x" || character === "u") {
      const digits = Array.from({ length: character === "x" ? 2 : 4 }, () => this.#take()).join("");
      if (!/^[0-9A-Fa-f]+$/.test(digits) || /^d[89a-f]/i.test(digits))
        throw new PatternRefused(`\\${character}${digits} is not covered`);
      return `\\u${digits.padStart(4, "0")}`;
    }
    // Java takes any other letter and digit for something of its own.
    if (/[A-Za-z0-9]/.test(character)) throw new PatternRefused(`\\${character} is not covered`);
    return literal(character);
  }

  #property(): string {
    let name = this.#take();
    if (name === "{") {
      name = "";
      for (let next = this.#take(); next !== "}"; next = this.#take()) name += next;
    }
    const posix = POSIX.get(name);
    if (posix !== undefined) return posix;
    const [, category] = CATEGORY.exec(name) ?? [];
    if (category === undefined) throw new PatternRefused(`\\p{${name.slice(0, 50)}} is not covered`);
    return `\\p{${category}}`;
  }

  #class(): string {
    let source = "[";
    if (this.#peek() === "^") {
      this.#at++;
      source += "^";
    }
    // What is before a dash has to be a character, and no range, for it to be a range's.
    let before = "nothing" as "nothing" | "character" | "dash" | "other";
    for (;;) {
      const character = this.#take();
      if (character === "]" && before !== "nothing") return `${source}]`;
      if (character === "]" || character === "[" || character === "&" || character === "^") {
        throw new PatternRefused(`${character} in brackets is not covered`);
      }
      if (character === "-") {
        const isLast = this.#peek() === "]";
        if (!isLast && before !== "nothing" && before !== "character") throw new PatternRefused("- in this place is not covered");
        const isRange: boolean = before === "character" && !isLast;
        source += isRange ? "-" : "\\-";
        before = isRange ? "dash" : "other";
        continue;
      }
      const part = character === "\\" ? this.#escaped() : literal(character);
      source += part;
      before = before === "dash" || isSet(part) ? "other" : "character";
    }
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new PatternRefused("it is none");
    return character;
  }
}

/** Whether a part of a class is more than one character. */
function isSet(part: string): boolean {
  return !/^(?:.|\\[tnrf]|\\u[0-9A-Fa-f]{4})$/su.test(part);
}

/** A character that stands for itself. */
function literal(character: string): string {
  const code = character.codePointAt(0)!;
  return /[A-Za-z0-9]/.test(character) || code > 127 ? character : `\\u${code.toString(16).padStart(4, "0")}`;
}
