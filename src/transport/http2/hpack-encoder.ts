import { DEFAULT_TABLE_SIZE, ENTRY_OVERHEAD, FIRST_DYNAMIC_INDEX, STATIC_FIELDS } from "./hpack-static-table.ts";

/** Fields of a header block in order: lower-case names, latin1 values, pseudo-fields first. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** A header block that is sent often; encoders remember its encoded form. */
export class PreparedHeaders {
  readonly fields: HeaderFields;

  constructor(fields: HeaderFields) {
    this.fields = fields;
  }
}

/** Fields with few different values, worth a place in the peer's dynamic table. All others are sent as they are. */
const INDEXED_NAMES: ReadonlySet<string> = new Set([
  ":status",
  "content-type",
  "content-encoding",
  "vary",
  "server",
  "allow",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-status",
]);

const STATIC_BY_NAME: ReadonlyMap<string, number> = firstIndexes();
const STATIC_BY_FIELD: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map(([name, value], index) => [fieldKey(name, value), index + 1]),
);

function firstIndexes(): Map<string, number> {
  const indexes = new Map<string, number>();
  for (const [index, [name]] of STATIC_FIELDS.entries()) if (!indexes.has(name)) indexes.set(name, index + 1);
  return indexes;
}

function fieldKey(name: string, value: string): string {
  return `${name}\0${value}`;
}

interface Remembered {
  readonly bytes: Uint8Array;
  readonly generation: number;
}

interface TableEntry {
  readonly key: string;
  readonly size: number;
}

/**
 * Encodes header blocks of one connection in order (RFC 7541), without Huffman coding: our answers are a few short fields, which
 * after the first answer are references to the dynamic table.
 */
export class HpackEncoder {
  #maxTableSize = DEFAULT_TABLE_SIZE;
  #tableSize = 0;
  /** Smallest and last of the sizes to announce before the next block; -1 when none. */
  #smallestSize = -1;
  #announcedSize = -1;
  /** Entries inserted so far; an entry's sequence number gives its index. */
  #inserted = 0;
  #generation = 0;
  readonly #sequenceOf = new Map<string, number>();
  #entries: TableEntry[] = [];
  readonly #remembered = new Map<PreparedHeaders, Remembered>();

  /** Follows the peer's SETTINGS_HEADER_TABLE_SIZE; we never use more than the default. */
  setMaxTableSize(wanted: number): void {
    const size = Math.min(wanted, DEFAULT_TABLE_SIZE);
    if (size === this.#maxTableSize) return;
    this.#maxTableSize = size;
    this.#smallestSize = this.#smallestSize < 0 ? size : Math.min(this.#smallestSize, size);
    this.#announcedSize = size;
    this.#generation++;
    this.#evictTo(size);
  }

  /** Bytes that {@link encode} may need for these fields. */
  bound(fields: HeaderFields): number {
    let bytes = 16;
    for (const [name, value] of fields) bytes += name.length + value.length + 16;
    return bytes;
  }

  /** Encodes a block at `at` in `out`, which holds {@link bound} bytes there; returns the position behind it. */
  encode(fields: HeaderFields, out: Buffer, at: number): number {
    if (this.#announcedSize >= 0) {
      if (this.#smallestSize < this.#announcedSize) at = writeInteger(out, at, 0x20, 0x1f, this.#smallestSize);
      at = writeInteger(out, at, 0x20, 0x1f, this.#announcedSize);
      this.#smallestSize = -1;
      this.#announcedSize = -1;
    }
    for (const [name, value] of fields) at = this.#field(name, value, out, at);
    return at;
  }

  /** The encoded form of a block that changes nothing in the table; undefined when {@link encode} must be asked. */
  remembered(block: PreparedHeaders): Uint8Array | undefined {
    const known = this.#remembered.get(block);
    return known !== undefined && known.generation === this.#generation && this.#announcedSize < 0 ? known.bytes : undefined;
  }

  /** Encodes a prepared block like {@link encode} and remembers the result when it stays true. */
  encodePrepared(block: PreparedHeaders, out: Buffer, at: number): number {
    const plain = this.#announcedSize < 0;
    const generation = this.#generation;
    const end = this.encode(block.fields, out, at);
    if (plain && generation === this.#generation) {
      this.#remembered.set(block, { bytes: Uint8Array.prototype.slice.call(out, at, end), generation });
    }
    return end;
  }

  #field(name: string, value: string, out: Buffer, at: number): number {
    const key = fieldKey(name, value);
    const fixed = STATIC_BY_FIELD.get(key);
    if (fixed !== undefined) return writeInteger(out, at, 0x80, 0x7f, fixed);
    const sequence = this.#sequenceOf.get(key);
    if (sequence !== undefined) {
      return writeInteger(out, at, 0x80, 0x7f, FIRST_DYNAMIC_INDEX + this.#inserted - 1 - sequence);
    }
    const size = name.length + value.length + ENTRY_OVERHEAD;
    const indexed = INDEXED_NAMES.has(name) && size * 4 <= this.#maxTableSize;
    const nameIndex = STATIC_BY_NAME.get(name) ?? 0;
    at = indexed ? writeInteger(out, at, 0x40, 0x3f, nameIndex) : writeInteger(out, at, 0, 0x0f, nameIndex);
    if (nameIndex === 0) at = writeString(name, out, at);
    at = writeString(value, out, at);
    if (indexed) this.#insert(key, size);
    return at;
  }

  #insert(key: string, size: number): void {
    this.#generation++;
    this.#evictTo(this.#maxTableSize - size);
    this.#entries.push({ key, size });
    this.#sequenceOf.set(key, this.#inserted++);
    this.#tableSize += size;
  }

  #evictTo(bound: number): void {
    while (this.#tableSize > bound) {
      const oldest = this.#entries.shift()!;
      this.#sequenceOf.delete(oldest.key);
      this.#tableSize -= oldest.size;
    }
  }
}

/** An integer behind a prefix `mask` wide whose upper bits are `pattern` (RFC 7541 section 5.1). */
function writeInteger(out: Uint8Array, at: number, pattern: number, mask: number, value: number): number {
  if (value < mask) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at++] = pattern | mask;
  value -= mask;
  while (value >= 0x80) {
    out[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  out[at++] = value;
  return at;
}

function writeString(text: string, out: Buffer, at: number): number {
  at = writeInteger(out, at, 0, 0x7f, text.length);
  return at + out.write(text, at, "latin1");
}
