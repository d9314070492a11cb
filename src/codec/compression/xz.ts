import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ServingError } from "../../base/serving-error.ts";
import { crc64 } from "./crc64.ts";
import { type Decoder, damagedPacking } from "./decoder.ts";
import { LzmaDecoder, lzmaProperties } from "./lzma.ts";
import type { UnpackedBytes } from "./unpacked-bytes.ts";

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const HEADER_BYTES = 12;
const FOOTER_BYTES = 12;
const LZMA2 = 0x21;
const MOST_DICTIONARY = 40;
/** Bytes that are made without letting others have their turn: about 3 ms. */
const TURN_BYTES = 1 << 16;
/** Bytes of a checksum by its number. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/** Unpacks xz, also several streams one after the other, of LZMA2 without other filters; checksums and the index are verified. */
export const unXz: Decoder = function* (input, output) {
  let at = 0;
  do {
    at = yield* stream(input, at, output);
    // Zeros may stand between streams, by four.
    while (at + 4 <= input.length && input.subarray(at, at + 4).every((byte) => byte === 0)) at += 4;
  } while (at < input.length);
};

/** Unpacks LZMA2 alone, without the checksums that xz puts around it. */
export const unLzma2: Decoder = function* (input, output) {
  yield* lzma2(new Reader(input, 0), output, 2 ** 32 - 1);
};

function* stream(input: Uint8Array, start: number, output: UnpackedBytes): Generator<void, number, void> {
  const reader = new Reader(input, start);
  const header = reader.bytes(HEADER_BYTES);
  if (!MAGIC.every((byte, i) => header[i] === byte)) throw damaged("a stream does not begin as such");
  if (header[6] !== 0 || header[7] > 15) throw unknown("has flags");
  verify(header.subarray(6, 8), uint32(header, 8), "the header");
  const checkType = header[7];
  const sizes: [number, number][] = [];
  for (;;) {
    const blockStart = reader.position;
    const headerSize = reader.byte();
    // The index begins with 0 where a block has its header's length.
    if (headerSize === 0) break;
    reader.position = blockStart;
    const block = blockHeader(reader.bytes((headerSize + 1) * 4));
    const dataStart = reader.position;
    const madeBefore = output.length;
    yield* lzma2(reader, output, block.dictionaryBytes);
    const [packed, made] = [reader.position - dataStart, output.length - madeBefore];
    if ((block.packed ?? packed) !== packed || (block.made ?? made) !== made) throw damaged("a block has another size");
    reader.padding(dataStart);
    const check = reader.bytes(CHECK_BYTES[checkType]);
    verifyBlock(checkType, check, output.data.subarray(madeBefore, output.length));
    sizes.push([(headerSize + 1) * 4 + packed + check.length, made]);
  }
  index(reader, sizes);
  const footer = reader.bytes(FOOTER_BYTES);
  verify(footer.subarray(4, 10), uint32(footer, 0), "the footer");
  if (footer[10] !== 0x59 || footer[11] !== 0x5a || footer[9] !== checkType) throw damaged("a stream does not end as such");
  return reader.position;
}

interface BlockHeader {
  readonly packed: number | undefined;
  readonly made: number | undefined;
  readonly dictionaryBytes: number;
}

function blockHeader(bytes: Uint8Array): BlockHeader {
  const content = bytes.subarray(0, -4);
  verify(content, uint32(bytes, bytes.length - 4), "a block's header");
  const reader = new Reader(content, 1);
  const flags = reader.byte();
  const packed = (flags & 0x40) === 0 ? undefined : reader.size();
  const made = (flags & 0x80) === 0 ? undefined : reader.size();
  const [filter, length] = [reader.size(), reader.size()];
  if ((flags & 0x3f) !== 0 || filter !== LZMA2 || length !== 1) throw unknown("has a filter beside LZMA2");
  const dictionary = reader.byte();
  if (dictionary > MOST_DICTIONARY) throw damaged("a block has no dictionary");
  const dictionaryBytes = dictionary === MOST_DICTIONARY ? 2 ** 32 - 1 : (2 | (dictionary & 1)) * 2 ** ((dictionary >> 1) + 11);
  return { packed, made, dictionaryBytes };
}

