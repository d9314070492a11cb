import { ServingError } from "../base/serving-error.ts";

/** A value of a UBJSON document. Arrays of one type of numbers are typed arrays; objects have no prototype. */
export type UbjsonValue =
  | null
  | boolean
  | number
  | string
  | readonly UbjsonValue[]
  | UbjsonNumbers
  | { readonly [key: string]: UbjsonValue };

/** The typed arrays there are; 64-bit integers become float64, exact up to 2^53. */
export type UbjsonNumbers = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

const MOST_DEPTH = 64;

/** Types of numbers, by marker: their size, how one is read, and the array that holds many. */
const NUMBERS: Readonly<Record<string, NumberType>> = {
  i: { size: 1, read: (view, at) => view.getInt8(at), array: Int8Array },
  U: { size: 1, read: (view, at) => view.getUint8(at), array: Uint8Array },
  I: { size: 2, read: (view, at) => view.getInt16(at), array: Int16Array },
  l: { size: 4, read: (view, at) => view.getInt32(at), array: Int32Array },
  L: { size: 8, read: (view, at) => Number(view.getBigInt64(at)), array: Float64Array },
  d: { size: 4, read: (view, at) => view.getFloat32(at), array: Float32Array },
  D: { size: 8, read: (view, at) => view.getFloat64(at), array: Float64Array },
};

interface NumberType {
  readonly size: number;
  readonly read: (view: DataView, at: number) => number;
  readonly array: new (length: number) => UbjsonNumbers;
}

/**
 * Reads a document of Universal Binary JSON (draft 12), which has to fill the bytes. Its lengths are checked against the bytes that are left,
 * and it is at most 64 deep. High-precision numbers, no-ops, and counted objects or arrays of one type that is not a number's are not known.
 *
 * @throws ServingError data-loss, saying where in the bytes
 */
export function readUbjson(bytes: Uint8Array): UbjsonValue {
  const reader = new Reader(bytes);
  const value = reader.value(reader.marker(), 0);
  reader.end();
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text = new TextDecoder();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  marker(): string {
    return String.fromCharCode(this.#bytes[this.#take(1)]);
  }

  value(marker: string, depth: number): UbjsonValue {
    if (Object.hasOwn(NUMBERS, marker)) return this.#number(marker);
    switch (marker) {
      case "Z":
        return null;
      case "T":
        return true;
      case "F":
        return false;
      case "C":
        return this.marker();
      case "S":
        return this.#string();
      case "[":
        return this.#array(depth + 1);
      case "{":
        return this.#object(depth + 1);
      default:
        throw this.#damaged("has a marker that is not known", this.#at - 1);
    }
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#damaged("goes on behind its end");
  }

  #array(depth: number): readonly UbjsonValue[] | UbjsonNumbers {
    this.#checkDepth(depth);
    const values: UbjsonValue[] = [];
    let marker = this.marker();
    if (marker === "$") return this.#numbers();
    if (marker === "#") {
      const count = this.#count();
      // Each takes a byte at least, so that more than are left cannot be meant.
      if (count > this.#left) throw this.#damaged("is shorter than an array says");
      for (let i = 0; i < count; i++) values.push(this.value(this.marker(), depth));
      return values;
    }
    for (; marker !== "]"; marker = this.marker()) values.push(this.value(marker, depth));
    return values;
  }

  #object(depth: number): { readonly [key: string]: UbjsonValue } {
    this.#checkDepth(depth);
    const object: { [key: string]: UbjsonValue } = Object.create(null);
    let marker = this.marker();
    if (marker === "#") {
      const count = this.#count();
      if (count > this.#left) throw this.#damaged("is shorter than an object says");
      for (let i = 0; i < count; i++) {
        const key = this.#string();
        object[key] = this.value(this.marker(), depth);
      }
      return object;
    }
    for (; marker !== "}"; marker = this.marker()) {
      const key = this.#string(marker);
      object[key] = this.value(this.marker(), depth);
    }
    return object;
  }

  #numbers(): UbjsonNumbers {
    const marker = this.marker();
    if (!Object.hasOwn(NUMBERS, marker)) throw this.#damaged("has an array of a type that is not known", this.#at - 1);
    if (this.marker() !== "#") throw this.#damaged("has an array of one type without a count", this.#at - 1);
    const { size, read, array: NumberArray } = NUMBERS[marker];
    const count = this.#count();
    if (count * size > this.#left) throw this.#damaged("is shorter than an array says");
    const numbers = new NumberArray(count);
    const start = this.#take(count * size);
    for (let i = 0; i < count; i++) numbers[i] = read(this.#view, start + i * size);
    return numbers;
  }

  #number(marker: string): number {
    const { size, read } = NUMBERS[marker];
    return read(this.#view, this.#take(size));
  }

  #string(marker?: string): string {
    const length = this.#count(marker);
    const start = this.#take(length);
    try {
      return this.#text.decode(this.#bytes.subarray(start, start + length));
    } catch {
      // A string of the language holds less than a file can.
      throw this.#damaged("has a string that is too long", start);
    }
  }

  #count(marker = this.marker()): number {
    if (!"iUIlL".includes(marker)) throw this.#damaged("has no length where one is expected", this.#at - 1);
    const count = this.#number(marker);
    if (count < 0) throw this.#damaged("has a negative length");
    return count;
  }

  get #left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Goes on by some bytes; where they begin. */
  #take(count: number): number {
    if (count > this.#left) throw this.#damaged("breaks off");
    const start = this.#at;
    this.#at += count;
    return start;
  }

  #checkDepth(depth: number): void {
    if (depth > MOST_DEPTH) throw this.#damaged(`is more than ${MOST_DEPTH} deep`);
  }

  #damaged(what: string, at = this.#at): ServingError {
    return new ServingError("data-loss", `the UBJSON document ${what} (byte ${at})`);
  }
}
