import { STATIC_FIELDS } from "../../../src/transport/http2/hpack-static-table.ts";
import { HUFFMAN_CODES } from "../../../src/transport/http2/huffman-table.ts";

type Field = readonly [name: string, value: string];

const BY_BITS: ReadonlyMap<string, number> = new Map(
  HUFFMAN_CODES.map(({ code, bits }, symbol) => [code.toString(2).padStart(bits, "0"), symbol]),
);
const EOS = 256;
const LONGEST_CODE = 30;
const TABLE_BYTES = 4096;

/** HPACK (RFC 7541) the obvious way: a list as the dynamic table, newest first, and Huffman codes bit by bit. */
export class PlainHpackDecoder {
  #table: Field[] = [];
  #most = TABLE_BYTES;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** All fields of a block; undefined when it is malformed. */
  decode(block: Uint8Array): readonly Field[] | undefined {
    this.#bytes = block;
    this.#at = 0;
    const fields: Field[] = [];
    try {
      while (this.#at < block.length) {
        const first = block[this.#at]!;
        if (first >= 0x80) fields.push(this.#entry(this.#integer(7)));
        else if (first >= 0x40) {
          const field = this.#literal(6);
          fields.push(field);
          this.#table.unshift(field);
          this.#evict();
        } else if (first >= 0x20) {
          this.#most = this.#integer(5);
          if (fields.length > 0 || this.#most > TABLE_BYTES) return undefined;
          this.#evict();
        } else fields.push(this.#literal(4));
      }
    } catch (reason) {
      if (reason instanceof RangeError) return undefined;
      throw reason;
    }
    return fields;
  }

  #evict(): void {
    const size = () => this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (size() > this.#most) this.#table.pop();
  }

  #entry(index: number): Field {
    const field = index <= STATIC_FIELDS.length ? STATIC_FIELDS[index - 1] : this.#table[index - 1 - STATIC_FIELDS.length];
    if (field === undefined) throw new RangeError("index");
    return field;
  }

  #literal(prefix: number): Field {
    const index = this.#integer(prefix);
    return [index === 0 ? this.#string() : this.#entry(index)[0], this.#string()];
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("end");
    return byte;
  }

  #integer(prefix: number): number {
    const mask = 2 ** prefix - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      // The decoder takes five more bytes at most, and nothing beyond 31 bits.
      if (value >= 2 ** 31 || (shift === 28 && byte >= 0x80)) throw new RangeError("integer");
      if (byte < 0x80) return value;
    }
  }

  #string(): string {
    const huffman = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    if (this.#at + length > this.#bytes.length) throw new RangeError("string");
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return huffman ? huffmanText(bytes) : Buffer.from(bytes).toString("latin1");
  }
}

function huffmanText(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const symbols: number[] = [];
  let start = 0;
  for (let end = 1; end <= bits.length; end++) {
    const symbol = end - start > LONGEST_CODE ? EOS : BY_BITS.get(bits.slice(start, end));
    if (symbol === EOS) throw new RangeError("end of string");
    if (symbol === undefined) continue;
    symbols.push(symbol);
    start = end;
  }
  if (!/^1{0,7}$/.test(bits.slice(start))) throw new RangeError("padding");
  return Buffer.from(symbols).toString("latin1");
}