function* lzma2(reader: Reader, output: UnpackedBytes, dictionaryBytes: number): Generator<void, void, void> {
  const decoder = new LzmaDecoder("xz", reader.all, output, dictionaryBytes);
  let [hasDictionary, hasProperties, hasState] = [false, false, false];
  for (;;) {
    const control = reader.byte();
    if (control === 0) return;
    if (control === 1 || control >= 0xe0) {
      decoder.resetDictionary();
      hasDictionary = true;
    }
    if (!hasDictionary) throw damaged("a part has no dictionary");
    if (control <= 2) {
      output.append(reader.bytes(reader.uint16() + 1));
      yield;
      continue;
    }
    if (control < 0x80) throw damaged("a part is of no kind");
    const made = ((control & 0x1f) << 16) + reader.uint16() + 1;
    const packed = reader.uint16() + 1;
    if (control >= 0xc0) {
      const properties = lzmaProperties(reader.byte());
      if (properties === undefined || properties.literalContext + properties.literalPosition > 4) {
        throw damaged("a part has no properties");
      }
      decoder.setProperties(properties);
      hasProperties = true;
    }
    if (control >= 0xa0) {
      decoder.resetState();
      hasState = true;
    }
    if (!hasProperties || !hasState) throw damaged("a part has no properties");
    const start = reader.position;
    reader.bytes(packed);
    decoder.begin(start, reader.position);
    const end = output.length + made;
    output.room(made);
    while (output.length < end) {
      if (decoder.decode(Math.min(end, output.length + TURN_BYTES))) throw damaged("a part ends before its end");
      yield;
    }
    if (output.length !== end || decoder.finish() !== reader.position) throw damaged("a part has another size");
  }
}

/** What the index says has to be what was found. */
function index(reader: Reader, sizes: readonly (readonly [number, number])[]): void {
  const start = reader.position - 1;
  if (reader.size() !== sizes.length) throw damaged("its index is of other blocks");
  for (const [packed, made] of sizes) {
    if (reader.size() !== packed || reader.size() !== made) throw damaged("its index is of other blocks");
  }
  reader.padding(start);
  const end = reader.position;
  verify(reader.all.subarray(start, end), uint32(reader.bytes(4), 0), "the index");
}

function verifyBlock(type: number, check: Uint8Array, made: Uint8Array): void {
  switch (type) {
    case 0:
      return;
    case 1:
      verify(made, uint32(check, 0), "a block");
      return;
    case 4: {
      const { high, low } = crc64(made);
      if (uint32(check, 0) !== low || uint32(check, 4) !== high) throw damaged("the checksum of a block is another");
      return;
    }
    case 10:
      if (!createHash("sha256").update(made).digest().equals(check)) throw damaged("the checksum of a block is another");
      return;
    default:
      throw unknown("has a checksum of a kind");
  }
}

function verify(bytes: Uint8Array, crc: number, what: string): void {
  if (crc32(bytes) !== crc) throw damaged(`the checksum of ${what} is another`);
}

class Reader {
  readonly all: Uint8Array;
  position: number;

  constructor(all: Uint8Array, position: number) {
    this.all = all;
    this.position = position;
  }

  bytes(length: number): Uint8Array {
    if (length > this.all.length - this.position) throw damaged("it breaks off");
    this.position += length;
    return this.all.subarray(this.position - length, this.position);
  }

  byte(): number {
    return this.bytes(1)[0];
  }

  /** Of two bytes, the higher first. */
  uint16(): number {
    return this.byte() * 256 + this.byte();
  }

  /** A number of seven bits in each byte, the lowest first. */
  size(): number {
    let [value, place] = [0, 1];
    for (let i = 0; i < 9; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * place;
      if (byte < 0x80) return value;
      place *= 128;
    }
    throw damaged("a size has no end");
  }

  /** Zeros up to a whole number of four bytes, from `start` on. */
  padding(start: number): void {
    while ((this.position - start) % 4 !== 0) if (this.byte() !== 0) throw damaged("something lies in a gap");
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at, true);
}

function damaged(why: string): ServingError {
  return damagedPacking("xz", why);
}

function unknown(what: string): ServingError {
  return new ServingError(
    "unimplemented",
    `it is compressed with xz, and ${what} that is not read here: save it with xz's defaults`,
  );
}
