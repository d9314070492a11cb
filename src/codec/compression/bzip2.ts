import type { Decoder } from "./decoder.ts";
import { damagedPacking } from "./decoder.ts";
import type { UnpackedBytes } from "./unpacked-bytes.ts";

/** Bytes of a block by the digit in the header. */
const BLOCK_BYTES = 100_000;
const FIRST_BYTES = 4096;
const BLOCK = 0x314159265359;
const END = 0x177245385090;
const LONGEST_CODE = 20;
const MOST_SYMBOLS = 258;
/** Symbols that one table of codes is used for. */
const GROUP = 50;
/** Groups, and symbols, that are read without letting others have their turn: about 2 ms. */
const TURN_GROUPS = 1000;
const TURN_SYMBOLS = 100_000;

/** Unpacks bzip2, also several streams one after the other; every checksum is verified. */
export const unBzip2: Decoder = function* (input, output) {
  const bits = new BitReader(input);
  do {
    yield* stream(bits, output);
    bits.alignToByte();
    // What follows a stream, and is none, is left alone, as Python does.
  } while (bits.beginsWith(0x42, 0x5a, 0x68));
};

function* stream(bits: BitReader, output: UnpackedBytes): Generator<void, void, void> {
  if (bits.take(24) !== 0x425a68) throw damaged("it does not begin as such");
  const level = bits.take(8) - 0x30;
  if (level < 1 || level > 9) throw damaged("its blocks have no size");
  const block = new Block(level * BLOCK_BYTES);
  let whole = 0;
  for (;;) {
    const kind = bits.take(24) * 2 ** 24 + bits.take(24);
    const announced = (bits.take(16) << 16) | bits.take(16);
    if (kind === END) {
      if (announced !== whole) throw damaged("its checksum is another");
      return;
    }
    if (kind !== BLOCK) throw damaged("a block has no beginning");
    yield* block.read(bits);
    const found = yield* block.write(output);
    if (found !== announced) throw damaged("a block's checksum is another");
    whole = ((whole << 1) | (whole >>> 31)) ^ found;
  }
}

/** One block: read as symbols, written as the bytes that they stand for. */
class Block {
  /** Grows to what the largest block needs. */
  #bytes = new Uint32Array(FIRST_BYTES);
  readonly #most: number;
  #length = 0;
  #origin = 0;

  constructor(most: number) {
    this.#most = most;
  }

