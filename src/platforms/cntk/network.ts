import { ServingError } from "../../base/serving-error.ts";
import {
  type Dictionary,
  type DictionaryValue,
  damaged,
  isStored,
  type StoredArray,
  type StoredAxis,
  type StoredDType,
  type StoredSize,
} from "./dictionary.ts";
import { dtypeOfNumber } from "./read-dictionary.ts";

const COMBINE = 44;
const BLOCK = 57;
const MOST_DEPTH = 64;
/** How outputs of functions are called. */
const OUTPUT = /^(.*)_Output_(\d{1,6})$/s;

/** A leaf of a network. */
export interface Variable {
  readonly uid: string;
  readonly name: string;
  readonly kind: "input" | "parameter" | "constant" | "placeholder";
  /** Undefined for one that is not known here. */
  readonly dtype: StoredDType | undefined;
  readonly sizes: readonly StoredSize[];
  readonly dynamicAxes: readonly StoredAxis[];
  readonly array: StoredArray | undefined;
}

/** A function of a network. */
export interface NetworkFunction {
  readonly uid: string;
  readonly name: string;
  /** CNTK's number of it; undefined for one that a user defined. */
  readonly number: number | undefined;
  readonly inputs: readonly string[];
  readonly attributes: Dictionary;
  /** What a block is made of: the function that gives its outputs. */
  readonly block: { readonly operator: string; readonly root: string } | undefined;
}

/** An output: the function that computes it, and which of its outputs it is; or a variable. */
export type Producer = { readonly function: NetworkFunction; readonly output: number } | { readonly variable: Variable };

/** A value that the network gives out. */
export interface NetworkOutput {
  readonly uid: string;
  /** As CNTK calls it; empty where it has no name. */
  readonly name: string;
}

/** A network of CNTK 2 as it is saved. Blocks and combinations are seen through: they only pass values on. */
export class Network {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly functions: ReadonlyMap<string, NetworkFunction>;
  /** Of a block: what its placeholders stand for. */
  readonly #meanings: ReadonlyMap<string, string>;
  readonly #root: string;

  constructor(
    variables: ReadonlyMap<string, Variable>,
    functions: ReadonlyMap<string, NetworkFunction>,
    meanings: ReadonlyMap<string, string>,
    root: string,
  ) {
    this.variables = variables;
    this.functions = functions;
    this.#meanings = meanings;
    this.#root = root;
  }

  /** What an output is computed by, behind blocks, combinations and placeholders. @throws ServingError data-loss for what is not there. */
  producer(uid: string): Producer {
    return this.trace(uid).producer;
  }

  /** As {@link producer}, with the operators of the blocks on the way. */
  trace(uid: string): { readonly producer: Producer; readonly blocks: readonly string[] } {
    const blocks: string[] = [];
    let at = uid;
    for (let steps = this.variables.size + 4 * this.functions.size; steps >= 0; steps--) {
      const meaning = this.#meanings.get(at);
      if (meaning !== undefined) {
        at = meaning;
        continue;
      }
      const [, owner = "", place = ""] = OUTPUT.exec(at) ?? [];
      const found = this.functions.get(owner);
      if (found === undefined) {
        const variable = this.variables.get(at);
        if (variable === undefined) throw damaged(`${quoted(at)} is used and is not there`);
        return { producer: { variable }, blocks };
      }
      const output = Number(place);
      if (found.block !== undefined) {
        blocks.push(found.block.operator);
        at = `${found.block.root}_Output_${output}`;
      } else if (found.number === COMBINE) {
        const next = found.inputs[output];
        if (next === undefined) throw damaged(`${quoted(found.uid)} has no output ${output}`);
        at = next;
      } else return { producer: { function: found, output }, blocks };
    }
    throw damaged(`${quoted(uid)} stands for itself`);
  }

  /** What the model gives out, in order. */
  outputs(): readonly NetworkOutput[] {
    const root = this.functions.get(this.#root);
    if (root === undefined) throw damaged(`its root ${quoted(this.#root)} is not there`);
    return Array.from({ length: this.#outputCount(root, 0) }, (_, i) => this.#output(`${root.uid}_Output_${i}`, 0));
  }

  #output(uid: string, depth: number): NetworkOutput {
    const [, owner = "", place = "0"] = OUTPUT.exec(uid) ?? [];
    const by = this.functions.get(owner);
    if (by?.number !== COMBINE) return { uid, name: this.#nameOf(uid, by, Number(place)) };
    const next = by.inputs[Number(place)];
    if (next === undefined) throw damaged(`${quoted(by.uid)} has no output ${place}`);
    if (depth > MOST_DEPTH) throw damaged(`combinations lie more than ${MOST_DEPTH} deep in each other`);
    return this.#output(next, depth + 1);
  }

  #nameOf(uid: string, owner: NetworkFunction | undefined, place: number): string {
    if (owner === undefined) return this.variables.get(uid)?.name ?? "";
    if (owner.name === "" || place === 0) return owner.name;
    const { producer } = this.trace(uid);
    const number = "function" in producer ? producer.function.number : undefined;
    return owner.name + (SECOND_OUTPUTS.get(number ?? -1)?.suffix ?? `_${place}`);
  }

  #outputCount({ number, inputs, block, attributes }: NetworkFunction, depth: number): number {
    if (depth > MOST_DEPTH) throw damaged(`blocks lie more than ${MOST_DEPTH} deep in each other`);
    if (block !== undefined) {
      const root = this.functions.get(block.root);
      if (root === undefined) throw damaged(`a block's root ${quoted(block.root)} is not there`);
      return this.#outputCount(root, depth + 1);
    }
    if (number === COMBINE) return inputs.length;
    return SECOND_OUTPUTS.get(number ?? -1)?.given(attributes) === true ? 2 : 1;
  }
}

/** Functions with two outputs, and what CNTK calls the second, behind the function's name. */
const SECOND_OUTPUTS: ReadonlyMap<number, { readonly suffix: string; readonly given: (attributes: Dictionary) => boolean }> =
  new Map([
    [87, { suffix: "_TopKIndexMask", given: () => true }],
    [
      72,
      {
        suffix: "_UnpackSequenceMask",
        given: (attributes: Dictionary) => attributes.get("sequenceUnpackSuppressMaskOutput") !== true,
      },
    ],
  ]);

/**
 * Makes a network of the dictionary that a model is saved as.
 * @throws ServingError unimplemented for a checkpoint, and for a function that a user defined, by its name; data-loss for what is damaged
 */
export function readNetwork(root: Dictionary): Network {
  const type = root.get("type");
  if (type !== "CompositeFunction") {
    const held = typeof type === "string" ? `a ${quoted(type)}` : "a checkpoint or another dictionary";
    throw new ServingError(
      "unimplemented",
      `it holds ${held} and no model: load it with CNTK and save the model by itself, z.save("model.model")`,
    );
  }
  if (!root.has("primitive_functions")) throw damaged("it has no functions");
  const reader = new NetworkReader();
  reader.composite(root, 0);
  return new Network(reader.variables, reader.functions, reader.meanings, textOf(root, "root"));
}

class NetworkReader {
  readonly variables = new Map<string, Variable>();
  readonly functions = new Map<string, NetworkFunction>();
  readonly meanings = new Map<string, string>();

