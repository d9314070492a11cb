import { createHash } from "node:crypto";

/** Longest part of a name that a user chose. */
const LONGEST_PART = 64;

const PLAIN = /^[A-Za-z0-9_-]+$/;

/**
 * A name for what belongs to a model, or to a signature of one, of the letters that components may be named with: the names joined by
 * dots where they consist of such letters, else what is left of them and a digest. The same for the same names whatever else there is,
 * and another for others, as many of them as there are here.
 */
export function componentName(...names: readonly string[]): string {
  if (names.every((name) => PLAIN.test(name) && name.length <= LONGEST_PART)) return names.join(".");
  const digest = createHash("sha256").update(JSON.stringify(names)).digest("hex").slice(0, 32);
  // Plain parts have no dot, so one dot more keeps these names apart from theirs.
  return [...names.map((name) => name.slice(0, LONGEST_PART).replace(/[^A-Za-z0-9_-]+/g, "-")), digest].join(".");
}
