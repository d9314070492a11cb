import { ServingError } from "../../base/serving-error.ts";
import { damaged } from "./damaged.ts";

/** One output of a node. */
export interface SymbolEntry {
  readonly node: number;
  readonly output: number;
}

/** A node of a graph as the file says; a variable has no operator. */
export interface SymbolNode {
  readonly operator: string | undefined;
  readonly name: string;
  /** Settings of the operator as text; of a variable what is known of it. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Outputs of earlier nodes. */
  readonly inputs: readonly SymbolEntry[];
}

/** A `-symbol.json` file. */
export interface SymbolGraph {
  /** Each after those that it needs. */
  readonly nodes: readonly SymbolNode[];
  readonly heads: readonly SymbolEntry[];
  /** The version of MXNet that wrote it, as major * 10000 + minor * 100 + patch; 800 where it does not say. */
  readonly version: number;
}

const FIRST_VERSION = 800;
const MOST_BYTES = 256 << 20;

/**
 * Reads the graph of a `-symbol.json` file of any version. Settings have been in `param`, `attr` and `attrs`.
 * @throws ServingError data-loss for what is no graph, unimplemented for more than 256 MiB; each names the file
 */
export function readSymbol(bytes: Buffer, file: string): SymbolGraph {
  if (bytes.length > MOST_BYTES) throw new ServingError("unimplemented", `${file} has ${bytes.length} bytes, more than 256 MiB`);
  const document = new JsonPart(parsed(bytes, file), file);
  const nodes: SymbolNode[] = [];
  for (const part of document.at("nodes").list()) nodes.push(nodeOf(part, nodes.length));
  const heads = document
    .at("heads")
    .list()
    .map((part) => entryOf(part, nodes.length));
  if (heads.length === 0) throw damaged(file, "has no heads");
  return { nodes, heads, version: versionOf(document) };
}

function parsed(bytes: Buffer, file: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw damaged(file, "is no JSON", { cause });
  }
}

function nodeOf(part: JsonPart, index: number): SymbolNode {
  const operator = part.at("op").text();
  // User attributes may lie beside the operator's settings, which win.
  const attributes = new Map([
    ...(part.maybe("param") === undefined || operator === "null" ? textsOf(part.maybe("attr")) : []),
    ...textsOf(part.maybe("attrs")),
    ...textsOf(part.maybe("param")),
  ]);
  return {
    operator: operator === "null" ? undefined : operator,
    name: part.at("name").text(),
    attributes,
    inputs: part
      .at("inputs")
      .list()
      .map((each) => entryOf(each, index)),
  };
}

function textsOf(part: JsonPart | undefined): [string, string][] {
  return part === undefined ? [] : part.entries().map(([key, value]) => [key, value.setting()]);
}

/** An output of a node before `end`: whoever needs himself would never be done. */
function entryOf(part: JsonPart, end: number): SymbolEntry {
  const [node, output] = part.list();
  if (node === undefined || output === undefined) throw damaged(part.where, "is no output of a node");
  return { node: node.index(end), output: output.index(1 << 20) };
}

/** `["int", 10901]`. */
function versionOf(document: JsonPart): number {
  const [, version] = document.maybe("attrs")?.maybe("mxnet_version")?.list() ?? [];
  return version === undefined ? FIRST_VERSION : version.index(2 ** 31);
}

/** A part of the document, and what errors call it. */
class JsonPart {
  readonly where: string;
  readonly #value: unknown;

  constructor(value: unknown, where: string) {
    this.#value = value;
    this.where = where;
  }

  maybe(key: string): JsonPart | undefined {
    const value = Object.getOwnPropertyDescriptor(this.#object(), key)?.value as unknown;
    return value === undefined || value === null ? undefined : new JsonPart(value, `${this.where}: ${key}`);
  }

  at(key: string): JsonPart {
    const part = this.maybe(key);
    if (part === undefined) throw damaged(this.where, `has no ${key}`);
    return part;
  }

  entries(): [string, JsonPart][] {
    return Object.entries(this.#object()).map(([key, value]) => [key, new JsonPart(value, `${this.where}: ${key.slice(0, 64)}`)]);
  }

  list(): readonly JsonPart[] {
    const list: unknown = this.#value;
    if (!Array.isArray(list)) throw damaged(this.where, "is no list");
    return list.map((value, i) => new JsonPart(value, `${this.where}[${i}]`));
  }

  text(): string {
    if (typeof this.#value !== "string") throw damaged(this.where, "is no text");
    return this.#value;
  }

  /** Settings are texts; some who write such files by other means leave numbers. */
  setting(): string {
    const value = this.#value;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw damaged(this.where, "is no text");
  }

  /** A whole number from 0, below `end`. */
  index(end: number): number {
    const value = this.#value;
    if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end) return value;
    throw damaged(this.where, `is ${JSON.stringify(value)?.slice(0, 64)} where a whole number below ${end} is expected`);
  }

  #object(): object {
    if (typeof this.#value !== "object" || this.#value === null || Array.isArray(this.#value)) {
      throw damaged(this.where, "is no object");
    }
    return this.#value;
  }
}
