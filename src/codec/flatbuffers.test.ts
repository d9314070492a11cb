import { expect, test } from "vitest";
import { FlatTable } from "./flatbuffers.ts";

/** A table with the fields: 0 an int32, 1 a text, 2 nothing, 3 a table of one float64, 4 a vector of two int32s, 5 a vector of that table twice, 6 a byte. */
function buffer(): Buffer {
  const bytes = Buffer.alloc(108);
  bytes.writeUInt32LE(24, 0);
  // The fields of the table at 24: 18 bytes, a table of 28.
  for (const [i, value] of [18, 28, 4, 8, 0, 12, 16, 20, 24].entries()) bytes.writeUInt16LE(value, 4 + i * 2);
  bytes.writeInt32LE(20, 24);
  bytes.writeInt32LE(-7, 28);
  bytes.writeUInt32LE(52 - 32, 32);
  bytes.writeUInt32LE(68 - 36, 36);
  bytes.writeUInt32LE(84 - 40, 40);
  bytes.writeUInt32LE(96 - 44, 44);
  bytes.writeInt8(-1, 48);
  bytes.writeUInt32LE(2, 52);
  bytes.write("hi", 56, "latin1");
  // The fields of the table at 68: 6 bytes, a table of 12.
  for (const [i, value] of [6, 12, 4].entries()) bytes.writeUInt16LE(value, 60 + i * 2);
  bytes.writeInt32LE(8, 68);
  bytes.writeDoubleLE(2.5, 72);
  bytes.writeUInt32LE(2, 84);
  bytes.writeInt32LE(1, 88);
  bytes.writeInt32LE(-2, 92);
  bytes.writeUInt32LE(2, 96);
  // Offsets lead on only: this vector's table is elsewhere in real files; here it wraps to what lies behind.
  return bytes;
}

test("fields are read by their numbers, and have defaults where they are not there", () => {
  const table = FlatTable.root(buffer());
  expect(table.position).toBe(24);
  expect(table.int32(0, 1)).toBe(-7);
  expect(table.text(1)).toBe("hi");
  expect([table.int32(2, 5), table.float32(2, 0.5), table.float64(99, 1.5), table.bool(2, true), table.int8(2, 3)]).toEqual([
    5,
    0.5,
    1.5,
    true,
    3,
  ]);
  expect([table.text(2), table.texts(2), table.tables(2), table.table(2)]).toEqual(["", [], [], undefined]);
  expect(table.items(2, 4).byteLength).toBe(0);
  expect(table.table(3)!.float64(0, 0)).toBe(2.5);
  const items = table.items(4, 4);
  expect([items.byteLength, items.getInt32(0, true), items.getInt32(4, true)]).toEqual([8, 1, -2]);
  expect([table.int8(6, 0), table.bool(6, false)]).toEqual([-1, true]);
});

test.each([
  ["a root outside", 0, 1000, (table: () => FlatTable) => table()],
  ["fields before the buffer", 24, 1000, (table: () => FlatTable) => table()],
  ["a text that is too long", 52, 2 ** 31, (table: () => FlatTable) => table().text(1)],
  ["a vector that is too long", 84, 2 ** 30, (table: () => FlatTable) => table().items(4, 4)],
  ["a vector of tables that is too long", 96, 2 ** 31 - 1, (table: () => FlatTable) => table().tables(5)],
  ["a table outside", 36, 0xffffffff, (table: () => FlatTable) => table().table(3)],
])("%s is refused as damaged", (_, at, value, read) => {
  const bytes = buffer();
  bytes.writeUInt32LE(value, at);
  expect(() => read(() => FlatTable.root(bytes))).toThrow(
    expect.objectContaining({ code: "data-loss", message: "the FlatBuffers data points out of its bytes" }),
  );
});

test("a field that lies outside, or a table that says it has none, is refused as damaged", () => {
  const bytes = buffer();
  bytes.writeUInt16LE(60_000, 8);
  expect(() => FlatTable.root(bytes).int32(0, 0)).toThrow("points out of its bytes");
  bytes.writeUInt16LE(2, 4);
  expect(() => FlatTable.root(bytes)).toThrow("has a table without fields");
});

test("a part that is read over and over again is refused: a small file could become a large model", () => {
  const table = FlatTable.root(buffer());
  expect(() => {
    for (let i = 0; i < 10_000; i++) table.items(4, 4);
  }).toThrow("has parts that lie in one another");
});
