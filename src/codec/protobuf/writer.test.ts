import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import { delimitedSize, int32Size, int64Size, utf8Size, varint32Size } from "./size.ts";
import { ProtobufWriter } from "./writer.ts";

/** The text with lone surrogates replaced, as UTF-8 has it. */
const wellFormed = (text: string) => Buffer.from(text).toString();

function written(size: number, write: (writer: ProtobufWriter) => void): number[] {
  const writer = ProtobufWriter.allocate(size);
  write(writer);
  return [...writer.finish()];
}

test("varints have the announced size and the generated code's bytes", () => {
  fc.assert(
    fc.property(fc.integer(), fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), (small, large) => {
      const unsigned = small >>> 0;
      expect(written(varint32Size(unsigned), (writer) => writer.writeVarint32(unsigned))).toEqual([
        ...new BinaryWriter().uint32(unsigned).finish(),
      ]);
      expect(written(int32Size(small), (writer) => writer.writeInt32(small))).toEqual([
        ...new BinaryWriter().int32(small).finish(),
      ]);
      const wrapped = BigInt.asUintN(64, large);
      expect(written(int64Size(large), (writer) => writer.writeInt64(large))).toEqual([
        ...new BinaryWriter().uint64(wrapped).finish(),
      ]);
    }),
    { numRuns: 500 },
  );
});

test.each([
  0n,
  1n,
  127n,
  128n,
  2n ** 28n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 35n - 1n,
  2n ** 35n,
  2n ** 63n - 1n,
  -1n,
  -(2n ** 63n),
])("the 64-bit edge %s is written as the generated code writes it", (value) => {
  expect(written(int64Size(value), (writer) => writer.writeInt64(value))).toEqual([...new BinaryWriter().int64(value).finish()]);
});

test("strings of any length and alphabet are written as UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
      const size = utf8Size(text);
      expect(written(delimitedSize(size), (writer) => writer.writeString(text, size))).toEqual([
        ...new BinaryWriter().string(wellFormed(text)).finish(),
      ]);
    }),
  );
});

test("the headroom is zeros and not part of the message", () => {
  const writer = ProtobufWriter.allocate(1, 5);
  writer.writeVarint32(7);
  expect([...writer.finish()]).toEqual([0, 0, 0, 0, 0, 7]);
});

test("a wrong size is found out, so that no stale memory leaves", () => {
  expect(() => written(3, (writer) => writer.writeVarint32(1))).toThrow(/3 bytes was announced and 1 were written/);
  expect(() => written(2, (writer) => writer.writeRaw(new Uint8Array(3)))).toThrow(/longer than was announced/);
  expect(() => written(1, (writer) => writer.writeVarint32(300))).toThrow(/announced/);
  expect(() => written(2, (writer) => writer.writeString("abc", 3))).toThrow(/longer than was announced/);
});
