import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { type ParquetColumn, type ParquetTable, readParquet } from "./parquet-table.ts";
import { dictionaryPage, doubles, parquetFile, placesPage, plainPage, type TestFile, varint } from "./test-parquet.ts";

const FIXTURES = join(import.meta.dirname, "../../../test/fixtures/spark");
const FILES = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".parquet"));

function read(file: Buffer, bytes = 2 ** 26): ParquetTable {
  const reading = readParquet(file, () => true, new MemoryBudget(bytes));
  let step = reading.next();
  while (!step.done) step = reading.next();
  return step.value;
}

function refusal(file: Buffer): ServingError {
  try {
    read(file);
  } catch (reason) {
    expect(reason).toBeInstanceOf(ServingError);
    return reason as ServingError;
  }
  throw new Error("it was read");
}

/** A row of a column as lists within one another, which are empty where they are missing. */
function rowOf({ starts, values }: ParquetColumn, row: number, depth = 0): unknown {
  if (depth === starts.length) return values[row];
  const [from, to] = [starts[depth][row], starts[depth][row + 1]];
  return Array.from({ length: to - from }, (_, i) => rowOf({ starts, values }, from + i, depth + 1));
}

/** The same of a row of hyparquet's. Maps are objects there, whose keys have become texts. */
function fieldOf(value: unknown, path: readonly string[], isText: boolean, lists: number): unknown {
  if (Array.isArray(value)) return value.map((each) => fieldOf(each, path, isText, lists - 1));
  const [name, ...rest] = path;
  if (name !== undefined) return fieldOf((value as Record<string, unknown> | null | undefined)?.[name], rest, isText, lists);
  if (value === undefined || value === null) return lists > 0 ? [] : isText ? null : Number.NaN;
  return typeof value === "string" ? value : Number(value);
}

test.each(FILES)("%s is what hyparquet reads", async (name) => {
  const file = readFileSync(join(FIXTURES, name));
  const table = read(file);
  const rows = await parquetReadObjects({
    file: file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer,
    compressors,
  });
  expect(table.rows).toBe(rows.length);
  for (const [path, column] of table.columns) {
    if (/\.(?:key|value)(?:\.|$)/.test(path)) continue;
    const isText = !(column.values instanceof Float64Array);
    for (const [row, wanted] of rows.entries())
      expect(rowOf(column, row), `${path} of row ${row}`).toEqual(fieldOf(wanted, path.split("."), isText, column.starts.length));
  }
});

test("a column that is not wanted is not read", () => {
  const file = readFileSync(join(FIXTURES, FILES[0]));
  const [first] = read(file).columns.keys();
  expect([...readAll(file, (path) => path === first).columns.keys()]).toEqual([first]);
});

function readAll(file: Buffer, wants: (path: string) => boolean): ParquetTable {
  const reading = readParquet(file, wants, new MemoryBudget(2 ** 26));
  let step = reading.next();
  while (!step.done) step = reading.next();
  return step.value;
}

const plain = parquetFile({ rows: 2, pages: [plainPage(2, doubles(1.5, -2))] });

test("plain values, dictionaries and runs of both kinds are read", () => {
  expect(read(plain).columns.get("x")!.values).toEqual(Float64Array.of(1.5, -2));
  // Three times place 1, and eight places of two bits each.
  const places = Buffer.of(2, 3 << 1, 1, (1 << 1) | 1, 0b11100100, 0b00011011);
  const file = parquetFile({ rows: 11, pages: [dictionaryPage(4, doubles(10, 11, 12, 13)), placesPage(11, places)] });
  expect([...read(file).columns.get("x")!.values]).toEqual([11, 11, 11, 10, 11, 12, 13, 13, 12, 11, 10]);
});

