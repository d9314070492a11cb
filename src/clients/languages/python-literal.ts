import type { DataStyle } from "../body-data.ts";
import { hexCode, isAstral } from "../escapes.ts";

/** A string literal in Python. */
export function pythonString(text: string): string {
  const escaped = text
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/gu, (sign) => (isAstral(sign) ? `\\U${hexCode(sign, 8)}` : `\\u${hexCode(sign, 4)}`));
  return `"${escaped}"`;
}

/** Data in Python. */
export const PYTHON_DATA: DataStyle = {
  string: pythonString,
  list: ["[", "]"],
  object: ["{", "}"],
  arrow: ": ",
  words: { true: "True", false: "False", null: "None" },
  indent: "    ",
  fill: (element, sizes) => `filled(${[element, ...sizes].join(", ")})`,
};
