import type { ServingError } from "../../base/serving-error.ts";
import { elementTypeOf } from "../../graph/element-type.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { Attributes } from "../../graph/graph-node.ts";
import type { GraphValue, Size } from "../../graph/graph-value.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { Argument, SymbolicInteger } from "./argument.ts";
import { dtypeOfScalarType, isFloating, promoted } from "./element-types.ts";
import type { ExportedGraph, TensorMeta } from "./exported-program.ts";

/** A list of sizes of which some may be known only when the graph runs. */
export type Sizes = readonly (number | GraphValue)[];

/** Reaches any dimension's end in ONNX's Slice. */
const TO_THE_END = 2n ** 63n - 1n;

/** What a call needs to know of the graph around it. */
export interface CallContext {
  readonly graph: GraphBuilder;
  /** The value of a tensor by its name. */
  readonly tensor: (name: string) => GraphValue;
  /** A whole number that is known when the graph runs, without dimensions. */
  readonly symbol: (name: string) => GraphValue;
  /** What the program says of a tensor. */
  readonly meta: (name: string) => TensorMeta;
}

/** One operation being translated: its arguments, and short hands for adding ONNX nodes. Arguments that nobody asks for are an error. */
export class AtenCall {
  readonly graph: GraphBuilder;
  /** `conv2d.default`. */
  readonly target: string;
  /** What the program says of each output. */
  readonly outputs: readonly TensorMeta[];
  readonly #arguments: ReadonlyMap<string, Argument>;
  readonly #context: CallContext;
  readonly #asked = new Set<string>();

  constructor(target: string, given: ReadonlyMap<string, Argument>, outputs: readonly TensorMeta[], context: CallContext) {
    this.graph = context.graph;
    this.target = target;
    this.outputs = outputs;
    this.#arguments = given;
    this.#context = context;
  }

  /** The type of the first output. @throws ServingError unimplemented for one that tensors here do not have */
  get dtype(): NumericDType {
    const dtype = this.outputs[0]?.dtype;
    if (dtype === undefined) throw this.refuse("its output has a type that is not covered");
    return dtype;
  }

  /** Sizes of the first output as the program says them. */
  get outputSizes(): readonly Size[] {
    return this.outputs[0]?.sizes ?? [];
  }

