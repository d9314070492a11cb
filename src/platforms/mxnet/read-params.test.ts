import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { TestWindow } from "../../codec/saved-model/test-window.ts";
import type { FileWindow } from "../file-window.ts";
import { readParams } from "./read-params.ts";

const { signal } = new AbortController();

function read(bytes: Uint8Array): ReturnType<typeof readParams> {
  // As small as the longest name.
  return readParams(new TestWindow(bytes, 4096) as unknown as FileWindow, "m.params", signal);
}

/** A list of arrays; each is given from its first number on. */
function list(arrays: readonly Buffer[], names: readonly string[]): Buffer {
  return Buffer.concat([u64(0x112), u64(0), u64(arrays.length), ...arrays, u64(names.length), ...names.flatMap(named)]);
}

function named(name: string): Buffer[] {
  return [u64(Buffer.byteLength(name)), Buffer.from(name)];
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function i32(...values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values, (value) => value >>> 0).buffer);
}

const [V1, V2, V3] = [0xf993fac8, 0xf993fac9, 0xf993faca];
const CPU = i32(1, 0);
const [FLOAT32, FLOAT16, INT64] = [0, 2, 6];
const floats = (...values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer);

describe("the layouts of arrays that MXNet has written", () => {
  test.each(["v0", "v1", "v2"])("%s", async (layout) => {
    const file = new URL(`../../../test/fixtures/mxnet/params_layouts/${layout}.params`, import.meta.url);
    expect(await read(readFileSync(file))).toEqual(
      new Map([["w", { dtype: "float32", shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) }]]),
    );
  });

  test.each(["csr", "rsp"])("%s, filled up with zeros", async (layout) => {
    const file = new URL(`../../../test/fixtures/mxnet/params_layouts/${layout}.params`, import.meta.url);
    expect(await read(readFileSync(file))).toEqual(
      new Map([["s", { dtype: "float32", shape: [3, 2], data: Float32Array.of(0, 1, 0, 0, 2, 3) }]]),
    );
  });

  test("V3, where an array may have no dimension", async () => {
    const scalar = Buffer.concat([i32(V3, 0, 0), CPU, i32(FLOAT32), floats(7)]);
    const row = Buffer.concat([i32(V3, 0, 1), u64(1), CPU, i32(INT64), u64(5)]);
    expect(await read(list([scalar, row], ["arg:a", "aux:b"]))).toEqual(
      new Map([
        ["a", { dtype: "float32", shape: [], data: Float32Array.of(7) }],
        ["b", { dtype: "int64", shape: [1], data: BigInt64Array.of(5n) }],
      ]),
    );
  });

  test("an array without dimensions is none in V2, and a name may be without arg:", async () => {
    const half = Buffer.concat([i32(V1, 1), u64(1), CPU, i32(FLOAT16), Buffer.of(0, 0x3c)]);
    expect(await read(list([i32(V2, 0, 0), half], ["none", "h"]))).toEqual(
      new Map([["h", { dtype: "float16", shape: [1], data: Uint16Array.of(0x3c00) }]]),
    );
  });
});

/** The head of a matrix of which `stored` rows are there. */
const sparse = (stored: number, rows: number, width: number) =>
  Buffer.concat([i32(V2, 1, 2), u64(stored), u64(width), i32(2), u64(rows), u64(width), CPU, i32(FLOAT32)]);
const ROW = Buffer.concat([i32(V2, 0, 1), u64(1), CPU, i32(FLOAT32), floats(1)]);

const REFUSED: readonly [string, Buffer, string][] = [
  ["another file", Buffer.alloc(64), "m.params is no .params file of MXNet; export the model again"],
  [
    "more arrays than bytes",
    Buffer.concat([u64(0x112), u64(0), u64(2 ** 40)]),
    "m.params says that 1099511627776 arrays follow in 0 bytes",
  ],
  [
    "more elements than bytes",
    list([Buffer.concat([i32(V2, 0, 2), u64(2 ** 20), u64(2 ** 30), CPU, i32(FLOAT32)])], ["a"]),
    "m.params: array 0 has a shape of [1048576, 1073741824] but only 17 bytes are left of the file",
  ],
  ["a rank that cannot be", list([i32(77)], ["a"]), "m.params: array 0 has 77 dimensions"],
  [
    "an unknown dtype",
    list([Buffer.concat([i32(V2, 0, 1), u64(1), CPU, i32(99)])], ["a"]),
    "m.params: array 0 has the dtype 99, which is not known",
  ],
  ["an unknown storage", list([i32(V2, 3)], ["a"]), "m.params: array 0 has the storage type 3, which is not known"],
  ["no names", list([ROW], []), "m.params has no names of arrays"],
  ["fewer names", list([ROW, ROW], ["a"]), "m.params has 1 names of 2 arrays"],
  ["one name twice", list([ROW, ROW], ["arg:a", "aux:a"]), 'm.params has two arrays called "a"'],
  [
    "a sparse array that would fill the memory",
    list([Buffer.concat([sparse(0, 2 ** 30, 2), i32(INT64, 1), u64(0)])], ["a"]),
    "m.params: array 0 is sparse and has a shape of 2147483648 elements, which are too many",
  ],
  [
    "a row beyond the last",
    list([Buffer.concat([sparse(1, 3, 1), i32(INT64, 1), u64(1), floats(1), u64(3)])], ["a"]),
    "m.params: array 0 has row 3 of 3",
  ],
];

test.each(REFUSED)("%s is refused", async (_what, bytes, message) => {
  await expect(read(bytes)).rejects.toThrow(message);
});
