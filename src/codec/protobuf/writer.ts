import { Buffer } from "node:buffer";
import { ServingError } from "../../base/serving-error.ts";
import type { NumericArray } from "../../tensor/dtype.ts";

/** Below this many bytes a loop is faster than a bulk copy. */
const SHORT = 32;
const FEW_VALUES = 16;

const scratchFloat = new Float32Array(1);
const scratchDouble = new Float64Array(1);
const scratchFloatBytes = new Uint8Array(scratchFloat.buffer);
const scratchDoubleBytes = new Uint8Array(scratchDouble.buffer);
const encoder = new TextEncoder();

/**
 * Writes protobuf's wire format into a buffer of the exact size, which the caller has computed (see size.ts): no
 * growing, no second copy. Tags are written as varints by the caller, who knows the field numbers.
 */
export class ProtobufWriter {
  readonly bytes: Uint8Array;
  position: number;

  /** Writes to `bytes` from `position` on. */
  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  /** A buffer of `headroom + size` bytes and a writer that begins after the headroom. The headroom is zeros. */
  static allocate(size: number, headroom = 0): ProtobufWriter {
    // Not cleared: finish() makes sure that every byte was written.
    const bytes = Buffer.allocUnsafe(headroom + size);
    if (headroom > 0) bytes.fill(0, 0, headroom);
    return new ProtobufWriter(bytes, headroom);
  }

  /** An unsigned 32-bit varint: a tag, a length, a uint32, an enum. */
  writeVarint32(value: number): void {
    const { bytes } = this;
    let position = this.position;
    value >>>= 0;
    while (value > 0x7f) {
      bytes[position++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[position++] = value;
    this.position = position;
  }

  /** An int32 as a varint, sign-extended to 64 bits. */
  writeInt32(value: number): void {
    if (value < 0) this.writeVarint64(value, -1);
    else this.writeVarint32(value);
  }

  /** A 64-bit varint given in halves. */
  writeVarint64(low: number, high: number): void {
    const { bytes } = this;
    let position = this.position;
    low >>>= 0;
    high >>>= 0;
    while (high !== 0) {
      bytes[position++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.position = position;
    this.writeVarint32(low);
  }

  /** An int64 or uint64 as a varint. */
  writeInt64(value: bigint): void {
    const near = Number(value);
    if (near >= 0 && near <= Number.MAX_SAFE_INTEGER) this.writeVarint64(near | 0, (near / 4294967296) | 0);
    else this.writeVarint64(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  /** The elements as varints one after the other: sign-extended when `signed`, else taken as unsigned. */
  writeVarints32(words: Int32Array, signed: boolean): void {
    const { bytes } = this;
    let position = this.position;
    for (let i = 0; i < words.length; i++) {
      let word = words[i];
      if (word < 0 && signed) {
        this.position = position;
        this.writeVarint64(word, -1);
        position = this.position;
        continue;
      }
      word >>>= 0;
      while (word > 0x7f) {
        bytes[position++] = (word & 0x7f) | 0x80;
        word >>>= 7;
      }
      bytes[position++] = word;
    }
    this.position = position;
  }

  /** 64-bit varints one after the other, given as pairs of low and high halves. */
  writeVarints64(halves: Int32Array): void {
    const { bytes } = this;
    let position = this.position;
    for (let i = 0; i < halves.length; i += 2) {
      let low = halves[i];
      let high = halves[i + 1];
      while (high !== 0) {
        bytes[position++] = (low & 0x7f) | 0x80;
        low = (low >>> 7) | (high << 25);
        high >>>= 7;
      }
      low >>>= 0;
      while (low > 0x7f) {
        bytes[position++] = (low & 0x7f) | 0x80;
        low >>>= 7;
      }
      bytes[position++] = low;
    }
    this.position = position;
  }

  /** A float in four bytes. */
  writeFloat(value: number): void {
    scratchFloat[0] = value;
    for (let i = 0; i < 4; i++) this.bytes[this.position++] = scratchFloatBytes[i];
  }

  /** A double in eight bytes. */
  writeDouble(value: number): void {
    scratchDouble[0] = value;
    for (let i = 0; i < 8; i++) this.bytes[this.position++] = scratchDoubleBytes[i];
  }

  /** Bytes as they are, without their length. */
  writeRaw(source: Uint8Array): void {
    const { bytes, position } = this;
    const { length } = source;
    if (length > bytes.length - position) throw overrun();
    if (length > SHORT) bytes.set(source, position);
    else for (let i = 0; i < length; i++) bytes[position + i] = source[i];
    this.position = position + length;
  }

  /** The elements of an array as they lie in memory, without their length: little endian. */
  writeArray(data: NumericArray): void {
    // The buffer of a short array has to be made first: V8 keeps its elements among other objects.
    if (data instanceof Float32Array && data.length <= FEW_VALUES) {
      for (let i = 0; i < data.length; i++) this.writeFloat(data[i]);
      return;
    }
    this.writeRaw(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Bytes with their length. */
  writeBytes(source: Uint8Array): void {
    this.writeVarint32(source.length);
    this.writeRaw(source);
  }

  /** Text as UTF-8 with its length, which is {@link utf8Size}. */
  writeString(text: string, utf8Length: number): void {
    this.writeVarint32(utf8Length);
    const { bytes, position } = this;
    if (utf8Length > bytes.length - position) throw overrun();
    if (utf8Length === text.length && utf8Length <= SHORT) {
      for (let i = 0; i < utf8Length; i++) bytes[position + i] = text.charCodeAt(i);
    } else encoder.encodeInto(text, bytes.subarray(position, position + utf8Length));
    this.position = position + utf8Length;
  }

  /**
   * The buffer, once it is full.
   * @throws ServingError internal when the computed size was wrong.
   */
  finish(): Uint8Array {
    if (this.position !== this.bytes.length) {
      throw new ServingError(
        "internal",
        `a message of ${this.bytes.length} bytes was announced and ${this.position} were written`,
      );
    }
    return this.bytes;
  }
}

function overrun(): ServingError {
  return new ServingError("internal", "a message is longer than was announced");
}
