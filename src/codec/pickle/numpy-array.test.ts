import { describe, expect, test } from "vitest";
import { inlineArray, isNumpyName, NumpyArray, plainValue } from "./numpy-array.ts";
import { PickleName, PickleObject, type PickleValue } from "./pickle-value.ts";

const object = (full: string, args: PickleValue, state: PickleValue = null): PickleObject => {
  const dot = full.lastIndexOf(".");
  return Object.assign(new PickleObject(new PickleName(full.slice(0, dot), full.slice(dot + 1)), args), { state });
};
const dtype = (type: string, order = "<", fields: PickleValue = null): PickleObject =>
  object("numpy.dtype", [type, false, true], [3, order, null, null, fields, -1, -1, 0]);
const array = (type: PickleObject, shape: number[], data: PickleValue, fortran = false): PickleObject =>
  object("numpy.core.multiarray._reconstruct", [], [1, shape, type, fortran, data]);
const of = (...args: Parameters<typeof array>): NumpyArray => NumpyArray.of(array(...args))!;
const bytes = (...values: number[]): Buffer => Buffer.from(values);

describe("numbers of every type and order", () => {
  test.each<[string, string, Buffer, number[]]>([
    ["f8", "<", Buffer.from(Float64Array.of(1.5, -2).buffer), [1.5, -2]],
    ["f8", ">", Buffer.from(Float64Array.of(1.5, -2).buffer).swap64(), [1.5, -2]],
    ["f4", "<", Buffer.from(Float32Array.of(0.1, 3).buffer), [Math.fround(0.1), 3]],
    ["i8", "<", Buffer.from(BigInt64Array.of(-3n, 4n).buffer), [-3, 4]],
    ["u8", ">", Buffer.from(BigUint64Array.of(3n).buffer).swap64(), [3]],
    ["i4", ">", bytes(255, 255, 255, 254), [-2]],
    ["u4", "<", bytes(254, 255, 255, 255), [4294967294]],
    ["i2", "<", bytes(255, 255), [-1]],
    ["u2", ">", bytes(1, 2), [258]],
    ["i1", "|", bytes(255, 1), [-1, 1]],
    ["u1", "|", bytes(255), [255]],
    ["b1", "|", bytes(1, 0), [1, 0]],
  ])("%s %s", (type, order, data, numbers) => {
    expect(Array.from(of(dtype(type, order), [numbers.length], data).numbers())).toEqual(numbers);
  });
});

test("Fortran's order becomes C's", () => {
  const data = bytes(...Array.from({ length: 24 }, (_, i) => i));
  const wanted: number[] = [];
  for (let i = 0; i < 2; i++) for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) wanted.push(i + 2 * j + 6 * k);
  expect(Array.from(of(dtype("u1"), [2, 3, 4], data, true).numbers())).toEqual(wanted);
  expect(Array.from(of(dtype("u1"), [2, 3, 4], data).numbers())).toEqual([...data]);
});

test.each<[string, PickleObject, number, PickleValue, PickleValue[]]>([
  ["texts", dtype("U2"), 2, Buffer.from("a\0\0\0\0\0\0\0b\0\0\0\xe9\0\0\0", "latin1"), ["a", "bé"]],
  ["texts of the other order", dtype("U1", ">"), 1, Buffer.from("\0\0\0a"), ["a"]],
  ["bytes", dtype("S3"), 2, Buffer.from("ab\0c\0\0"), ["ab", "c"]],
  ["objects", dtype("O8"), 2, ["x", 1], ["x", 1]],
  ["truths", dtype("b1"), 2, bytes(1, 0), [true, false]],
  ["Python 2's text for bytes", dtype("u1"), 2, "\x01\xff", [1, 255]],
  ["how Python 3 writes bytes in old protocols", dtype("u1"), 1, object("_codecs.encode", ["\xff", "latin1"]), [255]],
])("values: %s", (_, type, count, data, values) => {
  expect(of(type, [count], data).values()).toEqual(values);
});

test("fields of records are where their type says, however long records are", () => {
  const fields = new Map<PickleValue, PickleValue>([
    ["left", [dtype("i2"), 1]],
    ["threshold", [dtype("f4", ">"), 3]],
  ]);
  const data = bytes(9, 1, 0, 0x3f, 0x80, 0, 0, 9, 9, 2, 0, 0x40, 0, 0, 0, 9);
  const records = of(dtype("V8", "|", fields), [2], data);
  expect([Array.from(records.field("left")), Array.from(records.field("threshold"))]).toEqual([
    [1, 2],
    [1, 2],
  ]);
  expect(records.hasField("left")).toBe(true);
  expect(() => records.field("right")).toThrow('an array of numpy of records has no field "right"');
  expect(() => records.values()).toThrow("is of records");
});

