import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { readMapEntry } from "./map-entry.ts";

test.each([
  ["a key and a value", "0a016b12020801", "k", "0801"],
  ["nothing", "", "", ""],
  ["the value first", "120208010a016b", "k", "0801"],
  ["two keys, of which the last counts", "0a016b0a016c", "l", ""],
  ["two values, which merge", "1202080112001203120161", "", "0801120161"],
  ["fields that nobody knows", "1801080a2201ff0a016b", "k", ""],
])("reads %s", (_, hex, key, value) => {
  const entry = readMapEntry(Buffer.from(hex, "hex"));
  expect([entry.key, Buffer.from(entry.value).toString("hex")]).toEqual([key, value]);
});

test.each([
  ["a value that is cut off", "1203aa"],
  ["a key that is no text", "0a01ff"],
  ["pieces of a value that are whole only together", "12010a12020161"],
])("refuses %s", (_, hex) => {
  expect(() => readMapEntry(Buffer.from(hex, "hex"))).toThrow("malformed protobuf message");
});

test("takes time in proportion to the length, however many pieces a value has", () => {
  const piece = Buffer.from("12020801", "hex");
  const { value } = readMapEntry(Buffer.concat(Array.from({ length: 200_000 }, () => piece)));
  expect(value).toHaveLength(400_000);
});
