import { beginsLikeLegacy } from "./legacy-booster.ts";

/** The forms that the library has written models in. */
export type ModelForm = "json" | "ubjson" | "legacy";

/** Keys are in order in what the library writes, but not in what others have written anew. */
const JSON_START = /^\s*\{\s*(?:"version"\s*:\s*\[[\d\s,]*\]\s*,\s*)?"learner"\s*:\s*\{/;
/** Bytes of a UBJSON key's length, by its type. */
const LENGTH_BYTES: Readonly<Record<string, number>> = { i: 1, U: 1, I: 2, l: 4, L: 8 };

/** The form of a file by its first 256 bytes; undefined for what is no model of XGBoost. */
export function formOf(bytes: Buffer): ModelForm | undefined {
  const first = bytes.subarray(0, 256);
  const text = first.toString("latin1");
  if (JSON_START.test(text)) return "json";
  if (beginsLikeUbjson(first, text)) return "ubjson";
  return beginsLikeLegacy(first) ? "legacy" : undefined;
}

/** Whether it is an object whose first key is `learner` or, with a list, `version`. */
function beginsLikeUbjson(first: Buffer, text: string): boolean {
  const size = text.startsWith("{") && Object.hasOwn(LENGTH_BYTES, text[1] ?? "") ? LENGTH_BYTES[text[1]] : 0;
  const key = 2 + size;
  if (size === 0 || first.length < key || first.readUIntBE(key - Math.min(size, 6), Math.min(size, 6)) !== "learner".length)
    return false;
  return text.startsWith("learner{", key) || text.startsWith("version[", key);
}
