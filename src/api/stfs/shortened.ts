/** Most characters that a message repeats of what a request says. */
const LONGEST = 100;

/** A text as messages repeat it: what is longer is cut and ends in `...`. */
export function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}...`;
}
