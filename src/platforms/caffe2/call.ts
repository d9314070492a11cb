import { ServingError } from "../../base/serving-error.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Attributes } from "../../graph/graph-node.ts";
import type { GraphValue } from "../../graph/graph-value.ts";
import type { DType } from "../../tensor/dtype.ts";
import { Arguments } from "./arguments.ts";
import type { Operator } from "./net-def.ts";

/** What an operator gives, by the place of its outputs; undefined for one that has no value here. */
export type Results = readonly (GraphValue | undefined)[];

/** How an operator is translated. */
export interface Translation {
  /** Adds ONNX nodes to the call's graph. @throws ServingError unimplemented for what is not covered, naming the operator */
  readonly translate: (call: Call) => GraphValue | Results;
  /** For the table of operators: what of it is not covered, or covered in a way worth knowing. */
  readonly note?: string;
  /** What its first input must be for what it gives to be of use: see Demand. */
  readonly inputs?: InputRule;
  /** Outputs from this place on are by-products, which no model gives out. */
  readonly byproducts?: number;
}

/** What an operator needs its inputs to be, as far as it says; `keeps`: what its first output has to be, they have to be. */
export type InputRule =
  | "keeps"
  | ((arguments_: Arguments, inputs: readonly (GraphValue | undefined)[]) => readonly (InputNeed | undefined)[]);

/** What is needed of one input. */
export interface InputNeed {
  readonly dtype?: DType;
  /** The first size is the batch where it is "batch". */
  readonly shape?: readonly (number | string | undefined)[];
}

/** One operator of a net while it is translated: its arguments, its inputs as values of the graph, and nodes added in its name. */
export class Call {
  readonly graph: GraphBuilder;
  readonly operator: Operator;
  readonly args: Arguments;
  readonly inputs: readonly GraphValue[];

  constructor(graph: GraphBuilder, operator: Operator, inputs: readonly GraphValue[]) {
    this.graph = graph;
    this.operator = operator;
    this.inputs = inputs;
    this.args = new Arguments(operator);
  }

  get type(): string {
    return this.operator.type;
  }

  /** @throws ServingError invalid-argument where the operator has no such input. */
  input(place: number): GraphValue {
    const value = this.inputs[place];
    if (value === undefined) throw this.invalid(`it has ${this.inputs.length} inputs, and needs ${place + 1}`);
    return value;
  }

  get first(): GraphValue {
    return this.input(0);
  }

  /** Whether channels are the last dimension. */
  get isNhwc(): boolean {
    const order = this.args.text("order", "NCHW");
    if (order !== "NCHW" && order !== "NHWC") throw this.unimplemented(`argument "order" is ${JSON.stringify(order)}`);
    return order === "NHWC";
  }

  add(operator: string, inputs: readonly (GraphValue | undefined)[], attributes: Attributes = {}): GraphValue {
    return this.graph.add(operator, inputs, attributes);
  }

  /** A number of the same dtype as another value. */
  scalarLike({ dtype }: GraphValue, value: number): GraphValue {
    if (dtype === "float16") return this.add("Cast", [this.graph.scalar("float32", value)], { to: 10 });
    if (dtype === "string" || dtype === "bfloat16" || dtype === "complex64" || dtype === "complex128") {
      throw this.unimplemented(`it computes with tensors of ${dtype}`);
    }
    if (!Number.isInteger(value) && dtype !== "float32" && dtype !== "float64") {
      throw this.unimplemented(`it computes with ${value} on tensors of ${dtype}`);
    }
    return this.graph.scalar(dtype, value);
  }

  /** The number of dimensions of a value. @throws ServingError unimplemented where it cannot be told. */
  rankOf(value: GraphValue): number {
    if (value.rank !== undefined) return value.rank;
    throw this.unimplemented(
      "the number of dimensions of its input cannot be told: say in value_info.json what the model's inputs are",
    );
  }

  /** The dimensions of a value that are before `axis`, counted from the end where it is negative. */
  sizesOf(value: GraphValue): GraphValue {
    return this.add("Shape", [value]);
  }

  /** A list of integers as int64, which an operator got as a tensor of int32 or int64. */
  asIntegers(value: GraphValue): GraphValue {
    if (value.dtype !== "int64" && value.dtype !== "int32")
      throw this.invalid(`an input that holds whole numbers is ${value.dtype}`);
    return value.dtype === "int64" ? value : this.add("Cast", [value], { to: 7 });
  }

  unimplemented(what: string): ServingError {
    return this.graph.fault("unimplemented", what);
  }

  invalid(what: string): ServingError {
    return this.graph.fault("invalid-argument", what);
  }

  /** Refuses arguments by which an operator would do something that is not covered here. */
  refuse(...names: readonly string[]): void {
    for (const name of names) if (this.args.has(name)) throw this.unimplemented(`argument "${name}" is not covered`);
  }
}

/** Gives errors that have no place yet the one of what is being translated: an operator's label. */
export function inPlace<R>(label: string, run: () => R): R {
  try {
    return run();
  } catch (reason) {
    if (!(reason instanceof ServingError) || reason.message.startsWith(label)) throw reason;
    throw new ServingError(reason.code, `${label}: ${reason.message}`, { cause: reason });
  }
}
