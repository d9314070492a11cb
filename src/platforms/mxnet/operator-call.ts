import type { ServingError } from "../../base/serving-error.ts";
import { elementTypeOf } from "../../graph/element-type.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Attributes } from "../../graph/graph-node.ts";
import type { GraphValue, Size } from "../../graph/graph-value.ts";
import type { DType } from "../../tensor/dtype.ts";
import type { OperatorAttributes } from "./operator-attributes.ts";

/** Reaches any dimension's end in ONNX's Slice. */
export const TO_THE_END: number = 2 ** 31 - 1;

const FLOATS: ReadonlySet<DType> = new Set(["float16", "bfloat16", "float32", "float64"]);

/** One node being translated: its inputs and settings, and short hands for adding ONNX nodes. */
export class OperatorCall {
  readonly graph: GraphBuilder;
  readonly operator: string;
  readonly inputs: readonly GraphValue[];
  readonly attributes: OperatorAttributes;
  /** The version of MXNet that wrote the graph. */
  readonly version: number;

  constructor(
    graph: GraphBuilder,
    operator: string,
    inputs: readonly GraphValue[],
    attributes: OperatorAttributes,
    version: number,
  ) {
    this.graph = graph;
    this.operator = operator;
    this.inputs = inputs;
    this.attributes = attributes;
    this.version = version;
  }

  /** @throws ServingError invalid-argument when there is no such input. */
  input(index: number): GraphValue {
    const value = this.inputs[index];
    if (value === undefined) throw this.invalid(`it has ${this.inputs.length} inputs, more than ${index} are expected`);
    return value;
  }

  /** The first input. */
  get data(): GraphValue {
    return this.input(0);
  }

  add(operator: string, inputs: readonly (GraphValue | undefined)[], attributes?: Attributes): GraphValue {
    return this.graph.add(operator, inputs, attributes);
  }

  integers(...values: readonly number[]): GraphValue {
    return this.graph.integers(values);
  }

  /** A constant without dimensions of another value's dtype; whole for integers. */
  scalar(value: number, { dtype }: { readonly dtype: DType }): GraphValue {
    if (dtype === "float16" || dtype === "bfloat16") return this.cast(this.graph.scalar("float32", value), dtype);
    if (dtype === "string" || dtype === "complex64" || dtype === "complex128") throw this.refuse(`its input is ${dtype}`);
    if (!FLOATS.has(dtype) && !Number.isSafeInteger(value)) throw this.refuse(`${value} is no ${dtype}, which its input is`);
    return this.graph.scalar(dtype, value);
  }

  /** A list of numbers of a dtype of floats. */
  floats(values: readonly number[], { dtype }: { readonly dtype: DType }): GraphValue {
    if (dtype === "float64") return this.graph.constant("float64", [values.length], Float64Array.from(values));
    return this.cast(this.graph.constant("float32", [values.length], Float32Array.from(values)), dtype);
  }

  cast(value: GraphValue, dtype: DType): GraphValue {
    return value.dtype === dtype ? value : this.add("Cast", [value], { to: elementTypeOf(dtype) });
  }

  isFloat({ dtype }: GraphValue): boolean {
    return FLOATS.has(dtype);
  }

  /** A value's number of dimensions. @throws ServingError unimplemented, with what helps, where it is not known. */
  rank(value: GraphValue = this.data): number {
    return this.sizes(value).length;
  }

  /** As {@link rank}, the sizes as far as they are known. */
  sizes(value: GraphValue = this.data): readonly Size[] {
    if (value.shape !== undefined) return value.shape;
    throw this.refuse(
      "it has to know how many dimensions its input has: name the graph's inputs with their shapes in a -signature.json file",
    );
  }

  /** A dimension's size that has to be known. @throws ServingError unimplemented where it is not. */
  fixedSize(value: GraphValue, axis: number): number {
    const size = this.sizes(value)[axis];
    if (typeof size === "number") return size;
    throw this.refuse(
      `it has to know the size of dimension ${axis} of its input: name the graph's inputs with their shapes in a -signature.json file`,
    );
  }

  /** A dimension counted from the front. @throws ServingError invalid-argument when there is none. */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis;
    if (normal >= 0 && normal < rank) return normal;
    throw this.invalid(`axis ${axis} does not exist in a tensor of ${rank} dimensions`);
  }

  /** The sizes of a value when the graph runs; known now where they can be. */
  shapeOf(value: GraphValue): GraphValue {
    return this.add("Shape", [value]);
  }

  /** One size of a value when the graph runs, as a list of one. */
  sizeOf(value: GraphValue, axis: number): GraphValue {
    const size = value.shape?.[axis < 0 ? axis + value.shape.length : axis];
    if (typeof size === "number") return this.integers(size);
    return this.add("Gather", [this.shapeOf(value), this.integers(axis)]);
  }

  /** A shape made of numbers and of lists of sizes. */
  join(...parts: readonly (number | GraphValue)[]): GraphValue {
    return this.add(
      "Concat",
      parts.map((part) => (typeof part === "number" ? this.integers(part) : part)),
      { axis: 0 },
    );
  }

  reshape(value: GraphValue, shape: GraphValue | readonly number[]): GraphValue {
    return this.add("Reshape", [value, Array.isArray(shape) ? this.graph.integers(shape) : (shape as GraphValue)]);
  }

  transpose(value: GraphValue, perm: readonly number[]): GraphValue {
    return perm.every((axis, i) => axis === i) ? value : this.add("Transpose", [value], { perm: [...perm] });
  }

  /** An error of what is not covered. */
  refuse(message: string): ServingError {
    return this.graph.fault("unimplemented", message);
  }

  /** An error of what cannot be right. */
  invalid(message: string): ServingError {
    return this.graph.fault("invalid-argument", message);
  }
}

/** Makes ONNX nodes of one of MXNet's; gives its outputs. */
export type Translate = (call: OperatorCall) => GraphValue | readonly GraphValue[];

/** An operator that is covered. */
export interface OperatorEntry {
  /** Its name and former ones. */
  readonly names: readonly string[];
  readonly translate: Translate;
  /** What is special, or not covered, for people. */
  readonly note: string;
  /** What its outputs are called, behind the node's name; by default `output`, or `output0`, `output1` ..., which `numbered` is always. */
  readonly outputs?: readonly string[] | "numbered";
}

/** An entry of a table of operators; `names` are apart by blanks. */
export function operator(names: string, translate: Translate, note = "", outputs?: OperatorEntry["outputs"]): OperatorEntry {
  return { names: names.split(" "), translate, note, ...(outputs !== undefined && { outputs }) };
}
