import { hexCode } from "../escapes.ts";

/** A string literal in JavaScript and TypeScript. */
export function javascriptString(text: string): string {
  const escaped = text.replace(/["\\]/g, "\\$&").replace(/[^ -~]/g, (unit) => `\\u${hexCode(unit, 4)}`);
  return `"${escaped}"`;
}
