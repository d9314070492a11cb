import { describe, expect, test } from "vitest";
import { NumpyArray } from "./numpy-array.ts";
import { readNpy } from "./read-npy.ts";

/** A file of numpy's, as its documentation describes it. */
function npy(header: string, data: Buffer, version = 1): Buffer {
  const text = Buffer.from(header, version === 3 ? "utf8" : "latin1");
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from("\x93NUMPY", "latin1"), Buffer.of(version, 0), length, text, data]);
}

const doubles = (...numbers: number[]) => Buffer.from(Float64Array.from(numbers).buffer);
const arrayOf = (bytes: Buffer) => NumpyArray.of(readNpy(bytes))!;

describe("an array's file is read", () => {
  test.each([
    ["of version 1", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", doubles(1.5, -2)), [2], [1.5, -2]],
    ["of version 2", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}", doubles(3, 4), 2), [1, 2], [3, 4]],
    ["of version 3", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", doubles(3), 3), [1], [3]],
    [
      "in Fortran's order",
      npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2)}", doubles(1, 2, 3, 4)),
      [2, 2],
      [1, 3, 2, 4],
    ],
    ["of no dimensions", npy("{'descr': '>i2', 'fortran_order': False, 'shape': ()}", Buffer.of(1, 2)), [], [258]],
    ["of no values", npy("{'descr': '|b1', 'fortran_order': False, 'shape': (0, 3)}", Buffer.alloc(0)), [0, 3], []],
    ["of Python 2's long numbers", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2L,)}", Buffer.of(7, 8)), [2], [7, 8]],
  ])("%s", (_, bytes, shape, numbers) => {
    const array = arrayOf(bytes);
    expect(array.shape).toEqual(shape);
    expect([...array.numbers()]).toEqual(numbers);
  });

  test("of texts", () => {
    const text = Buffer.from(Uint32Array.from([0x50, 0x1f600, 0, 0x51, 0, 0]).buffer);
    expect(arrayOf(npy("{'descr': '<U3', 'fortran_order': False, 'shape': (2,)}", text)).values()).toEqual(["P\u{1f600}", "Q"]);
  });

  test("of records with gaps", () => {
    const header =
      "{'descr': [('left', '<i2'), ('', '|V2'), (('a title', 'value'), '<f8')], 'fortran_order': False, 'shape': (2,)}";
    const record = (left: number, value: number) => Buffer.concat([Buffer.of(left, 0, 99, 99), doubles(value)]);
    const array = arrayOf(npy(header, Buffer.concat([record(1, 0.5), record(2, 0.25)])));
    expect([...array.field("left")]).toEqual([1, 2]);
    expect([...array.field("value")]).toEqual([0.5, 0.25]);
    expect(array.hasField("")).toBe(false);
  });
});

describe("an array's file is refused", () => {
  const good = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}";
  test.each([
    [
      "that is none",
      Buffer.from("PK\x03\x04 and more than enough"),
      "data-loss",
      "an array's file (.npy) does not begin as such",
    ],
    ["of version 4", npy(good, doubles(1), 4), "unimplemented", "an array's file is of version 4: 1 to 3 are read"],
    [
      "of objects",
      npy("{'descr': '|O8', 'fortran_order': False, 'shape': (1,)}", doubles(1)),
      "unimplemented",
      "an array's file has objects, which would be a pickle",
    ],
    [
      "whose header breaks off",
      npy("{'descr': '<f8', ", doubles(1)),
      "data-loss",
      "an array's file (.npy) has a header that breaks off",
    ],
    [
      "whose header is code",
      npy("{'descr': __import__('os')}", doubles(1)),
      "data-loss",
      "an array's file (.npy) has a header that cannot be read",
    ],
    [
      "whose header is deep",
      npy("[".repeat(5000), doubles(1)),
      "data-loss",
      "an array's file (.npy) has a header of lists within lists",
    ],
    [
      "of a header that is longer than the file",
      npy(good, doubles()).subarray(0, 40),
      "data-loss",
      "an array's file (.npy) has no header",
    ],
    [
      "without an order",
      npy("{'descr': '<f8', 'shape': (1,)}", doubles(1)),
      "data-loss",
      "an array's file (.npy) does not say its order",
    ],
    ["of too few bytes", npy(good, Buffer.alloc(7)), "data-loss", "an array of numpy of the shape [1] has 7 bytes, not 8"],
    [
      "of more than there can be",
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9007199254740991, 9007199254740991)}", doubles(1)),
      "data-loss",
      "an array of numpy has a shape of too many values",
    ],
    [
      "of dates",
      npy("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,)}", doubles(1)),
      "unimplemented",
      "an array of numpy has dates, which are no model's numbers",
    ],
    [
      "of arrays in records",
      npy("{'descr': [('a', '<f8', (3,))], 'fortran_order': False, 'shape': (1,)}", doubles(1)),
      "unimplemented",
      "an array's file has arrays within its records",
    ],
  ])("%s", (_, bytes, code, message) => {
    expect(() => arrayOf(bytes)).toThrow(expect.objectContaining({ code, message }));
  });
});
