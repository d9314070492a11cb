/** A character of class 1, and one of class 240: the lowest and the highest that there are. */
const LOWEST = "\u0334";
const HIGHEST = "\u0345";
const KNOWN = new Map<string, boolean>();

/**
 * Whether a character of a decomposed text combines with the one before it: whether Unicode's canonical combining class of it is not 0.
 * JavaScript does not have the class, but puts characters in the order of their classes when it decomposes.
 */
export function isCombining(character: string): boolean {
  let known = KNOWN.get(character);
  if (known === undefined) {
    known = moves(HIGHEST + character) || moves(character + LOWEST);
    KNOWN.set(character, known);
  }
  return known;
}

function moves(pair: string): boolean {
  return pair.normalize("NFD") !== pair;
}
