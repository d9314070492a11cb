import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { type TensorProto, TensorProtoSchema } from "../gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import { ARRAY_TYPES, type DType } from "../tensor/dtype.ts";
import { stringBytes } from "../tensor/string-array.ts";
import { stringTensor, type Tensor, zeros } from "../tensor/tensor.ts";
import { AllocationBudget } from "./allocation-budget.ts";
import { dataTypeNumber } from "./data-type.ts";
import { decodeTensorProto } from "./tensor-proto.ts";
import { VALUE_FIELDS } from "./tensor-proto-fields.ts";
import { encodeTensorProto } from "./tensor-proto-plan.ts";
import { typedField } from "./test-tensor-fields.ts";

const DTYPES = Object.keys(VALUE_FIELDS) as DType[];
type Value = number | bigint | boolean | Uint8Array;

/** Values as they lie in a typed field, whatever bits a client may put there. */
const ARBITRARY: Readonly<Record<DType, fc.Arbitrary<Value>>> = {
  float32: fc.float({ noDefaultInfinity: false }),
  complex64: fc.float(),
  float64: fc.double(),
  complex128: fc.double(),
  int8: fc.integer(),
  int16: fc.integer(),
  int32: fc.integer(),
  uint8: fc.integer(),
  uint16: fc.integer(),
  float16: fc.integer(),
  bfloat16: fc.integer({ min: 0, max: 65535 }),
  uint32: fc.integer({ min: 0, max: 4294967295 }),
  int64: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: fc.bigInt(0n, 2n ** 64n - 1n),
  bool: fc.boolean(),
  string: fc.uint8Array({ maxLength: 12 }),
};

function writeValue(writer: BinaryWriter, dtype: DType, value: Value): void {
  if (dtype === "float32" || dtype === "complex64") writer.float(value as number);
  else if (dtype === "float64" || dtype === "complex128") writer.double(value as number);
  else if (dtype === "bool") writer.bool(value as boolean);
  else if (dtype === "int64") writer.int64(value as bigint);
  else if (dtype === "uint64") writer.uint64(value as bigint);
  else if (dtype === "uint32") writer.uint32(value as number);
  else if (dtype === "string") writer.bytes(value as Uint8Array);
  else writer.int32(value as number);
}

function wireTypeOf(dtype: DType): WireType {
  if (dtype === "float32" || dtype === "complex64") return WireType.Bit32;
  if (dtype === "float64" || dtype === "complex128") return WireType.Bit64;
  return dtype === "string" ? WireType.LengthDelimited : WireType.Varint;
}

interface Layout {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly Value[];
  /** Which values go into a packed chunk, by position. */
  readonly packed: boolean;
  readonly dtypeLast: boolean;
}

/** The message field by field, so that unpacked values and any order can be had. */
function layOut({ dtype, shape, values, packed, dtypeLast }: Layout): Uint8Array {
  const writer = new BinaryWriter();
  if (!dtypeLast) writer.tag(1, WireType.Varint).int32(dataTypeNumber(dtype));
  const half = values.length >> 1;
  if (packed && dtype !== "string") {
    for (const part of [values.slice(0, half), values.slice(half)]) {
      writer.tag(VALUE_FIELDS[dtype], WireType.LengthDelimited).fork();
      for (const value of part) writeValue(writer, dtype, value);
      writer.join();
    }
  } else for (const value of values) writeValue(writer.tag(VALUE_FIELDS[dtype], wireTypeOf(dtype)), dtype, value);
  writer.tag(99, WireType.LengthDelimited).string("unknown");
  writer.tag(2, WireType.LengthDelimited).fork();
  for (const size of shape) writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int64(size).join();
  writer.join();
  if (dtypeLast) writer.tag(1, WireType.Varint).int32(dataTypeNumber(dtype));
  return writer.finish();
}

