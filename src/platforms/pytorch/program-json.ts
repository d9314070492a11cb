import { ServingError } from "../../base/serving-error.ts";

/** A string, or one of the words that Python writes and JSON does not have. */
const STRING_OR_WORD = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;

/** A program has a few of the words, for bounds that are open. */
const MOST_WORDS = 100_000;

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
    let words = 0;
    const quoted = text.replace(STRING_OR_WORD, (token) => {
      if (token.startsWith('"')) return token;
      if (++words > MOST_WORDS) throw new ServingError("data-loss", `${file} has more than ${MOST_WORDS} numbers that are none`);
      return `"${token}"`;
    });
    return JSON.parse(quoted);
  } catch (cause) {
    if (cause instanceof ServingError) throw cause;
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
