import type { JsonTree } from "./json-tree.ts";

/** How a language writes lists, objects and words as data of its own. */
export interface DataStyle {
  readonly string: (value: string) => string;
  /** A name before the arrow, where that is not written as {@link string}. */
  readonly name?: (name: string) => string;
  readonly list: readonly [open: string, close: string];
  readonly object: readonly [open: string, close: string];
  /** What stands between a name and its value: `: `. */
  readonly arrow: string;
  /** An object without entries, where that is not its brackets. */
  readonly emptyObject?: string;
  readonly words: { readonly true: string; readonly false: string; readonly null: string };
  readonly indent: string;
  /** A call of the program's function that nests a value in lists; sizes come outermost first. */
  readonly fill: (element: string, sizes: readonly number[]) => string;
}

/** Longer expressions are broken into lines. */
const LINE = 100;

/** A document as an expression of a language that has data like it. */
export function bodyData(tree: JsonTree, style: DataStyle, margin = ""): string {
  switch (tree.kind) {
    case "literal":
      return tree.text in style.words ? style.words[tree.text as keyof DataStyle["words"]] : tree.text;
    case "string":
      return style.string(tree.value);
    case "filled":
      return style.fill(bodyData(tree.element, style, margin), tree.sizes);
    case "list": {
      const flat = tree.items.every(({ kind }) => kind === "literal");
      return lines(
        style.list,
        tree.items.map((item) => bodyData(item, style, margin + style.indent)),
        style,
        margin,
        flat,
      );
    }
    case "object": {
      if (tree.entries.length === 0 && style.emptyObject !== undefined) return style.emptyObject;
      const entries = tree.entries.map(
        ([name, value]) => (style.name ?? style.string)(name) + style.arrow + bodyData(value, style, margin + style.indent),
      );
      return lines(style.object, entries, style, margin, false);
    }
  }
}

/** Whether a number of the document satisfies the test, which is given its digits. */
export function someNumber(tree: JsonTree, test: (text: string) => boolean): boolean {
  switch (tree.kind) {
    case "literal":
      return /^[-\d]/.test(tree.text) && test(tree.text);
    case "string":
      return false;
    case "filled":
      return someNumber(tree.element, test);
    case "list":
      return tree.items.some((item) => someNumber(item, test));
    case "object":
      return tree.entries.some(([, value]) => someNumber(value, test));
  }
}

function lines(
  [open, close]: readonly [string, string],
  items: readonly string[],
  { indent }: DataStyle,
  margin: string,
  flat: boolean,
): string {
  const line = `${open}${items.join(", ")}${close}`;
  if (flat || items.length === 0 || (line.length + margin.length <= LINE && !line.includes("\n"))) return line;
  return `${open}\n${items.map((item) => `${margin}${indent}${item},\n`).join("")}${margin}${close}`;
}
