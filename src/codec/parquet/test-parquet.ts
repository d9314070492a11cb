/** A field of a Thrift structure for tests: a number, text, list of structures, or structure. */
export type TestField = number | string | boolean | Fields | readonly Fields[];
/** Fields by their numbers. */
export interface Fields {
  readonly [field: number]: TestField;
}

/** A structure in Thrift's compact protocol. */
export function thrift(fields: Fields): Buffer {
  const parts: Buffer[] = [];
  let last = 0;
  for (const [key, value] of Object.entries(fields)) {
    const field = Number(key);
    const type =
      typeof value === "number"
        ? 6
        : typeof value === "string"
          ? 8
          : typeof value === "boolean"
            ? value
              ? 1
              : 2
            : Array.isArray(value)
              ? 9
              : 12;
    parts.push(Buffer.of(((field - last) << 4) | type));
    last = field;
    if (typeof value === "number") parts.push(varint(value < 0 ? -2 * value - 1 : 2 * value));
    else if (typeof value === "string") parts.push(varint(Buffer.byteLength(value)), Buffer.from(value));
    else if (Array.isArray(value)) parts.push(Buffer.of(0xfc), varint(value.length), ...value.map(thrift));
    else if (typeof value !== "boolean") parts.push(thrift(value as Fields));
  }
  return Buffer.concat([...parts, Buffer.of(0)]);
}

/** A number of seven bits a byte. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.of(...bytes, value);
}

/** What a file for tests is made of; each may lie. */
export interface TestFile {
  /** Fields of the schema's columns besides the name: `{1: 5}` is a column of doubles that is always there. */
  readonly column?: Fields;
  readonly rows?: number;
  readonly values?: number;
  readonly codec?: number;
  /** Pages with their headers; sizes are filled in where a header has none. */
  readonly pages: readonly { readonly header: Fields; readonly bytes: Buffer }[];
  /** Fields that the column's metadata have instead. */
  readonly metadata?: Fields;
  readonly schema?: readonly Fields[];
}

/** A Parquet file of one column `x`. */
export function parquetFile({
  column = { 1: 5 },
  rows = 1,
  values = rows,
  codec = 0,
  pages,
  metadata = {},
  schema,
}: TestFile): Buffer {
  const chunks = pages.map(({ header, bytes }) =>
    Buffer.concat([thrift({ 2: bytes.length, 3: bytes.length, ...header }), bytes]),
  );
  const body = Buffer.concat(chunks);
  const about = { 1: column[1], 4: codec, 5: values, 6: body.length, 7: body.length, 9: 4, ...metadata };
  const footer = thrift({
    1: 1,
    2: schema ?? [
      { 4: "root", 5: 1 },
      { ...column, 4: "x" },
    ],
    3: rows,
    4: [{ 1: [{ 2: 4, 3: about }], 2: body.length, 3: rows }],
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from("PAR1"), body, footer, length, Buffer.from("PAR1")]);
}

/** A page of plain values of a column that is always there. */
export function plainPage(count: number, bytes: Buffer, header: Fields = {}): TestFile["pages"][number] {
  return { header: { 1: 0, ...header, 5: { 1: count, 2: 0, 3: 3, 4: 3 } }, bytes };
}

/** A page of dictionary places, which `bytes` are behind their width. */
export function placesPage(count: number, bytes: Buffer): TestFile["pages"][number] {
  return { header: { 1: 0, 5: { 1: count, 2: 8, 3: 3, 4: 3 } }, bytes };
}

/** A page of a dictionary of plain values. */
export function dictionaryPage(count: number, bytes: Buffer): TestFile["pages"][number] {
  return { header: { 1: 2, 7: { 1: count, 2: 0 } }, bytes };
}

/** Numbers as a page has them. */
export function doubles(...numbers: readonly number[]): Buffer {
  return Buffer.from(Float64Array.from(numbers).buffer);
}
