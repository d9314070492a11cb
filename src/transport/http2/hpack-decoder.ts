import { connectionFault, ERROR_CODE, type Fault } from "./error-code.ts";
import { DEFAULT_TABLE_SIZE, ENTRY_OVERHEAD, FIRST_DYNAMIC_INDEX, STATIC_NAMES, STATIC_VALUES } from "./hpack-static-table.ts";
import { decodeHuffman, huffmanBound } from "./huffman.ts";

/** A decoded header block: fields in order, one octet a character (latin1). */
export interface HeaderList {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** Over the limit of bytes or of fields: fields beyond it were dropped. */
  readonly oversized: boolean;
}

/** Limits of one header list: `maxBytes` as SETTINGS_MAX_HEADER_LIST_SIZE counts (32 bytes a field beside its text). */
export interface HeaderListLimits {
  readonly maxBytes: number;
  readonly maxCount: number;
}

/** A list that grows to this many times its limit is an attack, not a mistake: decoding stops. */
const BOMB_FACTOR = 4;
const MAX_INTEGER = 0x7fffffff;

/** Decoding is synchronous, so that all connections of a thread share one place for Huffman's output. */
let scratch = Buffer.allocUnsafeSlow(4096);

/**
 * Decodes header blocks of one connection in order (RFC 7541). The size of the list is counted while decoding, and fields over
 * the limit are not kept: a block of references to one large entry costs no memory.
 */
export class HpackDecoder {
  /** Changes whenever the dynamic table does: equal blocks decode alike while it stays. */
  generation = 0;

  readonly #allowedTableSize: number;
  #maxTableSize: number;
  #tableSize = 0;
  /** The dynamic table, oldest entry first; entries before `#oldest` are evicted. */
  #tableNames: string[] = [];
  #tableValues: string[] = [];
  #oldest = 0;

  #bytes: Buffer = scratch;
  #at = 0;
  #end = 0;

  /** `allowedTableSize`: our SETTINGS_HEADER_TABLE_SIZE. */
  constructor(allowedTableSize: number = DEFAULT_TABLE_SIZE) {
    this.#allowedTableSize = allowedTableSize;
    this.#maxTableSize = allowedTableSize;
  }

  /** Decodes one block. A fault (COMPRESSION_ERROR, ENHANCE_YOUR_CALM for a bomb) ends the connection: the table is lost. */
  decode(bytes: Buffer, start: number, end: number, limits: HeaderListLimits): HeaderList | Fault {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const names: string[] = [];
    const values: string[] = [];
    let size = 0;
    let oversized = false;
    let fieldSeen = false;
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      let name: string | undefined;
      let value: string | undefined;
      if ((first & 0x80) !== 0) {
        const index = this.#integer(0x7f);
        name = this.#name(index);
        value = this.#value(index);
        if (name === undefined || value === undefined) return malformed("an index points outside the tables");
      } else if ((first & 0xe0) === 0x20) {
        const wanted = this.#integer(0x1f);
        if (wanted < 0 || wanted > this.#allowedTableSize) return malformed("a table size is larger than allowed");
        if (fieldSeen) return malformed("a table size follows a field");
        this.#resize(wanted);
        continue;
      } else {
        const indexed = (first & 0x40) !== 0;
        const index = this.#integer(indexed ? 0x3f : 0x0f);
        name = index === 0 ? this.#string() : this.#name(index);
        if (name === undefined) return malformed("a field's name is malformed");
        value = this.#string();
        if (value === undefined) return malformed("a field's value is malformed");
        if (indexed) this.#insert(name, value);
      }
      fieldSeen = true;
      size += name.length + value.length + ENTRY_OVERHEAD;
      if (size > limits.maxBytes || names.length >= limits.maxCount) {
        oversized = true;
        if (size > limits.maxBytes * BOMB_FACTOR) {
          return connectionFault(ERROR_CODE.enhanceYourCalm, `a header list is far larger than ${limits.maxBytes} bytes`);
        }
      } else {
        names.push(name);
        values.push(value);
      }
    }
    // Else the decoder of an idle connection would keep what the socket received in memory.
    this.#bytes = scratch;
    return { names, values, oversized };
  }

  /** An integer with the prefix `mask` (RFC 7541 section 5.1); -1 when cut short or above 2^31 - 1. */
  #integer(mask: number): number {
    let value = this.#bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      if (this.#at >= this.#end) return -1;
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (value > MAX_INTEGER) return -1;
      if ((byte & 0x80) === 0) return value;
    }
    return -1;
  }

  #string(): string | undefined {
    if (this.#at >= this.#end) return undefined;
    const huffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(0x7f);
    if (length < 0 || length > this.#end - this.#at) return undefined;
    const start = this.#at;
    this.#at += length;
    if (!huffman) return this.#bytes.toString("latin1", start, this.#at);
    const bound = huffmanBound(length);
    if (bound > scratch.length) scratch = Buffer.allocUnsafeSlow(bound);
    const decoded = decodeHuffman(this.#bytes, start, this.#at, scratch);
    return decoded < 0 ? undefined : scratch.toString("latin1", 0, decoded);
  }

  #name(index: number): string | undefined {
    if (index < FIRST_DYNAMIC_INDEX) return index > 0 ? STATIC_NAMES[index] : undefined;
    const place = this.#tableNames.length - 1 - (index - FIRST_DYNAMIC_INDEX);
    return place < this.#oldest ? undefined : this.#tableNames[place];
  }

  #value(index: number): string | undefined {
    if (index < FIRST_DYNAMIC_INDEX) return index > 0 ? STATIC_VALUES[index] : undefined;
    const place = this.#tableValues.length - 1 - (index - FIRST_DYNAMIC_INDEX);
    return place < this.#oldest ? undefined : this.#tableValues[place];
  }

  #insert(name: string, value: string): void {
    this.generation++;
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.#evictTo(this.#maxTableSize - size);
    if (size > this.#maxTableSize) return;
    this.#tableNames.push(name);
    this.#tableValues.push(value);
    this.#tableSize += size;
  }

  #resize(size: number): void {
    this.generation++;
    this.#maxTableSize = size;
    this.#evictTo(size);
  }

  /** Evicts the oldest entries until the table fits; a bound below zero empties it (RFC 7541 section 4.4). */
  #evictTo(bound: number): void {
    while (this.#tableSize > bound && this.#oldest < this.#tableNames.length) {
      this.#tableSize -= this.#tableNames[this.#oldest]!.length + this.#tableValues[this.#oldest]!.length + ENTRY_OVERHEAD;
      this.#tableNames[this.#oldest] = "";
      this.#tableValues[this.#oldest] = "";
      this.#oldest++;
    }
    // Moving the rest down costs little when done once for many evictions.
    if (this.#oldest > 256) {
      this.#tableNames = this.#tableNames.slice(this.#oldest);
      this.#tableValues = this.#tableValues.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}

function malformed(message: string): Fault {
  return connectionFault(ERROR_CODE.compressionError, `HPACK: ${message}`);
}
