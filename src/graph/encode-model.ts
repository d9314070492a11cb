import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ServingError } from "../base/serving-error.ts";
import type { NumericArray } from "../tensor/dtype.ts";
import type { NumericTensor } from "../tensor/tensor.ts";
import { elementTypeOf } from "./element-type.ts";
import { GraphBuilder, type GraphPort } from "./graph-builder.ts";
import type { Attribute, GraphNode } from "./graph-node.ts";
import type { GraphValue } from "./graph-value.ts";

const IR_VERSION = 8;
const OPSET = 17;
/** From this many bytes on a constant lies beside the model: protobuf ends at 2 GiB, and its bytes would be copied more than once. */
const OUTSIDE_BYTES = 1024;

/** `AttributeProto.AttributeType`. */
const ATTRIBUTE = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, GRAPH: 5, FLOATS: 6, INTS: 7, STRINGS: 8 } as const;
/** `TensorProto.DataLocation`. */
const EXTERNAL = 1;

/** An ONNX model in memory. */
export interface EncodedModel {
  /** A serialized `onnx.ModelProto`, field numbers from onnx.proto. */
  readonly model: Uint8Array;
  /** Bytes of the large constants, by the location that the model gives for them. Views of the arrays that the builder was given. */
  readonly weights: ReadonlyMap<string, Uint8Array>;
  /** What the nodes that were written do. */
  readonly operators: ReadonlySet<string>;
}

/**
 * Writes a graph as an ONNX model: what its outputs need, and no more. Every input is written, also one that nothing needs.
 * @throws ServingError invalid-argument when an input or output shares its name with another.
 */
export function encodeModel(graph: GraphBuilder): EncodedModel {
  const encoder = new GraphEncoder();
  const inner = encoder.root(graph);
  const model = new BinaryWriter().tag(1, WireType.Varint).int32(IR_VERSION).tag(2, WireType.LengthDelimited).string("modelport");
  message(model, 7, inner);
  for (const domain of ["", ...encoder.domains]) {
    const opset = text(new BinaryWriter(), 1, domain).tag(2, WireType.Varint);
    message(model, 8, opset.int64(domain === "" ? OPSET : 1));
  }
  return { model: model.finish(), weights: encoder.weights, operators: encoder.operators };
}

class GraphEncoder {
  readonly domains = new Set<string>();
  readonly operators = new Set<string>();
  readonly weights = new Map<string, Uint8Array>();
  readonly #names = new Map<GraphValue, string>();
  readonly #taken = new Set<string>();
  /** How many nodes were made of one origin: ONNX Runtime wants names that differ. */
  readonly #made = new Map<string, number>();
  /** Those of subgraphs too: they are all the root's. */
  readonly #constants = new Set<GraphValue>();
  #next = 0;