/** The plain twin: the generated code's message, then the fill rule element by element. */
function plainDecode(bytes: Uint8Array): { shape: number[]; items: (number | bigint | string)[] } {
  const message = fromBinary(TensorProtoSchema, bytes);
  const dtype = DTYPES.find((candidate) => dataTypeNumber(candidate) === message.dtype)!;
  const shape = (message.tensorShape?.dim ?? []).map((dim) => Number(dim.size));
  const count = shape.reduce((product, size) => product * size, 1);
  const values = typedField(message, VALUE_FIELDS[dtype]);
  if (dtype === "string") {
    const texts = values.map((value) => Buffer.from(value as Uint8Array).toString("hex"));
    return { shape, items: Array.from({ length: count }, (_, i) => texts[Math.min(i, texts.length - 1)] ?? "") };
  }
  const { width, array } = ARRAY_TYPES[dtype];
  const given = Math.floor(values.length / width);
  const data = new array(count * width);
  for (let i = 0; i < count && given > 0; i++) {
    for (let j = 0; j < width; j++) {
      const value = values[Math.min(i, given - 1) * width + j];
      (data as Int8Array)[i * width + j] = (typeof value === "boolean" ? Number(value) : value) as number;
    }
  }
  return { shape, items: [...data] };
}

function items(tensor: Tensor): (number | bigint | string)[] {
  if (tensor.dtype !== "string") return [...tensor.data];
  return Array.from({ length: tensor.data.length }, (_, i) => Buffer.from(stringBytes(tensor.data, i)).toString("hex"));
}

const SHAPES = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 });

describe.each(DTYPES)("%s", (dtype) => {
  const layout = fc.record({
    dtype: fc.constant(dtype),
    shape: SHAPES,
    values: fc.array(ARBITRARY[dtype], { maxLength: 40 }),
    packed: fc.boolean(),
    dtypeLast: fc.boolean(),
  });

  test("typed fields in any form give what the generated code and the fill rule give", () => {
    fc.assert(
      fc.property(layout, fc.integer({ min: 0, max: 7 }), (description, offset) => {
        const bytes = layOut(description);
        // At any alignment, as in the middle of a request.
        const buffer = new Uint8Array(bytes.length + offset);
        buffer.set(bytes, offset);
        const tensor = decodeTensorProto(buffer.subarray(offset));
        expect(tensor.dtype).toBe(dtype);
        const expected = plainDecode(bytes);
        expect(tensor.shape).toEqual(expected.shape);
        expect(items(tensor)).toEqual(expected.items);
      }),
      { numRuns: 60 },
    );
  });

  test.each([false, true])(
    "what is written is what the generated code writes, and is read back (as content: %s)",
    (asContent) => {
      fc.assert(
        fc.property(layout, (description) => {
          const tensor = decodeTensorProto(layOut(description));
          const bytes = encodeTensorProto(tensor, asContent);
          expect(Buffer.from(toBinary(TensorProtoSchema, fromBinary(TensorProtoSchema, bytes)))).toEqual(Buffer.from(bytes));
          const message = fromBinary(TensorProtoSchema, bytes);
          const width = dtype === "string" ? 1 : ARRAY_TYPES[dtype].width;
          const count = tensor.shape.reduce((product, size) => product * size, 1);
          expect(typedField(message, VALUE_FIELDS[dtype]).length).toBe(asContent ? 0 : count * width);
          expect(message.tensorContent.length > 0).toBe(asContent && count > 0);
          const again = decodeTensorProto(bytes);
          expect(again).toEqual(tensor);
        }),
        { numRuns: 40 },
      );
    },
  );
});

/** A message by the generated code. */
function proto(dataType: DataType, shape: readonly number[], rest: Partial<TensorProto> = {}): Uint8Array {
  const tensorShape = { dim: shape.map((size) => ({ size: BigInt(size) })) };
  return toBinary(TensorProtoSchema, create(TensorProtoSchema, { dtype: dataType, tensorShape, ...rest } as never));
}

