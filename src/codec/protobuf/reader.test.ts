import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { ProtobufReader } from "./reader.ts";

/** The text with lone surrogates replaced, as UTF-8 has it. */
const wellFormed = (text: string) => Buffer.from(text).toString();

function read<Value>(bytes: number[] | Uint8Array, step: (reader: ProtobufReader) => Value): Value {
  return step(new ProtobufReader(Uint8Array.from(bytes)));
}

describe("values", () => {
  test("int64 and uint64 varints are exact for every value", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        const bytes = new BinaryWriter().int64(value).finish();
        expect(read(bytes, (reader) => reader.readInt64())).toBe(value);
        expect(read(bytes, (reader) => reader.readUint64())).toBe(BigInt.asUintN(64, value));
        expect(read(bytes, (reader) => reader.readInt64AsNumber())).toBe(Number(value));
      }),
      { numRuns: 500 },
    );
  });

  test("int32 varints are exact, negative ones in ten bytes", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const bytes = new BinaryWriter().int32(value).finish();
        expect(read(bytes, (reader) => reader.readVarint32())).toBe(value);
        expect(bytes.length).toBe(value < 0 ? 10 : bytes.length);
      }),
    );
  });

  test.each([
    ["a 64-bit varint whose low half is 0 is true", [0x80, 0x80, 0x80, 0x80, 0x80, 0x01], true],
    ["0 is false", [0x00], false],
    ["an overlong 0 is false", [0x80, 0x00], false],
  ])("booleans: %s", (_, bytes, expected) => {
    expect(read(bytes, (reader) => reader.readBool())).toBe(expected);
  });

  test("floats and doubles lie unaligned", () => {
    const bytes = new BinaryWriter().uint32(1).float(1.5).double(-2.25).finish();
    const reader = new ProtobufReader(bytes);
    reader.readVarint32();
    expect(reader.readFloat()).toBe(1.5);
    expect(reader.readDouble()).toBe(-2.25);
  });

  test("strings are UTF-8, with a byte order mark kept, whether seen before or not", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ maxLength: 70, minLength: 60 }), fc.constant("\ufeffx")),
        (text) => {
          const bytes = new BinaryWriter().string(wellFormed(text)).finish();
          expect(read(bytes, (reader) => reader.readString())).toBe(wellFormed(text));
          expect(read(bytes, (reader) => reader.readString())).toBe(wellFormed(text));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("skipping", () => {
  test("every wire type and nested groups are stepped over", () => {
    const bytes = new BinaryWriter()
      .tag(5, WireType.StartGroup)
      .tag(1, WireType.Varint)
      .int64(-1n)
      .tag(2, WireType.StartGroup)
      .tag(3, WireType.Bit32)
      .float(1)
      .tag(2, WireType.EndGroup)
      .tag(4, WireType.Bit64)
      .double(1)
      .tag(5, WireType.EndGroup)
      .tag(6, WireType.LengthDelimited)
      .string("abc")
      .tag(7, WireType.Varint)
      .uint32(9)
      .finish();
    const reader = new ProtobufReader(bytes);
    const numbers: number[] = [];
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) {
      numbers.push(tag >>> 3);
      reader.skip(tag);
    }
    expect(numbers).toEqual([5, 6, 7]);
  });

  test("the highest field number is read, with unsigned tags", () => {
    const bytes = new BinaryWriter().tag(536870911, WireType.LengthDelimited).finish();
    expect(read(bytes, (reader) => reader.readTag())).toBe(536870911 * 8 + 2);
  });

  test("a hundred nested groups are followed, one more is refused", () => {
    const nested = (depth: number) => [
      ...Array.from({ length: depth }, () => 0x0b),
      ...Array.from({ length: depth }, () => 0x0c),
    ];
    const skip = (reader: ProtobufReader) => {
      reader.skip(reader.readTag());
      return reader.readTag();
    };
    expect(read(nested(100), skip)).toBe(0);
    expect(() => read(nested(101), skip)).toThrow(/groups lie more than 100 deep/);
  });
});

describe("malformed bytes are an invalid argument", () => {
  const whole = (reader: ProtobufReader) => {
    for (let tag = reader.readTag(); tag !== 0; tag = reader.readTag()) reader.skip(tag);
  };
  test.each<[string, number[], (reader: ProtobufReader) => unknown, RegExp]>([
    ["an empty varint", [], (reader) => reader.readVarint32(), /cut off/],
    ["a cut varint", [0x80], (reader) => reader.readVarint32(), /cut off/],
    ["a cut ten-byte varint", [255, 255, 255, 255, 255, 255], (reader) => reader.readVarint32(), /cut off/],
    ["an 11-byte varint", Array.from({ length: 11 }, () => 0x80), (reader) => reader.readVarint32(), /more than ten bytes/],
    [
      "an 11-byte 64-bit varint",
      Array.from({ length: 11 }, () => 0x80),
      (reader) => reader.readVarint64(),
      /more than ten bytes/,
    ],
    ["a cut float", [0, 0, 0], (reader) => reader.readFloat(), /cut off/],
    ["a cut double", [0, 0, 0, 0, 0, 0, 0], (reader) => reader.readDouble(), /cut off/],
    ["a length beyond the end", [5, 1, 2], (reader) => reader.readBytes(), /cut off/],
    ["a length of 2^32 - 1", [255, 255, 255, 255, 15], (reader) => reader.readBytes(), /cut off/],
    ["a string that is not UTF-8", [2, 0xc3, 0x28], (reader) => reader.readString(), /not UTF-8/],
    ["field number 0", [0x02, 0], whole, /field number 0/],
    ["field number 0 in two bytes", [0x82, 0x00, 0], whole, /field number 0/],
    ["a tag of six bytes", [0x88, 0x80, 0x80, 0x80, 0x80, 0x00], whole, /field number is too large/],
    ["wire type 6", [0x0e], whole, /unknown wire type 6/],
    ["a group's end alone", [0x0c], whole, /group ends/],
    ["a group with another's end", [0x0b, 0x14], whole, /group ends/],
    ["a group without end", [0x0b, 0x08, 0x01], whole, /cut off/],
    ["a fixed value beyond the end", [0x0d, 1, 2], whole, /cut off/],
  ])("%s", (_, bytes, step, message) => {
    const attempt = () => read(bytes, step);
    expect(attempt).toThrow(ServingError);
    expect(attempt).toThrow(message);
  });

  test("a sub-message does not read beyond its own end", () => {
    const reader = new ProtobufReader(Uint8Array.of(0x0a, 0x01, 0x08, 0x05));
    reader.readTag();
    reader.enter();
    reader.readTag();
    expect(() => reader.readVarint32()).toThrow(/cut off/);
  });
});

test("what is read is what the generated code's reader reads, on random field sequences", () => {
  const field = fc.record({ number: fc.integer({ min: 1, max: 536870911 }), value: fc.bigInt(0n, 2n ** 64n - 1n) });
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const writer = new BinaryWriter();
      for (const { number, value } of fields) writer.tag(number, WireType.Varint).uint64(value);
      const bytes = writer.finish();
      const theirs = new BinaryReader(bytes);
      const ours = new ProtobufReader(bytes);
      while (theirs.pos < theirs.len) {
        const [number, wireType] = theirs.tag();
        expect(ours.readTag()).toBe(number * 8 + wireType);
        expect(ours.readUint64()).toBe(BigInt(theirs.uint64()));
      }
      expect(ours.readTag()).toBe(0);
    }),
  );
});
