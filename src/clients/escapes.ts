/** The code of a character or unit in hexadecimal, of at least that many digits. */
export function hexCode(character: string, digits: number): string {
  return character.codePointAt(0)!.toString(16).padStart(digits, "0");
}

/** Every line after a comment sign. */
export function comment(sign: string, lines: readonly string[]): string {
  return lines.map((line) => `${sign} ${line}`.trimEnd()).join("\n");
}

/** Lines without those that are absent, with a line break after each. */
export function joinLines(...lines: readonly (string | false | undefined)[]): string {
  return lines
    .filter((line) => line !== false && line !== undefined)
    .map((line) => `${line}\n`)
    .join("");
}

/** Whether a character takes two units of UTF-16. */
export function isAstral(character: string): boolean {
  return character.codePointAt(0)! > 0xffff;
}
