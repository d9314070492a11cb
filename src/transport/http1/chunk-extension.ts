/**
 * The extensions of a chunk (RFC 9112, section 7.1.1). They are dropped, but read to the letter: a reader that is lax about
 * their quotes or blanks takes another byte for the end of the line, and with it another request.
 */
import { CR, FIELD_VALUE, SPACE, TAB, TOKEN } from "./grammar.ts";

/**
 * What the next byte belongs to: before -> start -> name -> name-end -> equals -> (value | quoted -> quoted-end) -> before ...;
 * `line-end` has had the carriage return.
 */
export type ExtensionPlace =
  | "before"
  | "start"
  | "name"
  | "name-end"
  | "equals"
  | "value"
  | "quoted"
  | "escaped"
  | "quoted-end"
  | "line-end";

const QUOTE = 34;
const SEMICOLON = 59;
const EQUALS = 61;
const BACKSLASH = 92;

/** Where the byte leads; undefined when it may not stand there. */
export function nextInExtension(place: ExtensionPlace, byte: number): ExtensionPlace | undefined {
  const blank = byte === SPACE || byte === TAB;
  switch (place) {
    case "before":
      if (blank) return "before";
      return byte === SEMICOLON ? "start" : undefined;
    case "start":
      if (blank) return "start";
      return TOKEN[byte] === 0 ? undefined : "name";
    case "name":
      if (TOKEN[byte] !== 0) return "name";
      if (byte === CR) return "line-end";
      return nextInExtension("name-end", byte);
    case "name-end":
      if (blank) return "name-end";
      if (byte === EQUALS) return "equals";
      return byte === SEMICOLON ? "start" : undefined;
    case "equals":
      if (blank) return "equals";
      if (byte === QUOTE) return "quoted";
      return TOKEN[byte] === 0 ? undefined : "value";
    case "value":
      return TOKEN[byte] === 0 ? nextInExtension("quoted-end", byte) : "value";
    case "quoted":
      if (byte === QUOTE) return "quoted-end";
      if (byte === BACKSLASH) return "escaped";
      return FIELD_VALUE[byte] === 1 ? "quoted" : undefined;
    case "escaped":
      return FIELD_VALUE[byte] === 1 ? "quoted" : undefined;
    case "quoted-end":
      return byte === CR ? "line-end" : nextInExtension("before", byte);
    case "line-end":
      return undefined;
  }
}