  root(graph: GraphBuilder): BinaryWriter {
    for (const { name, value } of [...graph.inputs, ...graph.outputs]) {
      if (this.#taken.has(name)) throw new ServingError("invalid-argument", `two inputs or outputs are called "${name}"`);
      this.#name(value, name);
    }
    const writer = this.#graph(graph, "imported");
    for (const constant of this.#constants) message(writer, 5, this.#constant(constant));
    return writer;
  }

  #graph(graph: GraphBuilder, name: string): BinaryWriter {
    const writer = new BinaryWriter();
    for (const node of this.#nodesInOrder(graph)) message(writer, 1, this.#node(node));
    text(writer, 2, name);
    for (const port of graph.inputs) message(writer, 11, this.#port(port));
    for (const port of graph.outputs) message(writer, 12, this.#port(port));
    return writer;
  }

  /** The nodes that a graph's outputs need, each after those that it needs. Without recursion: graphs may be very deep. */
  #nodesInOrder(graph: GraphBuilder): readonly GraphNode[] {
    const order = new Set<GraphNode>();
    const waiting = graph.outputs.map(({ value }) => ({ value, ready: false })).reverse();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, constant } = next.value;
      if (constant !== undefined) this.#constants.add(next.value);
      // What belongs to an outer graph has been written there.
      if (node === undefined || node.graph !== graph || order.has(node)) continue;
      if (next.ready) {
        order.add(node);
        continue;
      }
      waiting.push({ value: next.value, ready: true });
      for (const value of needs(node)) waiting.push({ value, ready: false });
    }
    return [...order];
  }

  #node({ operator, domain, origin, inputs, outputs, attributes }: GraphNode): BinaryWriter {
    const writer = new BinaryWriter();
    const last = inputs.findLastIndex((input) => input !== undefined);
    for (const input of inputs.slice(0, last + 1)) text(writer, 1, input === undefined ? "" : this.#nameOf(input));
    for (const output of outputs) text(writer, 2, this.#nameOf(output));
    text(writer, 3, this.#nodeName(origin));
    text(writer, 4, operator);
    this.operators.add(operator);
    for (const [name, attribute] of Object.entries(attributes)) {
      if (attribute !== undefined) message(writer, 5, this.#attribute(name, attribute));
    }
    if (domain === undefined) return writer;
    this.domains.add(domain);
    return text(writer, 7, domain);
  }

  #nodeName(origin: string): string {
    if (origin === "") return origin;
    let count = this.#made.get(origin) ?? 0;
    let name: string;
    do name = ++count === 1 ? origin : `${origin} (${count})`;
    while (count > 1 && this.#made.has(name));
    this.#made.set(origin, count);
    if (count > 1) this.#made.set(name, 1);
    return name;
  }

  #attribute(name: string, attribute: Attribute): BinaryWriter {
    const writer = text(new BinaryWriter(), 1, name);
    const typed = (type: number) => writer.tag(20, WireType.Varint).int32(type);
    if (typeof attribute === "number") return typed(ATTRIBUTE.INT).tag(3, WireType.Varint).int64(attribute);
    if (typeof attribute === "string") return text(typed(ATTRIBUTE.STRING), 4, attribute);
    if (attribute instanceof GraphBuilder) return message(typed(ATTRIBUTE.GRAPH), 6, this.#graph(attribute, name));
    if ("float" in attribute) return typed(ATTRIBUTE.FLOAT).tag(2, WireType.Bit32).float(single(attribute.float));
    if ("floats" in attribute) {
      for (const value of attribute.floats) writer.tag(7, WireType.Bit32).float(single(value));
      return typed(ATTRIBUTE.FLOATS);
    }
    if ("dtype" in attribute) return message(typed(ATTRIBUTE.TENSOR), 5, inlineTensor(undefined, attribute));
    const texts = attribute.some((value) => typeof value === "string");
    for (const value of attribute) {
      if (typeof value === "string") text(writer, 9, value);
      else writer.tag(8, WireType.Varint).int64(value);
    }
    return typed(texts ? ATTRIBUTE.STRINGS : ATTRIBUTE.INTS);
  }

  #constant(value: GraphValue): BinaryWriter {
    const name = this.#nameOf(value);
    const tensor = { dtype: value.dtype, shape: value.shape, data: value.constant } as NumericTensor;
    const bytes = bytesOf(tensor.data);
    if (bytes.length < OUTSIDE_BYTES) return inlineTensor(name, tensor);
    const location = `weights-${this.weights.size}`;
    this.weights.set(location, bytes);
    const writer = text(tensorHead(tensor), 8, name);
    for (const [key, entry] of Object.entries({ location, offset: "0", length: String(bytes.length) })) {
      message(writer, 13, text(text(new BinaryWriter(), 1, key), 2, entry));
    }
    return writer.tag(14, WireType.Varint).int32(EXTERNAL);
  }

  #port({ value }: GraphPort): BinaryWriter {
    const type = new BinaryWriter().tag(1, WireType.Varint).int32(elementTypeOf(value.dtype));
    if (value.shape !== undefined) {
      const shape = new BinaryWriter();
      for (const size of value.shape) {
        const dimension = new BinaryWriter();
        if (typeof size === "number") dimension.tag(1, WireType.Varint).int64(size);
        else if (size !== undefined) text(dimension, 2, size);
        message(shape, 1, dimension);
      }
      message(type, 2, shape);
    }
    return message(text(new BinaryWriter(), 1, this.#nameOf(value)), 2, message(new BinaryWriter(), 1, type));
  }

  #nameOf(value: GraphValue): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    let name: string;
    do name = `_${this.#next++}`;
    while (this.#taken.has(name));
    this.#name(value, name);
    return name;
  }

  #name(value: GraphValue, name: string): void {
    this.#taken.add(name);
    this.#names.set(value, name);
  }
}

/** Values that a graph's outputs need, and that are not its own. */
function borrowed(graph: GraphBuilder): readonly GraphValue[] {
  const found = new Set<GraphValue>();
  const seen = new Set<GraphValue>();
  const waiting = graph.outputs.map(({ value }) => value);
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    if (value.node?.graph !== graph) found.add(value);
    else waiting.push(...needs(value.node));
  }
  return [...found];
}

/** What is to be computed before a node: what its subgraphs borrow as well. */
function needs({ inputs, attributes }: GraphNode): readonly GraphValue[] {
  const inner = Object.values(attributes).filter((attribute) => attribute instanceof GraphBuilder);
  return [...inputs.filter((input) => input !== undefined), ...inner.flatMap((each) => borrowed(each))];
}

function text(writer: BinaryWriter, field: number, value: string): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, value: BinaryWriter): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).bytes(value.finish());
}

/** The writer takes no number beyond the range of a float; as one it is infinite. */
function single(value: number): number {
  return Math.fround(value);
}

function tensorHead({ dtype, shape }: NumericTensor): BinaryWriter {
  const writer = new BinaryWriter();
  for (const size of shape) writer.tag(1, WireType.Varint).int64(size);
  return writer.tag(2, WireType.Varint).int32(elementTypeOf(dtype));
}

function inlineTensor(name: string | undefined, tensor: NumericTensor): BinaryWriter {
  const writer = tensorHead(tensor);
  if (name !== undefined) text(writer, 8, name);
  return writer.tag(9, WireType.LengthDelimited).bytes(bytesOf(tensor.data));
}

/** As they lie in memory: little-endian, as ONNX wants them. */
function bytesOf(data: NumericArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
