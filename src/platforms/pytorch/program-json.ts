import { ServingError } from "../../base/serving-error.ts";

/** A string, or one of the words that Python writes and JSON does not have. */
const STRING_OR_WORD = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;

/**
 * Parses JSON as Python writes it: `NaN` and `Infinity` become texts of that name.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged text
 */
export function parseProgramJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Only few files have such words; for the others this would take as long as parsing.
  }
  try {
    return JSON.parse(text.replace(STRING_OR_WORD, (token) => (token.startsWith('"') ? token : `"${token}"`)));
  } catch (cause) {
    throw new ServingError("data-loss", `${file} is no whole JSON document`, { cause });
  }
}

/** A number as Python writes it, which may be one of the words; undefined for what is none. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity" || value === "-Infinity") return value === "Infinity" ? Infinity : -Infinity;
  return undefined;
}
