import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TfRecordReader } from "./tf-record-reader.ts";
import { encodeTfRecord } from "./tf-record-writer.ts";

function read(chunks: readonly Uint8Array[], reader = new TfRecordReader()): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let record = reader.next(); record !== undefined; record = reader.next()) records.push(record);
  }
  reader.end();
  return records;
}

describe("a TFRecord file", () => {
  test("begins as TensorFlow's own writer has it", () => {
    // tf.io.TFRecordWriter of TensorFlow 2.21, one record "hello".
    expect(Buffer.from(encodeTfRecord(Buffer.from("hello"))).toString("hex")).toBe(HELLO);
  });

  test("is read back from chunks of any size", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 50 })),
        (data, cuts) => {
          const file = Buffer.concat(data.map(encodeTfRecord));
          const chunks: Uint8Array[] = [];
          let at = 0;
          for (const cut of cuts) {
            chunks.push(file.subarray(at, at + cut));
            at += cut;
          }
          chunks.push(file.subarray(at));
          expect(read(chunks).map((record) => Buffer.from(record).toString("hex"))).toEqual(
            data.map((record) => Buffer.from(record).toString("hex")),
          );
        },
      ),
    );
  });

  test("that is empty has no records", () => {
    expect(read([])).toEqual([]);
  });

  const two = Buffer.concat([encodeTfRecord(Buffer.from("one")), encodeTfRecord(Buffer.from("second"))]);

  test.each([
    ["a byte of the length", 19, "corrupted record at 19"],
    ["the length's checksum", 27, "corrupted record at 19"],
    ["a byte of the data", 31, "corrupted record at 19"],
    ["the data's checksum", two.length - 1, "corrupted record at 19"],
    ["the first record", 0, "corrupted record at 0"],
  ])("with a fault in %s is refused with the place", (_, at, expected) => {
    const damaged = Buffer.from(two);
    damaged[at]! ^= 4;
    expect(() => read([damaged])).toThrow(
      expect.objectContaining({
        code: "data-loss",
        message: `${expected}. Please verify your warmup data is in TFRecord format.`,
      }) as Error,
    );
  });

  test.each([5, 12, 16, 18, 20, 31, two.length - 1])("cut off after %i bytes is told at the end", (length) => {
    expect(() => read([two.subarray(0, length)])).toThrow(
      expect.objectContaining({
        code: "data-loss",
        message: `truncated record at ${length < 19 ? 0 : 19}. Please verify your warmup data is in TFRecord format.`,
      }) as Error,
    );
  });

  test("with a record longer than allowed is refused before its data comes", () => {
    const reader = new TfRecordReader(5);
    reader.push(two.subarray(0, 19 + 12));
    expect(Buffer.from(reader.next()!).toString()).toBe("one");
    expect(() => reader.next()).toThrow("the record at 19 has 6 bytes, the most that is read is 5");
  });
});

const HELLO = "0500000000000000eab2043e68656c6c6fbb1f1c19";