describe("TensorFlow's rules", () => {
  test("content wins over typed values", () => {
    const tensorContent = new Uint8Array(Float32Array.of(1, 2).buffer);
    const tensor = decodeTensorProto(proto(DataType.DT_FLOAT, [2], { tensorContent, floatVal: [7, 8] }));
    expect(items(tensor)).toEqual([1, 2]);
  });

  test("a tensor of no elements ignores content and values", () => {
    const tensor = decodeTensorProto(proto(DataType.DT_FLOAT, [0, 3], { tensorContent: new Uint8Array(3), floatVal: [1] }));
    expect(tensor).toEqual(zeros("float32", [0, 3]));
  });

  test("an unknown rank is a scalar, and so is no shape at all", () => {
    const unknown = create(TensorProtoSchema, { dtype: DataType.DT_INT32, tensorShape: { unknownRank: true }, intVal: [5] });
    const absent = create(TensorProtoSchema, { dtype: DataType.DT_INT32, intVal: [5] });
    for (const message of [unknown, absent]) {
      const tensor = decodeTensorProto(toBinary(TensorProtoSchema, message));
      expect(tensor.shape).toEqual([]);
      expect(items(tensor)).toEqual([5]);
    }
  });

  test("content of bools becomes 0 and 1", () => {
    const tensor = decodeTensorProto(proto(DataType.DT_BOOL, [3], { tensorContent: Uint8Array.of(0, 1, 255) }));
    expect(items(tensor)).toEqual([0, 1, 1]);
  });

  test("content of strings is all lengths, then all bytes", () => {
    const tensorContent = Uint8Array.of(1, 0, 2, 0x61, 0x62, 0x63);
    expect(decodeTensorProto(proto(DataType.DT_STRING, [3], { tensorContent }))).toEqual(stringTensor([3], ["a", "", "bc"]));
  });

  test("an empty last string is repeated, too", () => {
    const tensor = decodeTensorProto(proto(DataType.DT_STRING, [3], { stringVal: [Uint8Array.of(0x61), new Uint8Array(0)] }));
    expect(tensor).toEqual(stringTensor([3], ["a", "", ""]));
  });

  test("two occurrences of the shape merge, and the last content counts", () => {
    const first = proto(DataType.DT_INT8, [2], { tensorContent: Uint8Array.of(9) });
    const second = proto(DataType.DT_INT8, [3], { tensorContent: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    const tensor = decodeTensorProto(Buffer.concat([first, second]));
    expect(tensor.shape).toEqual([2, 3]);
    expect(items(tensor)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("254 dimensions are taken, 255 refused", () => {
    expect(
      decodeTensorProto(
        proto(
          DataType.DT_INT8,
          Array.from({ length: 254 }, () => 1),
        ),
      ).shape.length,
    ).toBe(254);
    expect(() =>
      decodeTensorProto(
        proto(
          DataType.DT_INT8,
          Array.from({ length: 255 }, () => 1),
        ),
      ),
    ).toThrow(/more than 254 dimensions/);
  });

  test("a few values are copied", () => {
    const bytes = proto(DataType.DT_UINT8, [2], { tensorContent: Uint8Array.of(1, 2) });
    const tensor = decodeTensorProto(bytes);
    bytes.fill(0);
    expect(items(tensor)).toEqual([1, 2]);
  });

  describe.each([
    ["tensor_content", (values: number[]) => ({ tensorContent: new Uint8Array(Float32Array.from(values).buffer) })],
    ["float_val", (values: number[]) => ({ floatVal: values })],
  ] as const)("many values of %s", (_, field) => {
    const values = Array.from({ length: 500 }, (__, index) => index / 4);
    const message = proto(DataType.DT_FLOAT, [20, 25], field(values));
    const first = Buffer.from(message).indexOf(Buffer.from(Float32Array.of(0, 0.25, 0.5).buffer));

    test.each([0, 1, 2, 3])("are right wherever they lie, %i bytes off, and copied only when unaligned", (off) => {
      const space = new Uint8Array(new ArrayBuffer(message.length + 8));
      const start = (off + 8 - (first % 4)) % 4;
      space.set(message, start);
      const bytes = space.subarray(start, start + message.length);
      const tensor = decodeTensorProto(bytes);
      expect(items(tensor)).toEqual(values);
      const shared = (tensor.data as Float32Array).buffer === space.buffer;
      expect(shared).toBe(off === 0);
    });
  });

  test("values behind a packed field that has them all are ignored, and checked all the same", () => {
    const values = Array.from({ length: 300 }, (_, index) => index);
    const whole = proto(DataType.DT_FLOAT, [300], { floatVal: values });
    const more = Buffer.concat([whole, Buffer.from([0x2d, 0, 0, 0, 0])]);
    expect(items(decodeTensorProto(more))).toEqual(values);
    expect(() => decodeTensorProto(Buffer.concat([whole, Buffer.from([0x2d, 0])]))).toThrow();
  });

  test("known bytes: int64 [-1, 300] in typed form", () => {
    const bytes = Uint8Array.from(Buffer.from("080912041202080252" + "0cffffffffffffffffff01ac02", "hex"));
    expect(decodeTensorProto(bytes)).toEqual({ dtype: "int64", shape: [2], data: BigInt64Array.of(-1n, 300n) });
    expect([...encodeTensorProto({ dtype: "int64", shape: [2], data: BigInt64Array.of(-1n, 300n) })]).toEqual([...bytes]);
  });
});

describe("refusals", () => {
  const content = (length: number) => ({ tensorContent: new Uint8Array(length).fill(1) });
  test.each<[string, Uint8Array, RegExp]>([
    ["no dtype", proto(DataType.DT_INVALID, [1]), /DT_INVALID cannot be served/],
    ["a resource", proto(DataType.DT_RESOURCE, []), /DT_RESOURCE cannot be served/],
    ["a variant", proto(DataType.DT_VARIANT, []), /DT_VARIANT cannot be served/],
    ["a quantized type", proto(DataType.DT_QINT8, []), /DT_QINT8 cannot be served/],
    ["a negative dimension", proto(DataType.DT_FLOAT, [-1]), /got -1 in shape \[-1\]/],
    ["a dimension of 2^62", proto(DataType.DT_FLOAT, [2 ** 62]), /dimension must be a whole number/],
    ["an overflowing product", proto(DataType.DT_FLOAT, [2 ** 40, 2 ** 40, 2 ** 40]), /too many elements/],
    ["a product that overflows before a size of 0", proto(DataType.DT_FLOAT, [2 ** 40, 2 ** 40, 0]), /too many elements/],
    ["a product that wraps to 0", proto(DataType.DT_FLOAT, [2 ** 32, 2 ** 32]), /too many elements/],
    [
      "short content",
      proto(DataType.DT_FLOAT, [2], content(7)),
      /tensor_content of 7 bytes does not fit shape \[2\] of float32, which needs 8/,
    ],
    ["long content", proto(DataType.DT_FLOAT, [2], content(9)), /tensor_content of 9 bytes/],
    ["a huge shape and small content", proto(DataType.DT_FLOAT, [1e9], content(4)), /needs 4000000000/],
    ["a huge shape and one value", proto(DataType.DT_FLOAT, [1e9], { floatVal: [1] }), /more than the 134217728 bytes/],
    ["a huge shape and no value", proto(DataType.DT_BOOL, [1e9]), /more than the 134217728 bytes/],
    ["a huge shape of strings", proto(DataType.DT_STRING, [1e9]), /more than the 134217728 bytes/],
    [
      "a long string to repeat",
      proto(DataType.DT_STRING, [1e6], { stringVal: [new Uint8Array(1000)] }),
      /more than the 134217728 bytes/,
    ],
    [
      "string lengths beyond the content",
      proto(DataType.DT_STRING, [2], { tensorContent: Uint8Array.of(1, 9, 0) }),
      /lengths in a string tensor/,
    ],
    [
      "string lengths short of the content",
      proto(DataType.DT_STRING, [2], { tensorContent: Uint8Array.of(1, 0, 0, 0) }),
      /lengths in a string tensor/,
    ],
    [
      "fewer string lengths than strings",
      proto(DataType.DT_STRING, [9], { tensorContent: Uint8Array.of(0, 0) }),
      /lengths in a string tensor/,
    ],
    [
      "a string length of 2^32 - 1",
      proto(DataType.DT_STRING, [1], { tensorContent: Uint8Array.of(255, 255, 255, 255, 15) }),
      /lengths in a string tensor/,
    ],
    ["a packed field that ends within a value", Uint8Array.of(0x08, 1, 0x2a, 3, 0, 0, 0), /ends within a value/],
  ])("%s", (_, bytes, message) => {
    expect(() => decodeTensorProto(bytes)).toThrow(ServingError);
    expect(() => decodeTensorProto(bytes)).toThrow(message);
  });

  test("the tensors of one request share a budget", () => {
    const budget = new AllocationBudget(100);
    const bytes = proto(DataType.DT_FLOAT, [20]);
    decodeTensorProto(bytes, budget);
    expect(() => decodeTensorProto(bytes, budget)).toThrow(/more than the 100 bytes/);
  });
});
