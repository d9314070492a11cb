import { ServingError } from "../../base/serving-error.ts";

/** Most bytes of a request that a message repeats. */
const PRINTED_BYTES = 256;

const decoder = new TextDecoder();

/** What a JSON value is called in messages; `Number` covers the NaN and infinity tokens. */
export type JsonType = "Null" | "False" | "True" | "Object" | "Array" | "String" | "Number";

/** The type of the value that starts with this byte. The text must have been scanned. */
export function jsonType(firstByte: number): JsonType {
  switch (firstByte) {
    case 0x6e:
      return "Null";
    case 0x66:
      return "False";
    case 0x74:
      return "True";
    case 0x7b:
      return "Object";
    case 0x5b:
      return "Array";
    case 0x22:
      return "String";
    default:
      return "Number";
  }
}

/** A fault of syntax, in TensorFlow Serving's words; `offset` counts bytes from the start of the body. */
export function syntaxError(text: string, offset: number): ServingError {
  return new ServingError("invalid-argument", `JSON Parse error: ${text} at offset: ${offset}`);
}

/**
 * The source text of `[start, end)` for a message: at most 256 bytes, cut between characters and marked with `...`.
 */
export function printValue(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= PRINTED_BYTES) return decoder.decode(bytes.subarray(start, end));
  let cut = start + PRINTED_BYTES;
  while (cut > start && (bytes[cut] & 0xc0) === 0x80) cut--;
  return `${decoder.decode(bytes.subarray(start, cut))}...`;
}

/** `JSON Value: V REST`, invalid-argument. */
export function valueError(bytes: Uint8Array, start: number, end: number, rest: string): ServingError {
  return new ServingError("invalid-argument", `JSON Value: ${printValue(bytes, start, end)} ${rest}`);
}
