import { hexCode } from "../escapes.ts";

/** A string literal in Java, whose `\u` escapes are read before anything else: no quote and no line break may be one. */
export function javaString(text: string): string {
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/g, (unit) => (unit < "\x80" ? octal(unit) : `\\u${hexCode(unit, 4)}`));
  return `"${escaped}"`;
}

function octal(unit: string): string {
  return `\\${unit.charCodeAt(0).toString(8).padStart(3, "0")}`;
}

/** A method that reads the environment. */
export const ENVIRONMENT = `\
    static String environment(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }`;