test.each<[string, TestFile, ServingError["code"], RegExp]>([
  [
    "a run of 2^31 values",
    {
      rows: 3,
      pages: [dictionaryPage(1, doubles(1)), placesPage(2 ** 31 - 1, Buffer.concat([Buffer.of(0), varint(2 ** 32 - 2)]))],
    },
    "data-loss",
    /more values than its column/,
  ],
  [
    "as many values as it says, from a run of 6 bytes",
    {
      rows: 2 ** 31 - 1,
      pages: [dictionaryPage(1, doubles(1)), placesPage(2 ** 31 - 1, Buffer.concat([Buffer.of(0), varint(2 ** 32 - 2)]))],
    },
    "resource-exhausted",
    /more than the 67108864 bytes/,
  ],
  ["more rows than it says", { rows: 1, values: 2, pages: [plainPage(2, doubles(1, 2))] }, "data-loss", /it has 2 rows, not 1/],
  ["fewer values than it says", { rows: 2, pages: [plainPage(2, doubles(1))] }, "data-loss", /fewer values than it says/],
  ["a page longer than the file", { pages: [plainPage(1, doubles(1), { 3: 2 ** 30 })] }, "data-loss", /a page breaks off/],
  [
    "a page that unpacks to 2 GiB",
    { codec: 1, pages: [plainPage(1, doubles(1), { 2: 2 ** 31 - 1 })] },
    "resource-exhausted",
    /more than/,
  ],
  [
    "a chunk outside of the file",
    { pages: [plainPage(1, doubles(1))], metadata: { 7: 2 ** 40 } },
    "data-loss",
    /does not lie in the file/,
  ],
  [
    "a chunk of a negative length",
    { pages: [plainPage(1, doubles(1))], metadata: { 7: -5 } },
    "data-loss",
    /no number of something/,
  ],
  [
    "a place beyond the dictionary",
    { pages: [dictionaryPage(1, doubles(1)), placesPage(1, Buffer.of(8, 2, 9))] },
    "data-loss",
    /not in its dictionary/,
  ],
  ["places without a dictionary", { pages: [placesPage(1, Buffer.of(8, 2, 0))] }, "data-loss", /no dictionary/],
  [
    "two dictionaries",
    { pages: [dictionaryPage(1, doubles(1)), dictionaryPage(1, doubles(2)), placesPage(1, Buffer.of(8, 2, 0))] },
    "data-loss",
    /dictionary is not in its place/,
  ],
  [
    "a run of nothing",
    { pages: [dictionaryPage(1, doubles(1)), placesPage(1, Buffer.of(8, 0, 0))] },
    "data-loss",
    /a run of nothing/,
  ],
  [
    "numbers of 33 bits",
    { pages: [dictionaryPage(1, doubles(1)), placesPage(1, Buffer.of(33, 2, 0))] },
    "data-loss",
    /numbers of 33 bits/,
  ],
  ["a codec that is none", { codec: 99, pages: [plainPage(1, doubles(1))] }, "data-loss", /no codec that there is/],
  ["LZO", { codec: 3, pages: [plainPage(1, doubles(1))] }, "unimplemented", /the compression lzo/],
  [
    "values of another encoding",
    { pages: [{ header: { 1: 0, 5: { 1: 1, 2: 5, 3: 3, 4: 3 } }, bytes: doubles(1) }] },
    "unimplemented",
    /values of the encoding 5/,
  ],
  [
    "a schema of more fields than there are",
    {
      pages: [],
      schema: [
        { 4: "root", 5: 1000 },
        { 1: 5, 4: "x" },
      ],
    },
    "data-loss",
    /its schema breaks off/,
  ],
  [
    "a schema of 100 groups in one another",
    { pages: [], schema: Array.from({ length: 100 }, () => ({ 4: "g", 5: 1 })) },
    "data-loss",
    /16 deep/,
  ],
  [
    "two columns of one name",
    {
      pages: [],
      schema: [
        { 4: "root", 5: 2 },
        { 1: 5, 4: "x" },
        { 1: 5, 4: "x" },
      ],
    },
    "data-loss",
    /two columns of one name/,
  ],
  ["another type than the schema says", { pages: [plainPage(1, doubles(1))], metadata: { 1: 1 } }, "data-loss", /another type/],
])("a file that claims %s is refused", (_, file, code, message) => {
  const reason = refusal(parquetFile(file));
  expect(reason.message).toMatch(message);
  expect(reason.code).toBe(code);
});

describe("headers", () => {
  const footerOf = (footer: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    return Buffer.concat([Buffer.from("PAR1"), footer, length, Buffer.from("PAR1")]);
  };
  test.each<[string, Buffer, RegExp]>([
    ["lists of 2^31 structures", Buffer.concat([Buffer.of(0x29, 0xfc), varint(2 ** 31 - 1)]), /more values than there are bytes/],
    ["structures in one another without end", Buffer.alloc(100_000, 0x1c), /12 deep/],
    ["lists in one another without end", Buffer.concat([Buffer.of(0x19), Buffer.alloc(100_000, 0x19)]), /12 deep/],
    ["a number of a million bytes", Buffer.concat([Buffer.of(0x16), Buffer.alloc(1_000_000, 0xff)]), /more than 64 bits/],
    ["a text that is longer than the file", Buffer.concat([Buffer.of(0x18), varint(2 ** 40)]), /breaks off/],
    ["nothing", Buffer.alloc(0), /breaks off/],
  ])("of %s are refused", (_, footer, message) => {
    const reason = refusal(footerOf(footer));
    expect(reason).toMatchObject({ code: "data-loss", message: expect.stringMatching(message) });
  });
});

test("a file that breaks off anywhere is refused", () => {
  for (let length = 0; length < plain.length; length++) expect(refusal(plain.subarray(0, length)).code).toBe("data-loss");
});

test("an encrypted file is refused as such", () => {
  const file = Buffer.from(plain);
  file.write("PARE", file.length - 4);
  expect(refusal(file)).toMatchObject({ code: "unimplemented", message: "Parquet with encryption is not covered" });
});
