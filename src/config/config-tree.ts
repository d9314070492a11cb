import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from "yaml";
import { ServingError } from "../base/serving-error.ts";

/** A path to a part of a config: keys of mappings and indices of lists. */
export type ConfigPath = readonly (string | number)[];

/** How deep mappings and lists may be nested; what is served needs six. */
const DEPTH_LIMIT = 40;

/** Aliases that are followed, and parts that a config may have with what they repeat: a few kilobytes of aliases can stand for billions. */
const ALIAS_LIMIT = 1000;
const SIZE_LIMIT = 1_000_000;

/** Characters of a text that are looked at. */
const LENGTH_LIMIT = 16 * 2 ** 20;

/** The order of YAML's own checks is not the order of the text. */
const TOO_DEEP = /call stack/;

/** What the library says in words that are for who calls it. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["MULTIPLE_DOCS", "a second document begins here, a config is one"],
  ["NON_STRING_KEY", "a key must be a string"],
]);

/**
 * A YAML or JSON text (JSON is YAML) as plain data that knows where each part of it stands.
 *
 * Mappings are objects without a prototype, so that no key means anything to JavaScript. Integers that a double cannot hold
 * are bigint, all other numbers are number.
 */
export class ConfigTree {
  readonly value: unknown;
  /** As the library has it, with comments; for who writes the text again. */
  readonly document: Document.Parsed;
  readonly #lines: LineCounter;
  #size = 0;
  #aliases = 0;
  /** The last part so far of each anchor. The library would look through the whole text for each alias. */
  readonly #anchors = new Map<string, Node>();
  readonly #anchored = new Set<Node>();
  readonly #targets = new Map<Alias, Node>();

  /** @throws ServingError invalid-argument, `LINE:COL: what is wrong` */
  constructor(text: string) {
    if (text.length > LENGTH_LIMIT) {
      throw new ServingError("invalid-argument", `1:1: the text is longer than ${LENGTH_LIMIT} characters`);
    }
    this.#lines = new LineCounter();
    this.document = parseDocument(text, {
      lineCounter: this.#lines,
      intAsBigInt: true,
      prettyErrors: false,
      stringKeys: true,
      // The library compares each key with all before it; the loop below does not.
      uniqueKeys: false,
      logLevel: "error",
    });
    const faults = [...this.document.errors, ...this.document.warnings];
    const [first] = faults.toSorted((a, b) => a.pos[0] - b.pos[0]);
    if (first !== undefined) {
      const deep = faults.some(({ message }) => TOO_DEEP.test(message));
      throw this.#error(first.pos[0], deep ? "nested too deep" : (WORDS.get(first.code) ?? sentence(first.message)));
    }
    const { explicit, version } = this.document.directives.yaml;
    // In version 1.1 yes is true and 010 is eight.
    if (explicit && version === "1.1") throw this.#error(0, "YAML 1.1 is not taken, leave the %YAML line out or say 1.2");
    this.value = this.#plain(this.document.contents, 1);
  }

  /** Where the value at a path stands, or its key, as `LINE:COL` from 1; of what is not there, where it would have to be. */
  place(path: ConfigPath, part: "value" | "key" = "value"): string {
    let node: Node | null | undefined = this.document.contents;
    let offset = offsetOf(node) ?? 0;
    for (const [index, step] of path.entries()) {
      // What an alias stands for is elsewhere; the fault is here.
      if (!isMap(node) && !isSeq(node)) break;
      if (isSeq(node)) {
        node = node.items[Number(step)] as Node | undefined;
      } else {
        const pair = node.items.find(({ key }) => keyOf(key) === String(step));
        const last = index === path.length - 1;
        node = (last && part === "key" ? pair?.key : (pair?.value ?? pair?.key)) as Node | undefined;
      }
      offset = offsetOf(node) ?? offset;
    }
    return this.#place(offset);
  }

  #plain(node: unknown, depth: number): unknown {
    if (node === null || node === undefined) return null;
    if (depth > DEPTH_LIMIT) throw this.#error(offsetOf(node as Node) ?? 0, `nested deeper than ${DEPTH_LIMIT}`);
    if (++this.#size > SIZE_LIMIT) throw this.#error(0, `more than ${SIZE_LIMIT} values, with those that aliases repeat`);
    if (isAlias(node)) {
      if (++this.#aliases > ALIAS_LIMIT) throw this.#error(offsetOf(node) ?? 0, `more than ${ALIAS_LIMIT} aliases to follow`);
      // What an alias inside of a repeated part stands for was told when that was read first.
      const target = this.#targets.get(node) ?? this.#anchors.get(node.source);
      if (target === undefined)
        throw this.#error(offsetOf(node) ?? 0, `there is no anchor "${node.source.slice(0, 80)}" before this`);
      this.#targets.set(node, target);
      return this.#plain(target, depth + 1);
    }
    this.#note(node as Node);
    if ((node as Node).tag !== undefined) {
      throw this.#error(offsetOf(node as Node) ?? 0, `tags such as ${(node as Node).tag!.slice(0, 80)} are not taken`);
    }
    if (isSeq(node)) return node.items.map((item) => this.#plain(item, depth + 1));
    if (isMap(node)) {
      const object = Object.create(null) as Record<string, unknown>;
      for (const { key, value } of node.items) {
        const name = keyOf(key);
        this.#note(key as Node);
        if (name in object)
          throw this.#error(offsetOf(key as Node) ?? 0, `the key ${JSON.stringify(name.slice(0, 100))} is there twice`);
        object[name] = this.#plain(value, depth + 1);
      }
      return object;
    }
    return isScalar(node) ? scalar(node) : null;
  }

  #note(node: Node): void {
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return;
    if (node.anchor === undefined || this.#anchored.has(node)) return;
    this.#anchored.add(node);
    this.#anchors.set(node.anchor, node);
  }

  #error(offset: number, message: string): ServingError {
    return new ServingError("invalid-argument", `${this.#place(offset)}: ${message}`);
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${Math.max(1, line)}:${Math.max(1, col)}`;
  }
}

function keyOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function offsetOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}

function scalar({ value }: Scalar): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A message of the library's as one of ours: it begins in lower case, and does not end in a full stop. */
function sentence(message: string): string {
  const short = message.split("\n", 1)[0]!.slice(0, 200).replace(/\.$/, "");
  return short.charAt(0).toLowerCase() + short.slice(1);
}
