import fc from "fast-check";
import { expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { readUbjson } from "./ubjson.ts";

const read = (latin1: string) => readUbjson(Buffer.from(latin1, "latin1"));

test.each<[string, unknown]>([
  ["Z", null],
  ["T", true],
  ["F", false],
  ["i\xff", -1],
  ["U\xff", 255],
  ["I\xff\xfe", -2],
  ["l\x80\0\0\0", -(2 ** 31)],
  ["L\0\x20\0\0\0\0\0\0", 2 ** 53],
  ["d\x3f\x80\0\0", 1],
  ["d\x7f\xc0\0\0", NaN],
  ["D\x3f\xf8\0\0\0\0\0\0", 1.5],
  ["Cx", "x"],
  ["Si\x03\xc3\xa9a", "éa"],
  ["SL\0\0\0\0\0\0\0\0", ""],
  ["[]", []],
  ["[ZSi\x01a[T]]", [null, "a", [true]]],
  ["[#i\x02i\x01i\x02", [1, 2]],
  ["[$i#i\x02\x01\xff", Int8Array.of(1, -1)],
  ["[$U#U\x01\xff", Uint8Array.of(255)],
  ["[$I#i\x01\x01\0", Int16Array.of(256)],
  ["[$l#i\x01\0\x01\0\0", Int32Array.of(65536)],
  ["[$L#i\x01\0\0\0\0\0\0\0\x07", Float64Array.of(7)],
  ["[$d#L\0\0\0\0\0\0\0\x02\x3f\x80\0\0\xff\x80\0\0", Float32Array.of(1, -Infinity)],
  ["[$D#i\0", new Float64Array()],
])("reads %j", (bytes, value) => {
  expect(read(bytes)).toEqual(value);
});

test.each([
  ["{}", []],
  [
    "{i\x01aTL\0\0\0\0\0\0\0\x01b[]}",
    [
      ["a", true],
      ["b", []],
    ],
  ],
  ["{#i\x01i\x01aZ", [["a", null]]],
  ["{i\x09__proto__Z}", [["__proto__", null]]],
])("reads the object %j", (bytes, entries) => {
  const object = read(bytes) as object;
  expect(Object.entries(object)).toEqual(entries);
  expect(Object.getPrototypeOf(object)).toBeNull();
});

test.each([
  ["", "breaks off (byte 0)"],
  ["ZZ", "goes on behind its end (byte 1)"],
  ["l\0\0", "breaks off (byte 1)"],
  ["Si\x05abc", "breaks off (byte 3)"],
  ["Si\xff", "has a negative length"],
  ["Sd\0\0\0\0", "has no length where one is expected (byte 1)"],
  ["SL\x7f\xff\xff\xff\xff\xff\xff\xff", "breaks off"],
  ["[Z", "breaks off (byte 2)"],
  ["[#l\x7f\xff\xff\xffZ", "is shorter than an array says"],
  ["{#l\x7f\xff\xff\xffi\0Z", "is shorter than an object says"],
  ["[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff", "is shorter than an array says"],
  ["[$d#i\x02\0\0\0\0\0\0\0", "is shorter than an array says"],
  ["[$Z#i\x02", "has an array of a type that is not known (byte 2)"],
  ["[$d", "breaks off"],
  ["[$di\x02", "has an array of one type without a count (byte 3)"],
  ["Hi\x011", "has a marker that is not known (byte 0)"],
  ["[}", "has a marker that is not known (byte 1)"],
  ["{$i#i\0", "has no length where one is expected (byte 1)"],
  ["[".repeat(65), "is more than 64 deep (byte 65)"],
  ["{i\0".repeat(65), "is more than 64 deep"],
])("refuses %j", (bytes, message) => {
  expect(() => read(bytes)).toThrow(ServingError);
  expect(() => read(bytes)).toThrow(`the UBJSON document ${message}`);
});

test("64 levels are not too deep", () => {
  expect(() => read("[".repeat(64) + "]".repeat(64))).not.toThrow();
});

test("any value is read as it was written, and refused wherever it breaks off", () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.double(),
      fc.integer(),
      fc.string(),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: false }),
    ),
  }));
  fc.assert(
    fc.property(value, fc.nat(), (written, cut) => {
      const bytes = write(written);
      expect(sorted(readUbjson(bytes))).toEqual(sorted(written));
      expect(() => readUbjson(bytes.subarray(0, cut % bytes.length))).toThrow(ServingError);
    }),
  );
});

test("whatever bytes there are, it is a value or an error of its own", () => {
  const piece = fc.constantFrom(..."[ ] { } $ # i U I l L d D S C Z T F \0 \x01 \x02 \xff".split(" "));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      try {
        read(pieces.join(""));
      } catch (reason) {
        expect(reason).toBeInstanceOf(ServingError);
      }
    }),
    { numRuns: 2000 },
  );
});

/** Writes plainly: all lengths as int32, all numbers as float64. */
function write(value: unknown): Buffer {
  if (value === null) return Buffer.from("Z");
  if (typeof value === "boolean") return Buffer.from(value ? "T" : "F");
  if (typeof value === "string") return Buffer.concat([Buffer.from("S"), text(value)]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from("["), ...value.map(write), Buffer.from("]")]);
  if (typeof value === "object") {
    const entries = Object.entries(value).flatMap(([key, each]) => [text(key), write(each)]);
    return Buffer.concat([Buffer.from("{"), ...entries, Buffer.from("}")]);
  }
  const number = Buffer.alloc(9, "D");
  number.writeDoubleBE(value as number, 1);
  return number;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(5, "l");
  length.writeInt32BE(bytes.length, 1);
  return Buffer.concat([length, bytes]);
}

/** Objects as lists of entries, so that neither order nor prototype matters. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return { entries: new Map(Object.entries(value).map(([key, each]) => [key, sorted(each)])) };
}
