import type { ServingError } from "../../base/serving-error.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Attributes } from "../../graph/graph-node.ts";
import type { GraphValue, Size } from "../../graph/graph-value.ts";
import { damaged, type StoredAxis } from "./dictionary.ts";
import type { FunctionAttributes } from "./function-attributes.ts";
import type { Network, NetworkFunction } from "./network.ts";
import { aligned, type NetworkValue, shapeOf, staticShape } from "./network-value.ts";

/** Indices that CNTK marks special axes with. */
const AXIS = { DYNAMIC: 2147483647, ALL_STATIC: 2147483646, END: 2147483644, ALL: 2147483643, LEAST: 2147483640 } as const;

/** What a call is made of. */
export interface CallParts {
  readonly graph: GraphBuilder;
  readonly network: Network;
  readonly called: NetworkFunction;
  readonly inputs: readonly NetworkValue[];
  readonly attributes: FunctionAttributes;
  readonly inLoop: boolean;
  /** The number that a constant or parameter is; undefined for all else. */
  readonly numberOf: (uid: string) => number | undefined;
}

/** A function being translated: its inputs as values of the graph, its attributes, and short hands for adding nodes in its name. */
export class FunctionCall {
  readonly graph: GraphBuilder;
  readonly network: Network;
  readonly function: NetworkFunction;
  readonly inputs: readonly NetworkValue[];
  readonly attributes: FunctionAttributes;
  /** Whether it is a step of a loop: what is a sequence outside is one of its items here. */
  readonly inLoop: boolean;

  readonly #numbers: (uid: string) => number | undefined;

  constructor({ graph, network, called, inputs, attributes, inLoop, numberOf }: CallParts) {
    this.graph = graph;
    this.network = network;
    this.function = called;
    this.inputs = inputs;
    this.attributes = attributes;
    this.inLoop = inLoop;
    this.#numbers = numberOf;
  }

  /** The number that a constant or parameter is; undefined for all else. */
  numberOf(uid: string): number | undefined {
    return this.#numbers(uid);
  }

  /** @throws ServingError data-loss when there is no such input */
  input(place: number): NetworkValue {
    const value = this.inputs[place];
    if (value === undefined) throw damaged(`${this.graph.origin} has ${this.inputs.length} inputs, and needs ${place + 1}`);
    return value;
  }

  get first(): NetworkValue {
    return this.input(0);
  }

  add(operator: string, inputs: readonly (GraphValue | undefined)[], attributes?: Attributes): GraphValue {
    return this.graph.add(operator, inputs, attributes);
  }

  /** A node of one input, whose dynamic dimensions stay. */
  unary(operator: string, attributes?: Attributes, of: NetworkValue = this.first): NetworkValue {
    return { value: this.add(operator, [of.value], attributes), dynamic: of.dynamic };
  }

  /** A node that goes through its inputs element by element. */
  elementwise(operator: string, inputs: readonly NetworkValue[] = this.inputs): NetworkValue {
    const { values, dynamic } = aligned(this.graph, inputs);
    return { value: this.add(operator, values), dynamic };
  }

  integers(...values: readonly number[]): GraphValue {
    return this.graph.integers(values);
  }

  /** The static dimension, counted from the first, that an axis of CNTK's means. @throws ServingError */
  staticAxis(axis: StoredAxis, rank: number): number {
    if (axis.index >= AXIS.LEAST) throw this.unimplemented(`it goes along the axis ${JSON.stringify(axis.name.slice(0, 64))}`);
    const place = axis.index >= 0 ? rank - 1 - axis.index : -1 - axis.index;
    if (place >= 0 && place < rank) return place;
    throw this.invalid(`axis ${axis.index} does not exist in a tensor of ${rank} static dimensions`);
  }

  /** As {@link staticAxis}, counted with the dynamic dimensions. */
  axisOf(axis: StoredAxis, of: NetworkValue = this.first): number {
    return of.dynamic + this.staticAxis(axis, staticShape(of).length);
  }

  /** Whether an axis means all static ones. */
  isAllStatic({ index }: StoredAxis): boolean {
    return index === AXIS.ALL_STATIC;
  }

  /** Whether an axis is the place behind the last one. */
  isEnd({ index }: StoredAxis): boolean {
    return index === AXIS.END;
  }

  /** Whether an axis is the batch, alone or with all others. */
  isBatch({ index, name }: StoredAxis): boolean {
    return index === AXIS.ALL || (index === AXIS.DYNAMIC && name === "defaultBatchAxis");
  }

  /** The static sizes of a value, all of which have to be known. @throws ServingError unimplemented */
  fixedSizes(of: NetworkValue): readonly number[] {
    return staticShape(of).map((size) => this.#fixed(size));
  }

  /** A size that has to be known. @throws ServingError unimplemented */
  fixedSize(value: GraphValue, axis: number): number {
    return this.#fixed(shapeOf(value)[axis]);
  }

  unimplemented(what: string): ServingError {
    return this.graph.fault("unimplemented", what);
  }

  invalid(what: string): ServingError {
    return this.graph.fault("invalid-argument", what);
  }

  #fixed(size: Size): number {
    if (typeof size === "number") return size;
    throw this.unimplemented("it needs to know sizes of its input that only a call tells (free dimensions)");
  }
}

/** Makes ONNX nodes of a function; gives its outputs. */
export type Translate = (call: FunctionCall) => NetworkValue | readonly NetworkValue[];

/** A function that is covered. */
export interface FunctionEntry {
  /** CNTK's number. */
  readonly number: number;
  /** CNTK's name. */
  readonly name: string;
  readonly translate: Translate;
  /** What of it is not covered, or worth knowing, for people. */
  readonly note: string;
}

/** An entry of a table of functions. */
export function entry(number: number, name: string, translate: Translate, note = ""): FunctionEntry {
  return { number, name, translate, note };
}
