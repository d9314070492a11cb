/** JSON as the server takes it, read by recursive descent into a tree: JSON's grammar with NaN and infinities, first name wins. */

/** A value with its text, and what the tree of it is. */
export type PlainValue =
  | { readonly kind: "number"; readonly text: string; readonly integer: boolean }
  | { readonly kind: "string"; readonly bytes: Buffer }
  | { readonly kind: "literal"; readonly text: "true" | "false" | "null" }
  | { readonly kind: "list"; readonly items: readonly PlainValue[] }
  | { readonly kind: "object"; readonly members: readonly (readonly [name: string, value: PlainValue])[] };

/** The text is refused. */
export class Refused extends Error {}

/** What the server refuses or takes otherwise than JSON.parse does. */
export interface Differences {
  /** NaN, Inf or Infinity was there. */
  namedNumbers: boolean;
  /** A number beyond a double, or half a surrogate pair, is the reason of a refusal. */
  stricter: boolean;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const NAMED = /-?(?:NaN|Inf(?:inity)?)/y;
const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", "/": "/" };

/** Reads the root object of a body; what follows it does not matter. Throws {@link Refused}. */
export class PlainJson {
  readonly differences: Differences = { namedNumbers: false, stricter: false };
  /** Where the root object begins and ends, in bytes. */
  start = 0;
  end = 0;
  /** One character a byte. */
  readonly #text: string;

  constructor(body: Uint8Array) {
    this.#text = Buffer.from(body).toString("latin1");
  }

  root(): PlainValue & { readonly kind: "object" } {
    this.start = this.#space(this.#text.startsWith("\xef\xbb\xbf") ? 3 : 0);
    this.end = this.start;
    const value = this.#value();
    if (value.kind !== "object") throw new Refused("not an object");
    return value;
  }

  #space(at: number): number {
    while (" \n\r\t".includes(this.#text[at] ?? "x")) at++;
    return at;
  }

  #value(): PlainValue {
    const text = this.#text;
    const first = text[this.end];
    if (first === "{") return this.#object();
    if (first === "[") return this.#list();
    if (first === '"') return { kind: "string", bytes: this.#string() };
    for (const word of ["true", "false", "null"] as const) {
      if (!text.startsWith(word, this.end)) continue;
      this.end += word.length;
      return { kind: "literal", text: word };
    }
    NAMED.lastIndex = this.end;
    const named = NAMED.exec(text);
    if (named !== null) {
      this.differences.namedNumbers = true;
      this.end += named[0].length;
      return { kind: "number", text: named[0].replace(/Inf$/, "Infinity"), integer: false };
    }
    NUMBER.lastIndex = this.end;
    const number = NUMBER.exec(text);
    if (number === null) throw new Refused(`no value at ${this.end}`);
    this.end += number[0].length;
    if (!Number.isFinite(Number(number[0]))) this.#refuseStricter("too big");
    return { kind: "number", text: number[0], integer: number[1] === undefined && number[2] === undefined };
  }

  #object(): PlainValue & { readonly kind: "object" } {
    const members: (readonly [string, PlainValue])[] = [];
    this.#items("}", () => {
      if (this.#text[this.end] !== '"') throw new Refused("no name");
      const name = this.#string().toString("latin1");
      this.#skipSpace();
      if (this.#text[this.end++] !== ":") throw new Refused("no colon");
      this.#skipSpace();
      members.push([name, this.#value()]);
    });
    return { kind: "object", members };
  }

  #list(): PlainValue {
    const items: PlainValue[] = [];
    this.#items("]", () => void items.push(this.#value()));
    return { kind: "list", items };
  }

  #items(close: string, read: () => void): void {
    this.end++;
    this.#skipSpace();
    if (this.#text[this.end] === close) {
      this.end++;
      return;
    }
    for (;;) {
      read();
      this.#skipSpace();
      const next = this.#text[this.end++];
      if (next === close) return;
      if (next !== ",") throw new Refused("no comma");
      this.#skipSpace();
    }
  }

  #skipSpace(): void {
    this.end = this.#space(this.end);
  }

  /** The bytes a string stands for. */
  #string(): Buffer {
    const text = this.#text;
    const parts: Buffer[] = [];
    let at = this.end + 1;
    for (;;) {
      const character = text[at++];
      if (character === undefined || character < " ") throw new Refused("in a string");
      if (character === '"') break;
      if (character !== "\\") {
        parts.push(Buffer.from(character, "latin1"));
        continue;
      }
      const letter = text[at++] ?? "";
      if (letter !== "u") {
        if (ESCAPES[letter] === undefined) throw new Refused("an escape");
        parts.push(Buffer.from(ESCAPES[letter]));
        continue;
      }
      let code = this.#hex(at);
      at += 4;
      if (code >= 0xd800 && code < 0xe000) {
        const second = text.startsWith("\\u", at) ? this.#hex(at + 2, true) : 0;
        if (code >= 0xdc00 || second < 0xdc00 || second > 0xdfff) this.#refuseStricter("half a pair");
        code = 0x10000 + ((code & 0x3ff) << 10) + (second & 0x3ff);
        at += 6;
      }
      parts.push(Buffer.from(String.fromCodePoint(code)));
    }
    this.end = at;
    return Buffer.concat(parts);
  }

  #hex(at: number, lenient = false): number {
    const digits = /^[0-9a-fA-F]{4}$/.exec(this.#text.slice(at, at + 4));
    if (digits !== null) return Number.parseInt(digits[0], 16);
    if (lenient) return 0;
    throw new Refused("hex");
  }

  #refuseStricter(why: string): never {
    this.differences.stricter = true;
    throw new Refused(why);
  }
}
