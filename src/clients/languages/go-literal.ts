import { hexCode, isAstral } from "../escapes.ts";

/** A string literal in Go. */
export function goString(text: string): string {
  if (/^[ -_a-~]*$/.test(text) && text.includes('"')) return `\`${text}\``;
  const escaped = text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => (isAstral(sign) ? `\\U${hexCode(sign, 8)}` : `\\u${hexCode(sign, 4)}`));
  return `"${escaped}"`;
}

/** Ends a program in Go for an error. */
export const EXIT_ON = `\
func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}`;
