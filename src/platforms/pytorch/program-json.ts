import { ServingError } from "../../base/serving-error.ts";
import { parseLooseJson } from "../loose-json.ts";

/** A program has a few of the words, for bounds that are open. */
const MOST_WORDS = 100_000;

/**
 * Parses JSON as Python writes it: `NaN` and `Infinity` become texts of that name.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged text
 */
export function parseProgramJson(text: string, file: string): unknown {
  let words = 0;
  try {
    return parseLooseJson(text, (word) => {
      // Python writes no other words: left as it is, this one is no JSON.
      if (/nan|inf$/.test(word)) return word;
      if (++words > MOST_WORDS) throw new ServingError("data-loss", `${file} has more than ${MOST_WORDS} numbers that are none`);
      return `"${word}"`;
    });
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
