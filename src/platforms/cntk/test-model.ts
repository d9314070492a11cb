import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A value to be written into a dictionary, by what CNTK has it as. */
export type TestValue =
  | boolean
  | string
  | { readonly int: number }
  | { readonly size: number }
  | { readonly double: number }
  | { readonly shape: readonly bigint[] }
  | { readonly axis: number; readonly name?: string }
  | { readonly array: readonly number[]; readonly shape: readonly bigint[]; readonly dtype?: number; readonly storage?: number }
  | readonly TestValue[]
  | { readonly entries: Readonly<Record<string, TestValue>> };

/** CNTK's mark of a size that is fed. */
export const FREE: bigint = 2n ** 64n - 3n;

/** A serialized `CNTK.proto.Dictionary`. */
export function dictionaryBytes(entries: Readonly<Record<string, TestValue>>): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.Varint).uint64(2);
  for (const [key, value] of Object.entries(entries)) {
    const entry = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string(key)
      .tag(2, WireType.LengthDelimited)
      .bytes(valueBytes(value));
    writer.tag(2, WireType.LengthDelimited).bytes(entry.finish());
  }
  return writer.finish();
}

/** A leaf or placeholder. */
export interface TestVariable {
  readonly uid: string;
  readonly name?: string;
  /** 0 an input, 2 a parameter, 3 a constant, 4 a placeholder. */
  readonly kind: number;
  readonly shape: readonly bigint[];
  readonly values?: readonly number[];
  /** Names of dynamic axes, in CNTK's order. */
  readonly axes?: readonly string[];
}

/** A function, with CNTK's number. */
export interface TestFunction {
  readonly uid: string;
  readonly op?: number;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, TestValue>>;
  readonly more?: Readonly<Record<string, TestValue>>;
}

/** A serialized model. */
export function modelBytes(root: string, variables: readonly TestVariable[], functions: readonly TestFunction[]): Uint8Array {
  return dictionaryBytes({
    type: "CompositeFunction",
    root,
    inputs: variables.map(({ uid, name, kind, shape, values, axes = [] }) => ({
      entries: {
        type: "Variable",
        uid,
        ...(name !== undefined && { name }),
        kind: { size: kind },
        data_type: { size: 1 },
        shape: { shape },
        dynamic_axis: axes.map((axis) => ({ axis: 2147483647, name: axis })),
        ...(values !== undefined && { value: { array: values, shape } }),
      },
    })),
    primitive_functions: functions.map(({ uid, op, name, inputs, attributes = {}, more }) => ({
      entries: {
        type: "PrimitiveFunction",
        uid,
        ...(op !== undefined && { op: { size: op } }),
        ...(name !== undefined && { name }),
        inputs,
        attributes: { entries: attributes },
        ...more,
      },
    })),
  });
}

function valueBytes(value: TestValue): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.Varint).uint64(2).tag(2, WireType.Varint);
  const message = (type: number, field: number, bytes: Uint8Array) =>
    writer.uint32(type).tag(field, WireType.LengthDelimited).bytes(bytes).finish();
  if (typeof value === "boolean") return writer.uint32(1).tag(3, WireType.Varint).bool(value).finish();
  if (typeof value === "string") return writer.uint32(6).tag(8, WireType.LengthDelimited).string(value).finish();
  if (Array.isArray(value)) {
    const list = new BinaryWriter();
    for (const item of value as readonly TestValue[]) list.tag(1, WireType.LengthDelimited).bytes(valueBytes(item));
    return message(9, 11, list.finish());
  }
  if ("int" in value) return writer.uint32(2).tag(4, WireType.Varint).int32(value.int).finish();
  if ("size" in value) return writer.uint32(3).tag(5, WireType.Varint).uint64(value.size).finish();
  if ("double" in value) return writer.uint32(5).tag(7, WireType.Bit64).double(value.double).finish();
  if ("array" in value) return message(11, 13, arrayBytes(value));
  if ("shape" in value) return message(7, 9, shapeBytes(value.shape));
  if ("axis" in value) {
    const axis = new BinaryWriter().tag(1, WireType.Varint).int32(value.axis);
    return message(
      8,
      10,
      axis
        .tag(2, WireType.LengthDelimited)
        .string(value.name ?? "")
        .finish(),
    );
  }
  return message(10, 12, dictionaryBytes((value as { readonly entries: Readonly<Record<string, TestValue>> }).entries));
}

function shapeBytes(sizes: readonly bigint[]): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).fork();
  for (const size of sizes) writer.uint64(size);
  return writer.join().finish();
}

function arrayBytes({ array, shape, dtype = 1, storage = 0 }: Extract<TestValue, { readonly array: unknown }>): Uint8Array {
  const numbers = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(new Uint8Array(Float32Array.from(array).buffer));
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .uint32(dtype)
    .tag(2, WireType.Varint)
    .uint32(storage)
    .tag(3, WireType.LengthDelimited)
    .bytes(shapeBytes(shape))
    .tag(4, WireType.LengthDelimited)
    .bytes(numbers.finish())
    .finish();
}
