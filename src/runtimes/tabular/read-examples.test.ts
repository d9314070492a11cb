import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import type { TabularInput } from "../../model/tabular/tabular-program.ts";
import { stringTensor } from "../../tensor/tensor.ts";
import { ExampleFeatures } from "./read-examples.ts";

// Messages are written by hand: the generated code is another room's.
const field = (tag: number, ...bytes: number[]) => [tag, bytes.length, ...bytes];
const entry = (name: string, ...feature: number[]) =>
  field(0x0a, ...field(0x0a, ...Buffer.from(name)), ...field(0x12, ...feature));
const example = (...entries: number[][]) => Uint8Array.from(field(0x0a, ...entries.flat()));
const texts = (...values: string[]) => field(0x0a, ...values.flatMap((value) => field(0x0a, ...Buffer.from(value))));
const float = (value: number) => [...Buffer.from(Float32Array.of(value).buffer)];
const packed = (...values: number[]) => field(0x12, ...field(0x0a, ...values.flatMap(float)));
const unpacked = (...values: number[]) => field(0x12, ...values.flatMap((value) => [0x0d, ...float(value)]));
const integers = (...values: number[]) => field(0x1a, ...field(0x0a, ...values));
const unpackedIntegers = (...values: number[]) => field(0x1a, ...values.flatMap((value) => [0x08, value]));

const INPUTS: readonly TabularInput[] = [
  { alias: "X", value: "matrix", type: "float32", columns: 2, vector: false, columnNames: ["a", "b"] },
  { alias: "city", value: "city", type: "texts", columns: 1, vector: true },
  { alias: "age", value: "age", type: "float64", columns: 1, vector: true },
];
const features = new ExampleFeatures(INPUTS);
const NONE = Number.NaN;

function read(...examples: Uint8Array[]) {
  const { rows, values } = features.read(stringTensor([examples.length], examples));
  expect(rows).toBe(examples.length);
  const { matrix, city, age } = Object.fromEntries(values) as unknown as Record<
    string,
    { data: Iterable<number>; texts: unknown }
  >;
  return { matrix: [...matrix!.data], city: city!.texts, age: [...age!.data] };
}

describe("a feature", () => {
  const nothing = { matrix: [NONE, NONE], city: [null], age: [NONE] };
  test.each<[string, number[][], Partial<typeof nothing> | object]>([
    ["of a column", [entry("b", ...packed(2.5))], { matrix: [NONE, 2.5] }],
    ["of a matrix", [entry("X", ...unpacked(1, 2))], { matrix: [1, 2] }],
    ["of integers, packed", [entry("age", ...integers(62))], { age: [62] }],
    ["of integers, not packed", [entry("X", ...unpackedIntegers(3, 4))], { matrix: [3, 4] }],
    ["of a negative integer", [entry("age", ...integers(255, 255, 255, 255, 255, 255, 255, 255, 255, 1))], { age: [-1] }],
    ["of a text", [entry("city", ...texts("Rom\u00e9"))], { city: ["Rom\u00e9"] }],
    ["of an integer for a text", [entry("city", ...integers(3))], { city: ["3"] }],
    ["that is empty is missing", [entry("age", ...packed()), entry("city"), entry("X", ...integers())], {}],
    ["that no input has is passed over", [entry("other", ...texts("x"))], {}],
    ["that is there twice is what it is last", [entry("age", ...packed(1)), entry("age", ...integers(2))], { age: [2] }],
    [
      "that is there twice is what it is last, whatever it was",
      [entry("age", ...texts("x")), entry("age", ...integers(2))],
      { age: [2] },
    ],
    ["of two kinds is of the last", [entry("age", ...texts("x"), ...integers(2))], { age: [2] }],
    ["in two lists of one kind is of both", [entry("X", ...packed(1), ...packed(2))], { matrix: [1, 2] }],
    ["that is empty last is missing", [entry("X", ...packed(1, 2)), entry("X")], {}],
  ])("%s", (_, entries, expected) => {
    expect(read(example(...entries))).toEqual({ ...nothing, ...expected });
  });

  test("of a context put before its example is what the example does not say otherwise", () => {
    const context = example(entry("age", ...packed(1)), entry("city", ...texts("Rome")));
    expect(read(Buffer.concat([context, example(entry("age", ...packed(2)))]))).toMatchObject({ city: ["Rome"], age: [2] });
  });

  test("fills its own row", () => {
    const rows = [example(entry("age", ...packed(1))), example(), example(entry("age", ...packed(3)), entry("a", ...packed(4)))];
    expect(read(...rows)).toEqual({ matrix: [NONE, NONE, NONE, NONE, 4, NONE], city: [null, null, null], age: [1, NONE, 3] });
  });
});

describe("what is refused", () => {
  test.each<[string, Uint8Array, string]>([
    ["two values for one", example(entry("age", ...packed(1, 2))), 'example 1: feature "age" has 2 values where 1 is expected'],
    ["one for two", example(entry("X", ...packed(1))), 'example 1: feature "X" has 1 values where 2 are expected'],
    [
      "texts for numbers",
      example(entry("a", ...texts("1"))),
      'example 1: feature "a" has texts of bytes_list where numbers are expected',
    ],
    [
      "fractions for texts",
      example(entry("city", ...packed(1))),
      'example 1: feature "city" has numbers of float_list where texts are expected',
    ],
    [
      "a message that is cut off",
      example(entry("age", ...packed(1))).subarray(0, 12),
      "example 1: malformed protobuf message: it is cut off",
    ],
  ])("%s", (_, wrong, message) => {
    expect(() => read(example(), wrong)).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });

  test("examples that are no vector of texts", () => {
    const matrix = stringTensor([1, 1], [example()]);
    expect(() => features.read(matrix)).toThrow("must be a vector of serialized tf.Example, got string of shape [1, 1]");
    const numbers = { dtype: "float32", shape: [1], data: Float32Array.of(1) } as const;
    expect(() => features.read(numbers)).toThrow("got float32 of shape [1]");
  });

  test("any bytes are read or refused, and nothing else", () => {
    const seed = example(entry("age", ...packed(1)), entry("city", ...texts("Rome")), entry("X", ...integers(1, 2)));
    const bent = fc
      .tuple(fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(seed.length))
      .map(([changes, length]) => {
        const bytes = seed.slice(0, length);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(bent, (bytes) => {
        try {
          features.read(stringTensor([1], [bytes]));
        } catch (reason) {
          if (!(reason instanceof ServingError) || reason.code !== "invalid-argument") throw reason;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
