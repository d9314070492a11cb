import { ServingError } from "../../base/serving-error.ts";
import { parseLooseJson } from "../loose-json.ts";
import { damaged } from "./booster.ts";

/** A string of the language holds no more. */
const MOST_BYTES = 2 ** 29 - 25;

/**
 * Parses JSON as XGBoost writes it: with `NaN`, which becomes null, and `Infinity`.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged text, unimplemented for one of more than 512 MiB
 */
export function parseModelJson(bytes: Buffer, file: string): unknown {
  if (bytes.length > MOST_BYTES) {
    throw new ServingError(
      "unimplemented",
      `${file} is JSON of ${bytes.length} bytes, more than 512 MiB: save the model with booster.save_model("model.ubj")`,
    );
  }
  try {
    return parseLooseJson(bytes.toString("utf8"), standard);
  } catch (cause) {
    throw damaged(file, "is no whole JSON document", { cause });
  }
}

function standard(word: string): string {
  if (/nan/i.test(word)) return "null";
  return word.startsWith("-") ? "-1e999" : "1e999";
}
