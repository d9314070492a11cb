import { damagedParquet } from "./damaged-parquet.ts";

/** A value of a Thrift structure: numbers are exact up to 2^53, bytes are views of the input. */
export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct;

/** Fields by their numbers. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

const MOST_DEPTH = 12;
/** Bytes of the longest number, one of 64 bits. */
const LONGEST_VARINT = 10;

/**
 * Reads a structure in Thrift's compact protocol that begins at `start`; `end` is the place behind it. It is at most 12 deep, and no list
 * has more values than there are bytes.
 *
 * @throws ServingError data-loss
 */
export function readThriftStruct(bytes: Uint8Array, start = 0): { readonly struct: ThriftStruct; readonly end: number } {
  const reader = new Reader(bytes, start);
  const struct = reader.struct(0);
  return { struct, end: reader.position };
}

/** The field of a structure that is a number, as a whole number from 0 to 2^53; `otherwise` where there is none. */
export function countIn(struct: ThriftStruct, field: number, otherwise?: number): number {
  const value = struct.get(field) ?? otherwise;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw damagedParquet(`field ${field} is no number of something`);
  return value;
}

/** The field of a structure that is a structure. */
export function structIn(struct: ThriftStruct, field: number): ThriftStruct {
  const value = struct.get(field);
  if (!(value instanceof Map)) throw damagedParquet(`field ${field} is no structure`);
  return value;
}

/** The field of a structure that is a list of structures. */
export function structsIn(struct: ThriftStruct, field: number): readonly ThriftStruct[] {
  const value = struct.get(field);
  if (!Array.isArray(value) || !value.every((each) => each instanceof Map))
    throw damagedParquet(`field ${field} is no list of structures`);
  return value;
}

class Reader {
  position: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.position = start;
  }

  struct(depth: number): ThriftStruct {
    if (depth > MOST_DEPTH) throw damagedParquet(`a header is more than ${MOST_DEPTH} deep`);
    const fields = new Map<number, ThriftValue>();
    for (let field = 0; ; ) {
      const head = this.#byte();
      const type = head & 15;
      if (type === 0) return fields;
      field = head >> 4 === 0 ? this.#signed() : field + (head >> 4);
      fields.set(field, this.#value(type, depth));
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        return (this.#byte() << 24) >> 24;
      case 4:
      case 5:
      case 6:
        return this.#signed();
      case 7:
        this.#take(8);
        return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.position - 8, 8).getFloat64(0, true);
      case 8: {
        const length = this.#varint();
        this.#take(length);
        return this.#bytes.subarray(this.position - length, this.position);
      }
      case 9:
      case 10:
        return this.#list(depth);
      case 12:
        return this.struct(depth + 1);
      default:
        throw damagedParquet(`a header has a field of the type ${type}`);
    }
  }

  #list(depth: number): readonly ThriftValue[] {
    const head = this.#byte();
    const type = head & 15;
    const length = head >> 4 === 15 ? this.#varint() : head >> 4;
    if (depth >= MOST_DEPTH) throw damagedParquet(`a header is more than ${MOST_DEPTH} deep`);
    if (length > this.#bytes.length - this.position)
      throw damagedParquet("a header has a list of more values than there are bytes");
    const values: ThriftValue[] = [];
    // A boolean in a list takes a byte, unlike one in a field.
    for (let i = 0; i < length; i++) values.push(type === 1 || type === 2 ? this.#byte() === 1 : this.#value(type, depth + 1));
    return values;
  }

  #byte(): number {
    this.#take(1);
    return this.#bytes[this.position - 1];
  }

  #take(length: number): void {
    if (!(length <= this.#bytes.length - this.position)) throw damagedParquet("a header breaks off");
    this.position += length;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < LONGEST_VARINT; i++) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw damagedParquet("a header has a number of more than 64 bits");
  }

  #signed(): number {
    const folded = this.#varint();
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }
}
