import { readStringLiteral } from "./string-literal.ts";
import { textFormatError } from "./text-format-error.ts";

/** One lexical unit. A sign before a number is a symbol of its own. */
export type Token =
  | { readonly kind: "end"; readonly offset: number }
  | { readonly kind: "symbol" | "identifier" | "float"; readonly offset: number; readonly text: string }
  | { readonly kind: "integer"; readonly offset: number; readonly text: string; readonly value: bigint }
  | { readonly kind: "string"; readonly offset: number; readonly bytes: Uint8Array };

const BLANK = /(?:[ \t\r\n\v\f]|#[^\n]*)*/y;
const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
/** Everything that could belong to a number, so that `5bar` is one bad number and not two tokens. */
const NUMBER = /\.?[0-9](?:[eE][+-]|[A-Za-z0-9_.+-])*/y;
const BRACKETED_NAME = /[ \t\r\n]*([A-Za-z0-9_./~!$&()*+,;=%-]+)[ \t\r\n]*\]/y;

const DECIMAL = /^(?:0|[1-9][0-9]*)$/;
const OCTAL = /^0[0-7]+$/;
const HEXADECIMAL = /^0[xX][0-9a-fA-F]+$/;
const FLOAT = /^(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?$/;

/** Cuts protobuf text format into tokens with one token of look-ahead; comments and blanks are skipped. */
export class Tokenizer {
  readonly #text: string;
  #offset: number;
  #next: Token | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#offset = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  /** The next token, left in place. */
  peek(): Token {
    this.#next ??= this.#read();
    return this.#next;
  }

  /** The next token, taken. At the end it is `end` for ever. */
  take(): Token {
    const token = this.peek();
    this.#next = undefined;
    return token;
  }

  /** Takes the next token when it is this symbol. */
  takeSymbol(symbol: string): boolean {
    const token = this.peek();
    if (token.kind !== "symbol" || token.text !== symbol) return false;
    this.take();
    return true;
  }

  /** The name up to `]`; to be called when `[` was taken last, where a name and not a list may stand. */
  takeBracketedName(): string {
    const found = this.#match(BRACKETED_NAME);
    if (!found) throw this.error(this.#offset, 'expected a type or extension name and "]"');
    return found[1]!;
  }

  /** An error that names the place of `offset` in the text. */
  error(offset: number, message: string): Error {
    return textFormatError(this.#text, offset, message);
  }

  #read(): Token {
    this.#match(BLANK);
    const offset = this.#offset;
    const character = this.#text[offset];
    if (character === undefined) return { kind: "end", offset };
    if (character === '"' || character === "'") return this.#readString(offset);

    const identifier = this.#match(IDENTIFIER);
    if (identifier) return { kind: "identifier", offset, text: identifier[0] };

    const number = this.#match(NUMBER);
    if (number) return this.#classifyNumber(offset, number[0]);

    if (!"{}<>[]:,;-".includes(character)) {
      const shown = String.fromCodePoint(this.#text.codePointAt(offset)!);
      throw this.error(offset, `unexpected character ${JSON.stringify(shown)}`);
    }
    this.#offset++;
    return { kind: "symbol", offset, text: character };
  }

  #readString(offset: number): Token {
    const literal = readStringLiteral(this.#text, offset);
    if ("fault" in literal) throw this.error(literal.offset, literal.fault);
    this.#offset = literal.end;
    return { kind: "string", offset, bytes: literal.bytes };
  }

  #classifyNumber(offset: number, text: string): Token {
    if (DECIMAL.test(text) || HEXADECIMAL.test(text)) return { kind: "integer", offset, text, value: BigInt(text) };
    if (OCTAL.test(text)) return { kind: "integer", offset, text, value: BigInt(`0o${text.slice(1)}`) };
    if (FLOAT.test(text)) return { kind: "float", offset, text };
    throw this.error(offset, `malformed number "${text}"`);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text);
    if (found) this.#offset += found[0].length;
    return found;
  }
}

/** A token as an error message shows it. */
export function describeToken(token: Token): string {
  switch (token.kind) {
    case "end":
      return "the end of the text";
    case "string":
      return "a string";
    case "symbol":
    case "identifier":
    case "float":
    case "integer":
      return `"${token.text}"`;
  }
}