  *read(bits: BitReader): Generator<void, void, void> {
    if (bits.take(1) !== 0) throw damaged("a block is randomised, as none has been since 1997");
    this.#origin = bits.take(24);
    const front = usedBytes(bits);
    const symbols = front.length + 2;
    const tables = bits.take(3);
    if (tables < 2 || tables > 6) throw damaged("a block has no table of codes");
    const selectors = readSelectors(bits, tables);
    const codes = Array.from({ length: tables }, () => new Codes(bits, symbols));
    const end = symbols - 1;
    this.#length = 0;
    let [run, place] = [0, 1];
    for (let group = 0; ; group++) {
      if (group % TURN_GROUPS === TURN_GROUPS - 1) yield;
      if (group === selectors.length) throw damaged("a block has no end");
      const table = codes[selectors[group]];
      for (let i = 0; i < GROUP; i++) {
        const symbol = table.next(bits);
        if (symbol <= 1) {
          run += place << symbol;
          place <<= 1;
          if (run > this.#most) throw damaged("a block is too long");
          continue;
        }
        if (run > 0) this.#repeat(front[0], run);
        [run, place] = [0, 1];
        if (symbol === end) return;
        const byte = front[symbol - 1];
        // Most places are near the front, where a call to copyWithin takes longer.
        for (let i = symbol - 1; i > 0; i--) front[i] = front[i - 1];
        front[0] = byte;
        this.#repeat(byte, 1);
      }
    }
  }

  #repeat(byte: number, count: number): void {
    const wanted = this.#length + count;
    if (wanted > this.#most) throw damaged("a block is too long");
    if (wanted > this.#bytes.length) {
      const larger = new Uint32Array(Math.min(this.#most, Math.max(wanted, 4 * this.#bytes.length)));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.fill(byte, this.#length, this.#length + count);
    this.#length += count;
  }

  /** Undoes the sorting and the runs. Returns the checksum of what was written. */
  *write(output: UnpackedBytes): Generator<void, number, void> {
    const [bytes, length] = [this.#bytes, this.#length];
    if (this.#origin >= length) throw damaged("a block does not say where it begins");
    this.#link();
    let crc = -1;
    let next = bytes[this.#origin] >>> 8;
    let [repeated, last] = [0, -1];
    for (let i = 0; i < length; i++) {
      if (i % TURN_SYMBOLS === TURN_SYMBOLS - 1) yield;
      const entry = bytes[next];
      next = entry >>> 8;
      const byte = entry & 0xff;
      if (repeated === 4) {
        // After four of the same comes how many more.
        output.room(byte);
        output.data.fill(last, output.length, output.length + byte);
        output.length += byte;
        for (let more = 0; more < byte; more++) crc = (crc << 8) ^ CRC[(crc >>> 24) ^ last];
        [repeated, last] = [0, -1];
        continue;
      }
      repeated = byte === last ? repeated + 1 : 1;
      last = byte;
      output.room(1);
      output.data[output.length++] = byte;
      crc = (crc << 8) ^ CRC[(crc >>> 24) ^ byte];
    }
    return ~crc;
  }

  /** Gives each byte the place of the one that follows it, in the bits above its own. */
  #link(): void {
    const [bytes, length] = [this.#bytes, this.#length];
    const starts = new Uint32Array(257);
    for (let i = 0; i < length; i++) starts[bytes[i] + 1]++;
    for (let byte = 0; byte < 256; byte++) starts[byte + 1] += starts[byte];
    for (let i = 0; i < length; i++) bytes[starts[bytes[i] & 0xff]++] |= i << 8;
  }
}

/** The bytes that a block has, in their order. */
function usedBytes(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const ranges = bits.take(16);
  for (let range = 0; range < 16; range++) {
    if (((ranges >>> (15 - range)) & 1) === 0) continue;
    const members = bits.take(16);
    for (let i = 0; i < 16; i++) if (((members >>> (15 - i)) & 1) === 1) used.push(range * 16 + i);
  }
  if (used.length === 0) throw damaged("a block has no bytes");
  return Uint8Array.from(used);
}

/** Which table each group is read with. */
function readSelectors(bits: BitReader, tables: number): Uint8Array {
  const count = bits.take(15);
  if (count === 0) throw damaged("a block has no symbols");
  const front = Array.from({ length: tables }, (_, i) => i);
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let place = 0;
    while (bits.take(1) === 1) if (++place === tables) throw damaged("a group has no table of codes");
    const [table] = front.splice(place, 1);
    front.unshift(table);
    selectors[i] = table;
  }
  return selectors;
}

/** Codes of symbols: shorter ones are smaller numbers. */
class Codes {
  /** By length: the first code that is longer, moved up to 20 bits. */
  readonly #limits = new Int32Array(LONGEST_CODE + 1);
  /** By length: what a code is more than the place of its symbol. */
  readonly #offsets = new Int32Array(LONGEST_CODE + 1);
  readonly #symbols = new Uint16Array(MOST_SYMBOLS);
  #shortest = LONGEST_CODE;
  readonly #count: number;

  constructor(bits: BitReader, symbols: number) {
    const lengths = new Uint8Array(symbols);
    let length = bits.take(5);
    for (let symbol = 0; symbol < symbols; symbol++) {
      for (;;) {
        if (length < 1 || length > LONGEST_CODE) throw damaged("a code has no length");
        if (bits.take(1) === 0) break;
        length += bits.take(1) === 0 ? 1 : -1;
      }
      lengths[symbol] = length;
    }
    this.#count = symbols;
    let [code, place] = [0, 0];
    for (let bitsOfCode = 1; bitsOfCode <= LONGEST_CODE; bitsOfCode++) {
      this.#offsets[bitsOfCode] = code - place;
      for (let symbol = 0; symbol < symbols; symbol++) {
        if (lengths[symbol] !== bitsOfCode) continue;
        this.#shortest = Math.min(this.#shortest, bitsOfCode);
        this.#symbols[place++] = symbol;
        code++;
      }
      if (code > 2 ** bitsOfCode) throw damaged("there are more codes than there can be");
      this.#limits[bitsOfCode] = code << (LONGEST_CODE - bitsOfCode);
      code <<= 1;
    }
  }

  next(bits: BitReader): number {
    const ahead = bits.peek(LONGEST_CODE);
    let length = this.#shortest;
    while (length <= LONGEST_CODE && ahead >= this.#limits[length]) length++;
    if (length > LONGEST_CODE) throw damaged("a code stands for nothing");
    const place = (ahead >>> (LONGEST_CODE - length)) - this.#offsets[length];
    if (place >= this.#count) throw damaged("a code stands for nothing");
    bits.skip(length);
    return this.#symbols[place];
  }
}

/** Bits from the highest of each byte on. */
class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next bits as a number, at most 24. */
  take(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  /** The next bits, with zeros behind the end. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#held = (this.#held << 8) | (this.#bytes[this.#position++] ?? 0);
      this.#count += 8;
    }
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1);
  }

  skip(count: number): void {
    this.#count -= count;
    if (this.#position - (this.#count >>> 3) > this.#bytes.length) throw damaged("it breaks off");
  }

  alignToByte(): void {
    this.#position -= this.#count >>> 3;
    this.#count = 0;
  }

  /** Whether these bytes come next; only at a byte's beginning. */
  beginsWith(...bytes: readonly number[]): boolean {
    return bytes.every((byte, i) => this.#bytes[this.#position + i] === byte);
  }
}

/** The checksum's table, of the polynomial 0x04c11db7 from the highest bit on. */
const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

function damaged(why: string): Error {
  return damagedPacking("bz2", why);
}
