import { type JsonTree, jsonString, printJson } from "./json-tree.ts";

/** Longer literals are cut: Java's class files hold strings of at most 65,535 bytes. */
const LONGEST_LITERAL = 8000;

/** How a language writes a JSON document as an expression. */
export interface BodyStyle {
  /** A string literal of the text. */
  readonly literal: (text: string) => string;
  /** A call of the program's function that repeats JSON text into nested lists; sizes come innermost first. */
  readonly fill: (element: string, sizes: readonly number[]) => string;
  /** One expression of several. */
  readonly join: (parts: readonly string[]) => string;
}

/** The document as an expression of a language that gives its JSON text. */
export function bodyText(body: JsonTree, { literal, fill, join }: BodyStyle): string {
  const parts = partsOf(body).flatMap((part) =>
    typeof part === "string"
      ? (part.match(new RegExp(`[^]{1,${LONGEST_LITERAL}}`, "g")) ?? []).map((text) => literal(text))
      : [fill(literal(part.element), part.sizes)],
  );
  return parts.length === 1 ? parts[0] : join(parts);
}

/** Whether a program needs a function that fills lists. */
export function hasFilled(tree: JsonTree): boolean {
  return partsOf(tree).some((part) => typeof part !== "string");
}

type Part = string | { readonly element: string; readonly sizes: readonly number[] };

/** JSON text in pieces, with the lists that a program fills between them. */
function partsOf(tree: JsonTree): readonly Part[] {
  switch (tree.kind) {
    case "filled":
      return [{ element: printJson(tree.element), sizes: tree.sizes.toReversed() }];
    case "list":
      return merged(["[", ...tree.items.flatMap((item, i) => [i > 0 ? ", " : "", ...partsOf(item)]), "]"]);
    case "object": {
      const entries = tree.entries.flatMap(([name, value], i) => [
        `${i > 0 ? ", " : ""}${jsonString(name)}: `,
        ...partsOf(value),
      ]);
      return merged(["{", ...entries, "}"]);
    }
    case "literal":
    case "string":
      return [printJson(tree)];
  }
}

function merged(parts: readonly Part[]): readonly Part[] {
  const whole: Part[] = [];
  for (const part of parts) {
    const last = whole.at(-1);
    if (typeof part === "string" && typeof last === "string") whole[whole.length - 1] = last + part;
    else whole.push(part);
  }
  return whole;
}
