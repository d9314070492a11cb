import { ServingError } from "../base/serving-error.ts";
import type { Flag } from "./flags.ts";

/** A value as the server works with it: a list is an array of texts, a choice and a text are strings. */
export type FlagValue = boolean | number | string | readonly string[];

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

/**
 * Reads what was written behind a flag.
 * @throws ServingError invalid-argument that names the flag and what it expects
 */
export function parseFlagValue(flag: Flag, text: string): FlagValue {
  switch (flag.kind) {
    case "boolean":
      return BOOLEANS.get(text.toLowerCase()) ?? malformed(flag, "true or false", text);
    case "integer":
      return parseNumber(flag, text, /^[+-]?[0-9]+$/, "an integer");
    case "number":
      return parseNumber(flag, text, /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/, "a number");
    case "choice":
      return flag.choices!.includes(text) ? text : malformed(flag, `one of ${flag.choices!.join(", ")}`, text);
    case "list":
      return text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "");
    case "text":
      return text;
  }
}

function parseNumber(flag: Flag, text: string, pattern: RegExp, what: string): number {
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = flag;
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : malformed(flag, `${what} from ${least} to ${most}`, text);
}

function malformed(flag: Flag, expected: string, text: string): never {
  throw new ServingError("invalid-argument", `--${flag.name} expects ${expected}, got ${JSON.stringify(text)}`);
}
