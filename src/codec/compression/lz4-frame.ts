import { ServingError } from "../../base/serving-error.ts";
import { type Decoder, damagedPacking } from "./decoder.ts";
import type { UnpackedBytes } from "./unpacked-bytes.ts";
import { xxh32 } from "./xxh32.ts";

const MAGIC = 0x184d2204;
/** Frames that are to be passed over have one of 16 numbers. */
const SKIPPED = 0x184d2a5;
const STORED = 0x80000000;
/** Bytes of a block by its number in the header. */
const BLOCK_BYTES = new Map([
  [4, 1 << 16],
  [5, 1 << 18],
  [6, 1 << 20],
  [7, 1 << 22],
]);
/** Bytes of input that are read without letting others have their turn. */
const TURN_BYTES = 1 << 18;

/** Unpacks the frames of LZ4; every checksum that is there is verified. */
export const unLz4: Decoder = function* (input, output) {
  const reader = new Reader(input);
  do {
    const magic = reader.uint32();
    if (magic >>> 4 === SKIPPED) reader.bytes(reader.uint32());
    else if (magic === MAGIC) yield* frame(reader, output);
    else throw damaged("a frame does not begin as such");
  } while (reader.position < input.length);
};

function* frame(reader: Reader, output: UnpackedBytes): Generator<void, void, void> {
  const start = reader.position;
  const [flags, sizes] = reader.bytes(2);
  const mostBytes = BLOCK_BYTES.get((sizes >>> 4) & 7);
  if (flags >>> 6 !== 1 || mostBytes === undefined) throw damaged("a frame is of no kind that there is");
  const size = (flags & 8) === 0 ? undefined : reader.uint64();
  if ((flags & 1) !== 0)
    throw new ServingError("unimplemented", "it is compressed with lz4 and a dictionary, which is not read here");
  const descriptor = reader.all.subarray(start, reader.position);
  const [check] = reader.bytes(1);
  if (((xxh32(descriptor) >>> 8) & 0xff) !== check) throw damaged("the checksum of a header is another");
  const madeBefore = output.length;
  let turn = reader.position;
  for (;;) {
    const word = reader.uint32();
    if (word === 0) break;
    const block = reader.bytes(word & ~STORED);
    if (block.length > mostBytes) throw damaged("a block is too long");
    const blockStart = output.length;
    if ((word & STORED) !== 0) output.append(block);
    else unpackBlock(block, output, (flags & 0x20) === 0 ? madeBefore : blockStart, mostBytes);
    if ((flags & 0x10) !== 0 && xxh32(block) !== reader.uint32()) throw damaged("the checksum of a block is another");
    if (reader.position - turn > TURN_BYTES || output.length - blockStart >= TURN_BYTES) {
      turn = reader.position;
      yield;
    }
  }
  const made = output.data.subarray(madeBefore, output.length);
  if (size !== undefined && made.length !== size) throw damaged("a frame has another size");
  if ((flags & 4) !== 0 && xxh32(made) !== reader.uint32()) throw damaged("the checksum of a frame is another");
}

/** @param from where what may be repeated begins */
function unpackBlock(block: Uint8Array, output: UnpackedBytes, from: number, mostBytes: number): void {
  output.room(Math.min(mostBytes, output.left));
  const { data } = output;
  const end = output.length + Math.min(mostBytes, output.left);
  let to = output.length;
  let at = 0;
  for (;;) {
    if (at >= block.length) throw damaged("a block breaks off");
    const token = block[at++];
    let literals = token >>> 4;
    if (literals === 15) {
      let more: number;
      do literals += more = block[at++] ?? 0;
      while (more === 255);
    }
    if (literals > block.length - at) throw damaged("a block breaks off");
    if (literals > end - to) throw tooLong(output, mostBytes);
    for (let i = 0; i < literals; i++) data[to++] = block[at++];
    // The last piece has nothing that it repeats.
    if (at === block.length) break;
    const distance = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8);
    at += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more: number;
      do length += more = block[at++] ?? 0;
      while (more === 255);
    }
    if (distance === 0 || distance > to - from) throw damaged("it repeats what is not there");
    if (length > end - to) throw tooLong(output, mostBytes);
    const source = to - distance;
    for (let i = 0; i < length; i++) data[to + i] = data[source + i];
    to += length;
  }
  output.length = to;
}

/** A block is larger than it may be, or than all that may be made. */
function tooLong(output: UnpackedBytes, mostBytes: number): ServingError {
  if (output.left < mostBytes) output.room(mostBytes);
  return damaged("a block is too long");
}

class Reader {
  readonly all: Uint8Array;
  position = 0;
  readonly #view: DataView;

  constructor(all: Uint8Array) {
    this.all = all;
    this.#view = new DataView(all.buffer, all.byteOffset, all.byteLength);
  }

  bytes(length: number): Uint8Array {
    if (length > this.all.length - this.position) throw damaged("it breaks off");
    this.position += length;
    return this.all.subarray(this.position - length, this.position);
  }

  uint32(): number {
    this.bytes(4);
    return this.#view.getUint32(this.position - 4, true);
  }

  uint64(): number {
    this.bytes(8);
    return Number(this.#view.getBigUint64(this.position - 8, true));
  }
}

function damaged(why: string): ServingError {
  return damagedPacking("lz4", why);
}
