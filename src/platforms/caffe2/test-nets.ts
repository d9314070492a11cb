import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Argument, Net, Operator } from "./net-def.ts";

type Value = number | string | boolean | readonly number[] | Argument;

/** An operator, for tests: whole numbers and truths are integers, `{ float: 1 }` a float, lists of numbers integers. */
export function op(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  args: Readonly<Record<string, Value>> = {},
): Operator {
  return { type, name: "", inputs, outputs, args: new Map(Object.entries(args).map(([name, value]) => [name, argument(value)])) };
}

function argument(value: Value): Argument {
  if (typeof value === "boolean") return { integer: BigInt(value) };
  if (typeof value === "number") return Number.isInteger(value) ? { integer: BigInt(value) } : { float: Math.fround(value) };
  if (typeof value === "string") return { text: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { integers: BigInt64Array.from(value as readonly number[], BigInt) };
  return value as Argument;
}

/** An operator that makes a tensor of floats. */
export function filled(name: string, shape: readonly number[], values?: readonly number[]): Operator {
  const count = shape.reduce((product, size) => product * size, 1);
  const floats = Float32Array.from({ length: count }, (_, i) => values?.[i] ?? i / 8);
  return op("GivenTensorFill", [], [name], { shape, values: { floats } });
}

/** A net, for tests. */
export function netOf(file: string, operators: readonly Operator[], more: Partial<Net> = {}): Net {
  return { file, operators, externalInputs: [], externalOutputs: [], ...more };
}

/** A serialized NetDef. `packed`: lists of numbers as proto3 would write them. */
export function encodeNet({ operators, externalInputs, externalOutputs }: Net, packed = false): Buffer {
  const writer = text(new BinaryWriter(), 1, "made");
  for (const operator of operators) writer.tag(2, WireType.LengthDelimited).bytes(encodeOperator(operator, packed).finish());
  for (const name of externalInputs) text(writer, 7, name);
  for (const name of externalOutputs) text(writer, 8, name);
  return Buffer.from(writer.finish());
}

function encodeOperator({ type, name, inputs, outputs, args }: Operator, packed: boolean): BinaryWriter {
  const writer = new BinaryWriter();
  for (const each of inputs) text(writer, 1, each);
  for (const each of outputs) text(writer, 2, each);
  text(text(writer, 3, name), 4, type);
  for (const [key, value] of args) writer.tag(5, WireType.LengthDelimited).bytes(encodeArgument(key, value, packed).finish());
  return text(writer, 7, "CUDNN");
}

function encodeArgument(name: string, argument: Argument, packed: boolean): BinaryWriter {
  const { float, integer, text: bytes, floats, integers, texts, nested } = argument;
  const writer = text(new BinaryWriter(), 1, name);
  if (float !== undefined) writer.tag(2, WireType.Bit32).float(float);
  if (integer !== undefined) writer.tag(3, WireType.Varint).int64(integer);
  if (bytes !== undefined) writer.tag(4, WireType.LengthDelimited).bytes(bytes);
  if (packed && floats !== undefined) {
    writer.tag(5, WireType.LengthDelimited).bytes(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  } else for (const each of floats ?? []) writer.tag(5, WireType.Bit32).float(each);
  if (packed && integers !== undefined) {
    writer.tag(6, WireType.LengthDelimited);
    writer.fork();
    for (const each of integers) writer.int64(each);
    writer.join();
  } else for (const each of integers ?? []) writer.tag(6, WireType.Varint).int64(each);
  for (const each of texts ?? []) writer.tag(7, WireType.LengthDelimited).bytes(each);
  if (nested) writer.tag(8, WireType.LengthDelimited).bytes(new Uint8Array(0));
  return writer;
}

function text(writer: BinaryWriter, field: number, value: string): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).string(value);
}
