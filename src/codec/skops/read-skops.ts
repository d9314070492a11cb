import { ServingError } from "../../base/serving-error.ts";
import { NumpyArray } from "../pickle/numpy-array.ts";
import { PickleName, PickleObject, type PickleValue } from "../pickle/pickle-value.ts";
import { readNpy } from "../pickle/read-npy.ts";
import { type Sparse, sparseMatrix } from "./sparse-matrix.ts";

/** What a reader of skops files has to know of what is in them. */
export interface SkopsOptions {
  /** Whether a class or function may be in the file. */
  readonly allows: (name: PickleName) => boolean;
  /** The content of a file in the archive; undefined for one that is not there. */
  readonly file: (name: string) => Uint8Array | undefined;
  /** The arrays of a sparse matrix's file in the archive, by their names; undefined for one that is not there. */
  readonly sparse: (name: string) => Sparse | undefined;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Node = { readonly [key: string]: Json };

/** Nodes within one another: an estimator takes about four for each estimator in it. */
const MOST_DEPTH = 200;
/** Nodes that are there again for each time that their object is used. */
const MOST_NODES = 5_000_000;
const MOST_DIMENSIONS = 32;
const LONGEST_SHOWN = 100;
const NUMBER_KEYS = /^(int|float|u?int\d+|float\d+|intc|longlong|int_|float_)$/;

/**
 * Reads the schema of a skops file (of skops 0.2 to 0.16) as the plain data that a pickle of the same object would be: what was an object
 * is a record of its class and state. No name is looked up, nothing is called.
 *
 * @param schema the text of `schema.json`
 * @throws ServingError invalid-argument, with the name, for names that are not allowed; data-loss for a damaged file; unimplemented for
 * kinds of nodes that are not known; resource-exhausted for too much of anything
 */
export function readSkops(schema: string, options: SkopsOptions): PickleValue {
  let root: Json;
  try {
    root = JSON.parse(schema) as Json;
  } catch (reason) {
    throw new ServingError("data-loss", "schema.json is no JSON", { cause: reason });
  }
  return new SkopsReader(options).read(root);
}

class SkopsReader {
  readonly #options: SkopsOptions;
  /** Objects by their number; undefined while they are read. */
  readonly #known = new Map<number, PickleValue | undefined>();
  #depth = 0;
  #nodes = 0;

  constructor(options: SkopsOptions) {
    this.#options = options;
  }

  read(json: Json | undefined): PickleValue {
    const node = nodeOf(json);
    if (++this.#nodes > MOST_NODES) throw new ServingError("resource-exhausted", `schema.json has more than ${MOST_NODES} nodes`);
    const id = typeof node.__id__ === "number" ? node.__id__ : undefined;
    if (id !== undefined && this.#known.has(id)) {
      const known = this.#known.get(id);
      if (known === undefined) throw damaged("has an object within itself");
      return known;
    }
    if (++this.#depth > MOST_DEPTH) {
      throw new ServingError("resource-exhausted", `schema.json has more than ${MOST_DEPTH} nodes within one another`);
    }
    if (id !== undefined) this.#known.set(id, undefined);
    const value = this.#value(node);
    if (id !== undefined) this.#known.set(id, value);
    this.#depth--;
    return value;
  }

  #value(node: Node): PickleValue {
    const loader = textOf(node, "__loader__");
    switch (loader) {
      case "JsonNode":
        return plainJson(textOf(node, "content"));
      case "ListNode":
      case "TupleNode":
        return this.#list(node.content);
      case "SetNode":
        return new Set(this.#list(node.content));
      case "DictNode":
        return this.#dictionary(node);
      case "DefaultDictNode":
      case "_DictWithDeprecatedKeysNode":
        return this.read(nodeOf(node.content).main);
      case "SliceNode": {
        const { start, stop, step } = nodeOf(node.content);
        return new PickleObject(
          new PickleName("builtins", "slice"),
          [start, stop, step].map((each) => bound(each)),
        );
      }
      case "TypeNode":
        return this.#name(node);
      case "FunctionNode":
        return this.#function(node);
      case "ObjectNode":
        return this.#object(node, [], node.content === undefined ? null : this.read(node.content));
      case "ConstructorFromReduceNode":
        return this.#object(node, this.read(node.content), null);
      case "TreeNode":
      case "LossNode":
      case "ReduceNode":
      case "QuantileForestNode":
        return this.#object(node, this.read(nodeOf(node.__reduce__).args), this.read(node.content));
      case "PartialNode": {
        const { func, args, kwds, namespace } = nodeOf(node.content);
        const [called, ...rest] = [func, args, kwds, namespace].map((each) => this.read(each));
        return this.#object(node, [called], [called, ...rest]);
      }
      case "MethodNode": {
        const { func, obj } = nodeOf(node.content);
        return this.#object(
          { __module__: "builtins", __class__: "getattr" },
          [this.read(obj), typeof func === "string" ? func : ""],
          null,
        );
      }
      case "OperatorFuncNode":
        return this.#object(node, this.read(node.attrs), null);
      case "CachedNode":
        throw damaged("refers to an object that is not there");
      case "BytesNode":
      case "BytearrayNode":
        return this.#file(node);
      default:
        return this.#ofNumpy(loader, node);
    }
  }