  composite(entries: Dictionary, depth: number): void {
    if (depth > MOST_DEPTH) throw damaged(`blocks lie more than ${MOST_DEPTH} deep in each other`);
    for (const each of listOf(entries, "inputs")) this.#variable(dictionaryOf(each, "a variable"));
    for (const each of listOf(entries, "primitive_functions")) this.#function(dictionaryOf(each, "a function"), depth);
  }

  #variable(entries: Dictionary): void {
    const uid = textOf(entries, "uid");
    const kind = (["input", undefined, "parameter", "constant", "placeholder"] as const)[numberOf(entries, "kind")];
    // An output of a function that is used before it is made is saved as a placeholder with the output's own name.
    const shape = entries.get("shape");
    const array = entries.get("value");
    this.variables.set(uid, {
      uid,
      name: textOf(entries, "name", ""),
      kind: kind ?? "placeholder",
      dtype: dtypeOfNumber(numberOf(entries, "data_type")),
      sizes: isStored(shape, "shape") ? shape.sizes : [],
      dynamicAxes: listOf(entries, "dynamic_axis").filter((each) => isStored(each, "axis")),
      array: isStored(array, "array") ? array : undefined,
    });
  }

  #function(entries: Dictionary, depth: number): void {
    const uid = textOf(entries, "uid");
    const name = textOf(entries, "name", "");
    if (entries.get("type") === "UserDefinedFunction") {
      const state = entries.get("user_defined_state");
      const operator = textOf(state instanceof Map ? (state as Dictionary) : new Map(), "op_name", name === "" ? uid : name);
      throw new ServingError("unimplemented", `function ${quoted(operator)} is defined by a user's code, which is not run here`);
    }
    const attributes = entries.get("attributes");
    const number = numberOf(entries, "op");
    this.functions.set(uid, {
      uid,
      name,
      number,
      inputs: textsOf(entries, "inputs"),
      attributes: attributes instanceof Map ? (attributes as Dictionary) : new Map(),
      block: number === BLOCK ? this.#block(entries, uid, depth) : undefined,
    });
  }

  #block(entries: Dictionary, uid: string, depth: number): NetworkFunction["block"] {
    const keys = textsOf(entries, "block_function_composite_arguments_map_keys");
    const values = textsOf(entries, "block_function_composite_arguments_map_values");
    if (keys.length !== values.length)
      throw damaged(`block ${quoted(uid)} has ${keys.length} arguments and ${values.length} values`);
    for (const [i, key] of keys.entries()) this.meanings.set(key, values[i]!);
    const inner = dictionaryOf(entries.get("block_function_composite"), `what block ${quoted(uid)} is made of`);
    this.composite(inner, depth + 1);
    return { operator: textOf(entries, "block_function_op_name", ""), root: textOf(inner, "root") };
  }
}

function dictionaryOf(value: DictionaryValue | undefined, what: string): Dictionary {
  if (value instanceof Map) return value as Dictionary;
  throw damaged(`${what} is no dictionary`);
}

function listOf(entries: Dictionary, key: string): readonly DictionaryValue[] {
  const value = entries.get(key) ?? [];
  if (Array.isArray(value)) return value as readonly DictionaryValue[];
  throw damaged(`${quoted(key)} is no list`);
}

function textsOf(entries: Dictionary, key: string): readonly string[] {
  return listOf(entries, key).map((each) => {
    if (typeof each === "string") return each;
    throw damaged(`${quoted(key)} is no list of names`);
  });
}

function textOf(entries: Dictionary, key: string, fallback?: string): string {
  const value = entries.get(key) ?? fallback;
  if (typeof value === "string") return value;
  throw damaged(`it has no ${quoted(key)}`);
}

function numberOf(entries: Dictionary, key: string): number {
  const value = entries.get(key);
  if (typeof value === "number") return value;
  throw damaged(`it has no ${quoted(key)}`);
}

/** A name from a file, in quotes and not too long. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}...` : name);
}
