import { ServingError } from "../base/serving-error.ts";

/** A JSON document whose numbers keep their digits. `filled` is nested lists of which every element is the same. */
export type JsonTree =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "list"; readonly items: readonly JsonTree[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [name: string, value: JsonTree])[] }
  | { readonly kind: "filled"; readonly element: JsonTree; readonly sizes: readonly number[] };

/** Lists in lists that are followed: more than any tensor has dimensions. */
const DEEPEST = 64;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/** Reads JSON. Throws ServingError invalid-argument for anything else, and for lists nested deeper than 64. */
export function parseJson(text: string): JsonTree {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new ServingError("invalid-argument", "the example request is not JSON", { cause });
  }
  return new Reader(text).value(0);
}

/** Reads JSON that {@link JSON.parse} has taken. */
class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): JsonTree {
    if (depth > DEEPEST) throw new ServingError("invalid-argument", `the example request is nested deeper than ${DEEPEST}`);
    this.#match(SPACE);
    const first = this.#text[this.#position];
    const tree = this.#started(first, depth);
    this.#match(SPACE);
    return tree;
  }

  #started(first: string | undefined, depth: number): JsonTree {
    if (first === "[") return { kind: "list", items: this.#between("]", () => this.value(depth + 1)) };
    if (first === "{") {
      const entries = this.#between("}", () => {
        this.#match(SPACE);
        const name = JSON.parse(this.#match(STRING)) as string;
        this.#match(SPACE);
        this.#position++;
        return [name, this.value(depth + 1)] as const;
      });
      // Of a name that comes twice the last counts, as it does to JSON.parse.
      return { kind: "object", entries: [...new Map(entries)] };
    }
    if (first === '"') return { kind: "string", value: JSON.parse(this.#match(STRING)) as string };
    return { kind: "literal", text: this.#match(WORD) || this.#match(NUMBER) };
  }

  #between<Item>(end: string, item: () => Item): Item[] {
    const items: Item[] = [];
    this.#position++;
    this.#match(SPACE);
    while (this.#text[this.#position] !== end) {
      items.push(item());
      if (this.#text[this.#position] === ",") this.#position++;
    }
    this.#position++;
    return items;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#position += found.length;
    return found;
  }
}

/** JSON of printable ASCII on one line: whatever is neither is an escape. */
export function printJson(tree: JsonTree): string {
  switch (tree.kind) {
    case "literal":
      return tree.text;
    case "string":
      return jsonString(tree.value);
    case "list":
      return `[${tree.items.map(printJson).join(", ")}]`;
    case "object":
      return `{${tree.entries.map(([name, value]) => `${jsonString(name)}: ${printJson(value)}`).join(", ")}}`;
    case "filled":
      return tree.sizes.reduceRight((text, size) => `[${Array(size).fill(text).join(", ")}]`, printJson(tree.element));
  }
}

/** A JSON string of printable ASCII. */
export function jsonString(value: string): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The entries of an object by name; none for anything else. */
export function entriesOf(tree: JsonTree | undefined): ReadonlyMap<string, JsonTree> {
  return new Map(tree?.kind === "object" ? tree.entries : []);
}

/** How many numbers, words and strings there are. */
export function countValues(tree: JsonTree): number {
  switch (tree.kind) {
    case "list":
      return tree.items.reduce((sum, item) => sum + countValues(item), 0);
    case "object":
      return tree.entries.reduce((sum, [, value]) => sum + countValues(value), 0);
    case "filled":
      return tree.sizes.reduce((product, size) => product * size, countValues(tree.element));
    case "literal":
    case "string":
      return 1;
  }
}

/** The same document with every list of more than `most` values of which all are the same written as `filled`. */
export function foldFilled(tree: JsonTree, most: number): JsonTree {
  if (tree.kind === "object") {
    return { kind: "object", entries: tree.entries.map(([name, value]) => [name, foldFilled(value, most)]) };
  }
  if (tree.kind !== "list") return tree;
  const filled = asFilled(tree);
  if (filled !== undefined && countValues(filled) > most) return filled;
  return { kind: "list", items: tree.items.map((item) => foldFilled(item, most)) };
}

/** The list as one value and its shape; undefined where the values differ or it has none. */
function asFilled(tree: JsonTree): Extract<JsonTree, { kind: "filled" }> | undefined {
  if (tree.kind !== "list") return undefined;
  const [first, ...others] = tree.items;
  if (first === undefined) return undefined;
  if (first.kind !== "list") {
    const text = printJson(first);
    if (others.some((other) => other.kind === "list" || printJson(other) !== text)) return undefined;
    return { kind: "filled", element: first, sizes: [tree.items.length] };
  }
  const inner = asFilled(first);
  if (inner === undefined) return undefined;
  const text = printJson(inner.element);
  for (const other of others) {
    const found = asFilled(other);
    if (found === undefined || printJson(found.element) !== text || String(found.sizes) !== String(inner.sizes)) return undefined;
  }
  return { kind: "filled", element: inner.element, sizes: [tree.items.length, ...inner.sizes] };
}
