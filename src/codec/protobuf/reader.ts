import { malformed } from "./malformed.ts";
import { readName } from "./read-name.ts";
import { END_GROUP, FIXED32, FIXED64, LENGTH_DELIMITED, START_GROUP, VARINT } from "./wire-type.ts";

/** Groups within groups that {@link ProtobufReader.skip} follows, as other implementations limit it. */
const GROUP_DEPTH = 100;

const scratch = new Uint8Array(8);
const scratchFloat = new Float32Array(scratch.buffer);
const scratchDouble = new Float64Array(scratch.buffer);

/**
 * Reads protobuf's wire format from a view, never beyond {@link end} and with no allocation per field.
 *
 * A message is a loop over {@link readTag} and a switch on the whole tag (number and wire type): a known field with a
 * foreign wire type is then an unknown one, to be skipped. A sub-message is read in place between {@link enter} and
 * {@link leave}.
 *
 * Every method throws ServingError invalid-argument for bytes that are cut off or against the format. The machine is
 * taken to be little endian, as is every one that Node runs on with the native libraries used here.
 */
export class ProtobufReader {
  readonly bytes: Uint8Array;
  /** Where the next read begins. */
  position: number;
  /** End of the message being read. */
  end: number;
  /** Result of {@link readVarint64}: the low and the high half, both signed. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** The next field's tag (`number << 3 | wire type`, unsigned), or 0 at the end of the message. */
  readTag(): number {
    const position = this.position;
    if (position >= this.end) return 0;
    const first = this.bytes[position];
    if (first < 0x80) {
      if (first < 8) throw malformed("field number 0");
      this.position = position + 1;
      return first;
    }
    return this.#readLongTag();
  }

  /** Steps over the value of the field whose tag was just read. */
  skip(tag: number): void {
    if ((tag & 7) === START_GROUP) this.#skipGroup(tag >>> 3);
    else this.#skipValue(tag & 7);
  }

  /** A varint as an int32 (the low 32 bits; a negative number has ten bytes). */
  readVarint32(): number {
    const { bytes, end } = this;
    let position = this.position;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (position >= end) throw cutOff();
      const byte = bytes[position++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = position;
        return value;
      }
    }
    this.position = position;
    for (let i = 5; i < 10; i++) {
      if (this.position >= end) throw cutOff();
      if (bytes[this.position++] < 0x80) return value;
    }
    throw tooLong();
  }

  /** A varint into {@link low} and {@link high}. */
  readVarint64(): void {
    const { bytes, end } = this;
    let position = this.position;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (position >= end) throw cutOff();
      const byte = bytes[position++];
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = position;
        this.low = low;
        this.high = 0;
        return;
      }
    }
    if (position >= end) throw cutOff();
    let byte = bytes[position++];
    low |= byte << 28;
    let high = (byte & 0x7f) >> 4;
    for (let shift = 3; byte > 0x7f; shift += 7) {
      if (shift > 31) throw tooLong();
      if (position >= end) throw cutOff();
      byte = bytes[position++];
      high |= (byte & 0x7f) << shift;
    }
    this.position = position;
    this.low = low;
    this.high = high;
  }

  /** A varint as an int64. */
  readInt64(): bigint {
    this.readVarint64();
    if (this.high === this.low >> 31) return BigInt(this.low);
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }

  /** A varint as a uint64. */
  readUint64(): bigint {
    this.readVarint64();
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }

  /** A varint as an int64, rounded to a double beyond 2^53. */
  readInt64AsNumber(): number {
    this.readVarint64();
    return this.high * 4294967296 + (this.low >>> 0);
  }

  /** A varint as a boolean: true when any bit is set. */
  readBool(): boolean {
    this.readVarint64();
    return (this.low | this.high) !== 0;
  }

  /** Four bytes as a float. */
  readFloat(): number {
    this.#fill(4);
    return scratchFloat[0];
  }

  /** Eight bytes as a double. */
  readDouble(): number {
    this.#fill(8);
    return scratchDouble[0];
  }

  /** The length of a length-delimited value, checked to lie within the message; {@link position} is then at its first byte. */
  readLength(): number {
    const length = this.readVarint32() >>> 0;
    if (length > this.end - this.position) throw cutOff();
    return length;
  }

  /** A length-delimited value as a view. */
  readBytes(): Uint8Array {
    const length = this.readLength();
    const start = this.position;
    this.position = start + length;
    return this.bytes.subarray(start, start + length);
  }

  /** A length-delimited value as UTF-8 text. */
  readString(): string {
    const length = this.readLength();
    const start = this.position;
    this.position = start + length;
    return readName(this.bytes, start, start + length);
  }

  /** Begins a sub-message (or a packed field): reads its length and makes its end the reader's. Returns what {@link leave} needs. */
  enter(): number {
    const length = this.readLength();
    const outer = this.end;
    this.end = this.position + length;
    return outer;
  }

  /** Ends a sub-message, wherever in it the reader stands. */
  leave(outer: number): void {
    this.position = this.end;
    this.end = outer;
  }

  #readLongTag(): number {
    const { bytes, end } = this;
    let position = this.position;
    let tag = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (position >= end) throw cutOff();
      const byte = bytes[position++];
      tag |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break;
        tag >>>= 0;
        if (tag < 8) throw malformed("field number 0");
        this.position = position;
        return tag;
      }
    }
    throw malformed("a field number is too large");
  }

  #skipValue(wireType: number): void {
    if (wireType === VARINT) {
      this.readVarint64();
      return;
    }
    if (wireType === LENGTH_DELIMITED) {
      const length = this.readLength();
      this.position += length;
      return;
    }
    if (wireType !== FIXED32 && wireType !== FIXED64) {
      throw malformed(wireType === END_GROUP ? "a group ends that did not begin" : `unknown wire type ${wireType}`);
    }
    const size = wireType === FIXED32 ? 4 : 8;
    if (size > this.end - this.position) throw cutOff();
    this.position += size;
  }

  /** A loop with a stack of field numbers, not a recursion: the depth is the sender's choice. */
  #skipGroup(outermost: number): void {
    const open = [outermost];
    while (open.length > 0) {
      const tag = this.readTag();
      if (tag === 0) throw cutOff();
      const wireType = tag & 7;
      if (wireType === START_GROUP) {
        if (open.length === GROUP_DEPTH) throw malformed(`groups lie more than ${GROUP_DEPTH} deep`);
        open.push(tag >>> 3);
      } else if (wireType === END_GROUP) {
        if (open.pop() !== tag >>> 3) throw malformed("a group ends that did not begin");
      } else this.#skipValue(wireType);
    }
  }

  #fill(size: number): void {
    const { bytes, position } = this;
    if (size > this.end - position) throw cutOff();
    for (let i = 0; i < size; i++) scratch[i] = bytes[position + i];
    this.position = position + size;
  }
}

function cutOff(): Error {
  return malformed("it is cut off");
}

function tooLong(): Error {
  return malformed("a varint has more than ten bytes");
}
