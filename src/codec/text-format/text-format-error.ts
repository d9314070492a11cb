import { ServingError } from "../../base/serving-error.ts";

/**
 * An invalid-argument error that begins with `LINE:COL: `, both counted from 1 in characters, as in TF Serving's own
 * parse errors.
 */
export function textFormatError(text: string, offset: number, message: string): ServingError {
  return new ServingError("invalid-argument", `${placeInText(text, offset)}: ${message}`);
}

/** Where an offset is in a text, as `LINE:COL`, both counted from 1 in characters. */
export function placeInText(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  return `${line}:${offset - lineStart + 1}`;
}