test("joblib's arrays lie behind them, aligned or not, and objects in a pickle", () => {
  const wrapper = (type: PickleObject, more: [PickleValue, PickleValue][] = []): PickleObject =>
    object(
      "joblib.numpy_pickle.NumpyArrayWrapper",
      [],
      new Map<PickleValue, PickleValue>([["dtype", type], ["shape", [2, 2]], ["order", "F"], ...more]),
    );
  expect(inlineArray(wrapper(dtype("u1")))).toEqual({ kind: "bytes", length: 4, aligned: false });
  const aligned = wrapper(dtype("f8"), [["numpy_array_alignment_bytes", 16]]);
  expect(inlineArray(aligned)).toEqual({ kind: "bytes", length: 32, aligned: true });
  expect(inlineArray(wrapper(dtype("O8")))).toEqual({ kind: "pickle" });
  expect(inlineArray(object("sklearn.x.Y", [], new Map()))).toBeUndefined();
  const raw = Object.assign(wrapper(dtype("u1")), { inline: bytes(1, 2, 3, 4) });
  expect(Array.from(NumpyArray.of(raw)!.numbers())).toEqual([1, 3, 2, 4]);
  const objects = Object.assign(wrapper(dtype("O8")), { inline: array(dtype("O8"), [1], ["a"]) });
  expect(NumpyArray.of(objects)!.values()).toEqual(["a"]);
});

test("protocol 5 has arrays of its own", () => {
  const value = object("numpy._core.numeric._frombuffer", [bytes(1, 2, 3, 4), dtype("u1"), [2, 2], "F"]);
  expect(Array.from(NumpyArray.of(value)!.numbers())).toEqual([1, 3, 2, 4]);
});

test("a scalar is its number; what is none stays as it is", () => {
  expect(plainValue(object("numpy._core.multiarray.scalar", [dtype("i4"), bytes(7, 0, 0, 0)]))).toBe(7);
  expect(plainValue(object("numpy.core.multiarray.scalar", [dtype("O8"), "x"]))).toBe("x");
  expect(plainValue("y")).toBe("y");
  expect(NumpyArray.of("y")).toBeUndefined();
  expect(NumpyArray.of(object("sklearn.x.Y", []))).toBeUndefined();
});

test.each<[string, () => unknown, string]>([
  ["too few bytes", () => of(dtype("f8"), [2], bytes(1)), "of the shape [2] has 1 bytes, not 16"],
  ["too many bytes", () => of(dtype("u1"), [1], bytes(1, 2)), "of the shape [1] has 2 bytes, not 1"],
  ["endless values of no bytes", () => of(dtype("U0"), [1e15], bytes()), "of the shape [1000000000000000] has 0 bytes, not 0"],
  ["a shape beyond numbers", () => of(dtype("u1"), [2 ** 40, 2 ** 40], bytes()), "has a shape of too many values"],
  ["a negative shape", () => of(dtype("u1"), [-1], bytes()), "has no shape"],
  [
    "too many dimensions",
    () =>
      of(
        dtype("u1"),
        Array.from({ length: 33 }, () => 1),
        bytes(1),
      ),
    "has no shape",
  ],
  ["too few objects", () => of(dtype("O8"), [2], ["a"]), "of the shape [2] has 1 values, not 2"],
  ["objects for numbers", () => of(dtype("O8"), [1], ["a"]).numbers(), "has something else where numbers are expected"],
  ["dates", () => of(dtype("M8"), [1], bytes(0, 0, 0, 0, 0, 0, 0, 0)), "has dates"],
  ["a type that is unknown", () => of(dtype("c16"), [0], bytes()), 'has the type "c16"'],
  ["a type without numbers", () => of(dtype("f2"), [0], bytes()), "has the type f2"],
  ["no type", () => of(object("numpy.dtype", null), [0], bytes()), "has no type"],
  ["no state", () => NumpyArray.of(object("numpy.core.multiarray._reconstruct", [])), "has no state"],
  ["no bytes", () => of(dtype("u1"), [0], 5), "has no bytes"],
  ["no character", () => of(dtype("U1"), [1], bytes(255, 255, 255, 255)).values(), "no character"],
  [
    "a field outside of its record",
    () => of(dtype("V4", "|", new Map<PickleValue, PickleValue>([["x", [dtype("f8"), 0]]])), [1], bytes(0, 0, 0, 0)),
    "has a field outside of them",
  ],
])("%s is refused", (_, make, message) => {
  expect(make).toThrow(expect.objectContaining({ name: "ServingError", message: expect.stringContaining(message) }));
});

test.each([
  ["numpy.core.multiarray", "scalar", true],
  ["numpy._core.multiarray", "_reconstruct", true],
  ["sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", true],
  ["numpy", "load", false],
  ["numpy.core.multiarray", "fromfile", false],
  ["joblib.numpy_pickle", "read_zfile", false],
  ["_codecs", "lookup", false],
])("%s.%s is numpy's: %s", (module, name, answer) => {
  expect(isNumpyName(new PickleName(module, name))).toBe(answer);
});