  /** What numpy and scipy have. */
  #ofNumpy(loader: string, node: Node): PickleValue {
    switch (loader) {
      case "NdArrayNode":
        return this.#array(node);
      case "DTypeNode": {
        const array = this.read(node.content);
        if (!(array instanceof PickleObject) || !Array.isArray(array.state)) throw damaged("has a type of no array");
        return array.state[2];
      }
      case "MaskedArrayNode": {
        const { data, mask } = nodeOf(node.content);
        return this.#object(node, [this.read(data), this.read(mask)], null);
      }
      // What would draw the next random numbers is not needed any more.
      case "RandomStateNode":
      case "RandomGeneratorNode":
        return this.#object(node, [], null);
      case "SparseMatrixNode": {
        const name = textOf(node, "file");
        const arrays = this.#options.sparse(name);
        if (arrays === undefined) throw damaged(`refers to ${shown(name)}, which is not in the archive`);
        return sparseMatrix(this.#name(node), arrays);
      }
      default:
        throw new ServingError(
          "unimplemented",
          `schema.json has a ${shown(loader)}, which is not known: save the model with joblib.dump`,
        );
    }
  }

  #list(content: Json | undefined): PickleValue[] {
    if (!Array.isArray(content)) throw damaged("has a list without content");
    return (content as readonly Json[]).map((each) => this.read(each));
  }

  #dictionary({ content, key_types: types }: Node): Map<PickleValue, PickleValue> {
    const entries = Object.entries(nodeOf(content));
    const keys = typedKeys(
      entries.map(([key]) => key),
      this.read(types),
    );
    return new Map(entries.map(([, value], i) => [keys[i], this.read(value)] as const));
  }

  #array(node: Node): PickleValue {
    if (node.type === "json") {
      const values = this.#list(node.content);
      const shape = this.read(node.shape);
      if (!Array.isArray(shape) || shape.length > MOST_DIMENSIONS) throw damaged("has an array without a shape");
      return objectArray(flattened(values, shape.length - 1), shape);
    }
    const array = readNpy(this.#file(node));
    // Scalars of numpy's are arrays without dimensions here, whose class is that of the number.
    return textOf(node, "__class__") === "ndarray" ? array : (NumpyArray.of(array)!.values()[0] ?? null);
  }

  #file(node: Node): Uint8Array {
    const name = textOf(node, "file");
    const file = this.#options.file(name);
    if (file === undefined) throw damaged(`refers to ${shown(name)}, which is not in the archive`);
    return file;
  }

  #function(node: Node): PickleName {
    // How the first versions had it.
    const { content } = node;
    if (content === undefined) return this.#name(node);
    const { module_path: module, function: name } = nodeOf(content);
    return this.#name({ __module__: module, __class__: name });
  }

  #object(node: Node, args: PickleValue, state: PickleValue): PickleObject {
    const object = new PickleObject(this.#name(node), args);
    object.state = state;
    return object;
  }

  #name(node: Node): PickleName {
    const name = new PickleName(textOf(node, "__module__"), textOf(node, "__class__"));
    if (this.#options.allows(name)) return name;
    throw new ServingError("invalid-argument", `schema.json names ${shown(name.full)}, which is not a model's part`);
  }
}

/** An array of objects as a pickle has it. */
function objectArray(values: PickleValue[], shape: PickleValue[]): PickleObject {
  const type = new PickleObject(new PickleName("numpy", "dtype"), ["O8", false, true]);
  type.state = [3, "|", null, null, null, -1, -1, 63];
  const array = new PickleObject(new PickleName("numpy.core.multiarray", "_reconstruct"), []);
  array.state = [1, shape, type, false, values];
  return array;
}

/** The values in lists within one another, of as many levels. */
function flattened(values: PickleValue[], levels: number): PickleValue[] {
  let flat = values;
  for (let level = 0; level < levels; level++) flat = flat.flatMap((each) => (Array.isArray(each) ? each : [each]));
  return flat;
}

/**
 * Keys as they were before JSON made them texts. JSON.parse has whole numbers first, so that of several types only those that are alike
 * can be told.
 */
function typedKeys(keys: readonly string[], types: PickleValue): readonly PickleValue[] {
  if (!Array.isArray(types) || types.length !== keys.length) throw damaged("has a dictionary without the types of its keys");
  const isNumber = types.map((type) => type instanceof PickleName && NUMBER_KEYS.test(type.name));
  if (isNumber.every((each) => !each)) return keys;
  if (isNumber.every((each) => each)) return keys.map(Number);
  return keys.map((key) => (/^-?(0|[1-9]\d*)$/.test(key) ? Number(key) : key));
}

/** A value of Python's that JSON can have; Python writes NaN and infinite numbers too. */
function plainJson(text: string): PickleValue {
  switch (text) {
    case "NaN":
      return Number.NaN;
    case "Infinity":
      return Number.POSITIVE_INFINITY;
    case "-Infinity":
      return Number.NEGATIVE_INFINITY;
  }
  if (/^-?\d{16,}$/.test(text)) {
    const whole = BigInt(text);
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
  }
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (reason) {
    throw new ServingError("data-loss", "schema.json has a value that is no JSON", { cause: reason });
  }
  if (typeof value === "object" && value !== null) throw damaged("has a value that is no single one");
  return value;
}

function bound(value: Json | undefined): PickleValue {
  if (value === null || typeof value === "number" || typeof value === "string") return value;
  throw damaged("has a slice without bounds");
}

function nodeOf(json: Json | undefined): Node {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw damaged("has something else where a node is expected");
  return json as Node;
}

function textOf(node: Node, key: string): string {
  const text = node[key];
  if (typeof text !== "string") throw damaged(`has a node without ${key}`);
  return text;
}

function shown(text: string): string {
  return text.slice(0, LONGEST_SHOWN).replace(/[^\p{L}\p{N}_.<>-]/gu, "?");
}

function damaged(what: string): ServingError {
  return new ServingError("data-loss", `schema.json ${what}`);
}
