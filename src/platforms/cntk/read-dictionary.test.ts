import { expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { readDictionary } from "./read-dictionary.ts";
import { dictionaryBytes, FREE, type TestValue } from "./test-model.ts";

test("values of every type are read, and arrays stay where they are", () => {
  const bytes = dictionaryBytes({
    flag: true,
    int: { int: -3 },
    size: { size: 2 ** 40 },
    double: { double: 0.1 },
    text: "größer",
    shape: { shape: [3n, FREE, FREE + 1n, FREE + 2n] },
    axis: { axis: -2, name: "x" },
    list: ["a", { size: 1 }],
    inner: { entries: { deep: "er" } },
    array: { array: [1, 2], shape: [2n] },
  });
  const found = readDictionary(bytes);
  const array = found.get("array");
  expect(Object.fromEntries([...found].filter(([key]) => key !== "array"))).toEqual({
    flag: true,
    int: -3,
    size: 2 ** 40,
    double: 0.1,
    text: "größer",
    shape: { kind: "shape", sizes: [3, "free", "unknown", "inferred"] },
    axis: { kind: "axis", index: -2, name: "x" },
    list: ["a", 1],
    inner: new Map([["deep", "er"]]),
  });
  expect(array).toMatchObject({ kind: "array", dtype: "float32", sparse: false, sizes: [2] });
  const [range] = (array as unknown as { ranges: [{ start: number; end: number }] }).ranges;
  expect([...new Float32Array(bytes.slice(range.start, range.end).buffer)]).toEqual([1, 2]);
});

test("a value whose field is left out, as proto3 leaves out a default, is the default of its type", () => {
  const entry = (type: number) => [0x12, 0x07, 0x0a, 0x01, 0x61, 0x12, 0x02, 0x10, type];
  const found = [1, 2, 3, 4, 5, 6, 7, 9, 10].map((type) => readDictionary(Uint8Array.from(entry(type))).get("a"));
  expect(found).toEqual([false, 0, 0, 0, 0, "", { kind: "shape", sizes: [] }, [], new Map()]);
});

test("values that lie too deep, and shapes of too many or too large sizes, are refused", () => {
  let deep: TestValue = "x";
  for (let i = 0; i < 100; i++) deep = i % 2 === 0 ? [deep] : { entries: { a: deep } };
  const faults: Record<string, TestValue> = {
    "values lie more than 64 deep": deep,
    "a shape has more than 64 dimensions": { shape: Array.from({ length: 65 }, () => 1n) },
    "a shape has a size of": { shape: [2n ** 60n] },
  };
  for (const [message, value] of Object.entries(faults)) {
    expect(() => readDictionary(dictionaryBytes({ a: value }))).toThrow(message);
    expect(() => readDictionary(dictionaryBytes({ a: value }))).toThrow(ServingError);
  }
});