  /** Whether an argument is there and not None. */
  has(name: string): boolean {
    return (this.#argument(name)?.kind ?? "none") !== "none";
  }

  /** A tensor. */
  tensor(name: string): GraphValue {
    const value = this.optionalTensor(name);
    if (value === undefined) throw this.invalid(`${name} is no tensor`);
    return value;
  }

  /** A tensor that may be left out. */
  optionalTensor(name: string): GraphValue | undefined {
    const argument = this.#argument(name);
    if (argument === undefined || argument.kind === "none") return undefined;
    if (argument.kind !== "tensor") throw this.invalid(`${name} is no tensor`);
    return this.#context.tensor(argument.name);
  }

  /** A tensor of one name, or a number of another in the type of the output. */
  optionalTensorOrNumber(tensor: string, number: string): GraphValue {
    return this.optionalTensor(tensor) ?? this.operand(number, this.dtype);
  }

  /** Tensors of a list; undefined for those that are left out. */
  tensors(name: string): readonly (GraphValue | undefined)[] {
    const argument = this.#argument(name);
    if (argument?.kind !== "tensors") throw this.invalid(`${name} is no list of tensors`);
    return argument.names.map((each) => (each === null ? undefined : this.#context.tensor(each)));
  }

  /** Sizes of a tensor as the program says them. */
  sizes(name: string): readonly Size[] {
    const argument = this.#argument(name);
    if (argument?.kind !== "tensor") throw this.invalid(`${name} is no tensor`);
    return this.#context.meta(argument.name).sizes;
  }

  /** Sizes of a tensor in a list. */
  sizesIn(name: string, index: number): readonly Size[] {
    const argument = this.#argument(name);
    const tensor = argument?.kind === "tensors" ? argument.names[index] : undefined;
    if (tensor === undefined || tensor === null) throw this.invalid(`${name} has no tensor ${index}`);
    return this.#context.meta(tensor).sizes;
  }

  /** A tensor's number of dimensions. */
  rank(name: string): number {
    return this.sizes(name).length;
  }

  /** The size of a tensor's dimension. @throws ServingError unimplemented where it is not fixed */
  fixedSize(name: string, axis: number): number {
    const size = this.sizes(name).at(axis);
    if (typeof size === "number") return size;
    throw this.refuse(`dimension ${axis} of ${name} must have a fixed size: export the model without a dynamic one there`);
  }

  /** A number that is known now. */
  number(name: string, otherwise?: number): number {
    const argument = this.#argument(name);
    if (argument?.kind === "number") return argument.value;
    if (argument?.kind === "truth") return Number(argument.value);
    if ((argument === undefined || argument.kind === "none") && otherwise !== undefined) return otherwise;
    if (argument?.kind === "symbol") throw this.refuse(`${name} must be known when the model is exported`);
    throw this.invalid(`${name} is no number`);
  }

  /** A whole number that is known now. */
  integer(name: string, otherwise?: number): number {
    const value = this.number(name, otherwise);
    if (!Number.isSafeInteger(value)) throw this.invalid(`${name} is no whole number`);
    return value;
  }

  /** Numbers that are known now. */
  numbers(name: string, otherwise?: readonly number[]): readonly number[] {
    const argument = this.#argument(name);
    if (argument === undefined || argument.kind === "none") {
      if (otherwise !== undefined) return otherwise;
      throw this.invalid(`${name} is no list`);
    }
    if (argument.kind === "number") return [argument.value];
    if (argument.kind !== "numbers") throw this.invalid(`${name} is no list of numbers`);
    return argument.values.map((value) => {
      if (typeof value === "number") return value;
      throw this.refuse(`${name} must be known when the model is exported`);
    });
  }

  /** Numbers of which one alone stands for all. */
  repeated(name: string, count: number, otherwise?: number): readonly number[] {
    const found = this.numbers(name, otherwise === undefined ? undefined : [otherwise]);
    if (found.length === 0 && otherwise !== undefined) return Array<number>(count).fill(otherwise);
    if (found.length !== 1 && found.length !== count) throw this.invalid(`${name} has ${found.length} numbers, not ${count}`);
    return found.length === count ? found : Array<number>(count).fill(found[0]!);
  }

  /** Whether something is true. */
  truth(name: string, otherwise = false): boolean {
    const argument = this.#argument(name);
    if (argument === undefined || argument.kind === "none") return otherwise;
    if (argument.kind !== "truth") throw this.invalid(`${name} is neither true nor false`);
    return argument.value;
  }

  /** A text. */
  text(name: string, otherwise?: string): string {
    const argument = this.#argument(name);
    if (argument?.kind === "text") return argument.value;
    if ((argument === undefined || argument.kind === "none") && otherwise !== undefined) return otherwise;
    throw this.invalid(`${name} is no text`);
  }

  /** A type of the schema's numbering; undefined where none is given. */
  dtypeArgument(name: string): NumericDType | undefined {
    const argument = this.#argument(name);
    if (argument === undefined || argument.kind === "none") return undefined;
    if (argument.kind !== "dtype") throw this.invalid(`${name} is no type`);
    const dtype = dtypeOfScalarType(argument.value);
    if (dtype === undefined) throw this.refuse(`${name} is a type that is not covered`);
    return dtype;
  }

  /** Whole numbers of which some may be known only when the graph runs. */
  symbolicIntegers(name: string): Sizes {
    const argument = this.#argument(name);
    if (argument?.kind === "number") return [argument.value];
    if (argument?.kind === "symbol") return [this.#context.symbol(argument.name)];
    if (argument?.kind !== "numbers") throw this.invalid(`${name} is no list of whole numbers`);
    return argument.values.map((value: SymbolicInteger) =>
      typeof value === "number" ? value : this.#context.symbol(value.symbol),
    );
  }

  /** A number that may be known only when the graph runs; undefined where it is left out. */
  symbolicInteger(name: string): number | GraphValue | undefined {
    const argument = this.#argument(name);
    if (argument === undefined || argument.kind === "none") return undefined;
    return this.symbolicIntegers(name)[0];
  }

  /** Kinds of things that mean nothing here: they need not be asked for. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#asked.add(name);
  }

  /**
   * A tensor or number as a value of a type. A number is a constant without dimensions.
   */
  operand(name: string, dtype: NumericDType): GraphValue {
    const argument = this.#argument(name);
    if (argument?.kind === "tensor") return this.cast(this.#context.tensor(argument.name), dtype);
    if (argument?.kind === "symbol") return this.cast(this.#context.symbol(argument.name), dtype);
    return this.scalar(this.number(name), dtype);
  }

  /** The type in which two tensors or numbers are compared. A number is of a tensor's type unless its kind is above the tensor's. */
  commonType(first: string, second: string): NumericDType {
    const types = [this.#typeOf(first), this.#typeOf(second)];
    const [tensors, numbers] = [types.filter(({ isTensor }) => isTensor), types.filter(({ isTensor }) => !isTensor)];
    if (numbers.length !== 1) return promoted(types[0]!.dtype, types[1]!.dtype);
    const [tensor, number] = [tensors[0]!.dtype, numbers[0]!.dtype];
    if (isFloating(tensor)) return tensor;
    if (isFloating(number)) return "float32";
    return tensor === "bool" ? number : tensor;
  }

  #typeOf(name: string): { readonly dtype: NumericDType; readonly isTensor: boolean } {
    const argument = this.#argument(name);
    if (argument?.kind === "tensor") {
      const { dtype, shape } = this.#context.tensor(argument.name);
      // A tensor without dimensions gives way as a number does.
      return { dtype: dtype as NumericDType, isTensor: shape === undefined || shape.length > 0 };
    }
    if (argument?.kind === "truth") return { dtype: "bool", isTensor: false };
    if (argument?.kind === "number" && argument.isFloat) return { dtype: "float32", isTensor: false };
    return { dtype: "int64", isTensor: false };
  }

  /** Whether an argument is a tensor. */
  isTensor(name: string): boolean {
    return this.#arguments.get(name)?.kind === "tensor";
  }

  /** A graph that is an argument. */
  graphArgument(name: string): ExportedGraph {
    const argument = this.#argument(name);
    if (argument?.kind !== "graph") throw this.invalid(`${name} is no graph`);
    return argument.graph;
  }

  /** Arguments as they are, in their order. */
  get all(): ReadonlyMap<string, Argument> {
    return this.#arguments;
  }

  add(operator: string, inputs: readonly (GraphValue | undefined)[], attributes?: Attributes): GraphValue {
    return this.graph.add(operator, inputs, attributes);
  }

  integers(...values: readonly number[]): GraphValue {
    return this.graph.integers(values);
  }

  /** A constant without dimensions of a type. */
  scalar(value: number, dtype: NumericDType): GraphValue {
    if (dtype === "float16" || dtype === "bfloat16") return this.cast(this.graph.scalar("float32", value), dtype);
    if (dtype === "complex64" || dtype === "complex128") throw this.refuse(`numbers of ${dtype} are not covered`);
    if (dtype === "bool") return this.graph.scalar("bool", value === 0 ? 0 : 1);
    if (isFloating(dtype)) return this.graph.scalar(dtype, value);
    if (!Number.isFinite(value)) throw this.invalid(`${value} is no whole number`);
    // What JSON's numbers round up to 2^63 is the largest of 64 bits; others of more than 53 are not what the program says.
    if (value >= 2 ** 63) return this.graph.constant("int64", [], BigInt64Array.of(TO_THE_END));
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER && value !== -(2 ** 63))
      throw this.refuse("a number of more than 53 bits is not covered");
    return this.graph.scalar(dtype, Math.trunc(value));
  }

  /** Numbers of a type of floats. */
  floats(values: readonly number[], dtype: NumericDType): GraphValue {
    if (dtype === "float64") return this.graph.constant("float64", [values.length], Float64Array.from(values));
    return this.cast(this.graph.constant("float32", [values.length], Float32Array.from(values)), dtype);
  }

  /** A tensor of which every number is the same. It is made when the graph is loaded: the program may claim any size. */
  filled(value: number, dtype: NumericDType, sizes: readonly number[]): GraphValue {
    return this.add("Expand", [this.scalar(value, dtype), this.graph.integers(sizes)]);
  }

  cast(value: GraphValue, dtype: NumericDType): GraphValue {
    return value.dtype === dtype ? value : this.add("Cast", [value], { to: elementTypeOf(dtype) });
  }

  /** A list of sizes as a tensor. */
  list(sizes: Sizes): GraphValue {
    if (sizes.every((size) => typeof size === "number")) return this.graph.integers(sizes);
    const parts = sizes.map((size) =>
      typeof size === "number" ? this.integers(size) : this.add("Reshape", [size, this.integers(1)]),
    );
    return parts.length === 1 ? parts[0]! : this.add("Concat", parts, { axis: 0 });
  }

  /** The sizes of a value when the graph runs. */
  shapeOf(value: GraphValue): GraphValue {
    return this.add("Shape", [value]);
  }

  /** One size of a value when the graph runs, without dimensions. */
  sizeOf(value: GraphValue, axis: number): GraphValue {
    const rank = value.rank;
    const at = axis < 0 && rank !== undefined ? axis + rank : axis;
    const size = value.shape?.[at];
    if (typeof size === "number") return this.graph.scalar("int64", size);
    return this.add("Gather", [this.shapeOf(value), this.graph.scalar("int64", at)]);
  }

  reshape(value: GraphValue, sizes: Sizes | GraphValue): GraphValue {
    const shape = Array.isArray(sizes) ? this.list(sizes as Sizes) : (sizes as GraphValue);
    // What is 0 is meant so; ONNX takes it for the input's size otherwise.
    const isOpen = Array.isArray(sizes) && (sizes as Sizes).includes(-1);
    return this.add("Reshape", [value, shape], isOpen ? {} : { allowzero: 1 });
  }

  transpose(value: GraphValue, order: readonly number[]): GraphValue {
    return order.every((axis, i) => axis === i) ? value : this.add("Transpose", [value], { perm: [...order] });
  }

  unsqueeze(value: GraphValue, ...axes: readonly number[]): GraphValue {
    return this.add("Unsqueeze", [value, this.graph.integers(axes)]);
  }

  squeeze(value: GraphValue, ...axes: readonly number[]): GraphValue {
    return this.add("Squeeze", [value, this.graph.integers(axes)]);
  }

  /** Elements from `start` up to `end` of a dimension; without an end to its last. */
  slice(value: GraphValue, axis: number, start: number | GraphValue, end: number | GraphValue | undefined, step = 1): GraphValue {
    const last = end === undefined ? this.graph.constant("int64", [1], BigInt64Array.of(TO_THE_END)) : this.list([end]);
    return this.add("Slice", [value, this.list([start]), last, this.integers(axis), this.integers(step)]);
  }

  /** A dimension counted from the front. @throws ServingError invalid-argument when there is none */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + Math.max(rank, 1) : axis;
    if (normal >= 0 && normal < Math.max(rank, 1)) return normal;
    throw this.invalid(`dimension ${axis} does not exist in a tensor of ${rank} dimensions`);
  }

  /** An error of what is not covered. */
  refuse(message: string): ServingError {
    return this.graph.fault("unimplemented", message);
  }

  /** An error of what cannot be right. */
  invalid(message: string): ServingError {
    return this.graph.fault("invalid-argument", message);
  }

  /** @throws ServingError unimplemented for an argument that would make a difference and that nobody asked for */
  expectAllAsked(): void {
    for (const [name, argument] of this.#arguments) {
      if (this.#asked.has(name) || argument.kind === "none" || argument.kind === "placement") continue;
      if (argument.kind === "truth" && !argument.value) continue;
      throw this.refuse(`its argument ${name.slice(0, 64)} is not covered`);
    }
  }

  #argument(name: string): Argument | undefined {
    this.#asked.add(name);
    return this.#arguments.get(name);
  }
}

/** Makes ONNX nodes of one operation; gives its outputs. */
export type Translate = (call: AtenCall) => GraphValue | readonly GraphValue[];

/** An operation that is covered. */
export interface OperatorEntry {
  /** Its names: `relu` for every overload, `max.dim` for one. */
  readonly names: readonly string[];
  readonly translate: Translate;
  /** What is special, or not covered, for people. */
  readonly note: string;
  /** Whether what it gives may be written through to its input, `self`. */
  readonly isView: boolean;
}

/** An entry of a table of operations; `names` are apart by blanks. */
export function operator(names: string, translate: Translate, note = ""): OperatorEntry {
  return { names: names.split(" "), translate, note, isView: false };
}

/** As {@link operator}, one whose output is a part of its input `self`. */
export function view(names: string, translate: Translate, note = ""): OperatorEntry {
  return { names: names.split(" "), translate, note, isView: true };
}
