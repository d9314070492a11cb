import { ServingError } from "../../base/serving-error.ts";
import { damaged } from "./booster.ts";

/** A string of the language holds no more. */
const MOST_BYTES = 2 ** 29 - 25;
/** A string, or one of the words that JSON does not have. */
const STRING_OR_WORD = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity|nan|inf)\b/g;

const WORDS: ReadonlyMap<string, string> = new Map([
  ["NaN", "null"],
  ["nan", "null"],
  ["Infinity", "1e999"],
  ["inf", "1e999"],
]);

/**
 * Parses JSON as XGBoost writes it: with `NaN`, which becomes null, and `Infinity`.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged text, unimplemented for one of more than 512 MiB
 */
export function parseLooseJson(bytes: Buffer, file: string): unknown {
  if (bytes.length > MOST_BYTES) {
    throw new ServingError(
      "unimplemented",
      `${file} is JSON of ${bytes.length} bytes, more than 512 MiB: save the model with booster.save_model("model.ubj")`,
    );
  }
  const text = bytes.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    // Only few files have such words; for the others this would take as long as parsing.
  }
  try {
    return JSON.parse(text.replace(STRING_OR_WORD, standard));
  } catch (cause) {
    throw damaged(file, "is no whole JSON document", { cause });
  }
}

function standard(token: string): string {
  if (token.startsWith('"')) return token;
  return token.startsWith("-") && !/nan/i.test(token) ? `-${WORDS.get(token.slice(1))}` : WORDS.get(token.replace("-", ""))!;
}
