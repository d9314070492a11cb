import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { varint } from "./test-parquet.ts";
import { unpackPage } from "./unpack-page.ts";

const [SNAPPY, GZIP, LZ4, ZSTD, LZ4_RAW] = [1, 2, 5, 6, 7];
const unpack = (codec: number, input: Uint8Array, length: number, bytes = 2 ** 24) =>
  unpackPage(codec, input, length, new MemoryBudget(bytes));

function codeOf(codec: number, input: Uint8Array, length: number): string {
  try {
    unpack(codec, input, length);
    return "unpacked";
  } catch (reason) {
    if (!(reason instanceof ServingError)) throw reason;
    return reason.code;
  }
}

/** What a packer does: writes bytes as they are, or copies some from so far back. */
type Piece = { readonly bytes: Uint8Array } | { readonly back: number; readonly length: number };

const PIECES = fc.array(
  fc.oneof(
    fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }) }),
    fc.record({ back: fc.integer({ min: 1, max: 2000 }), length: fc.integer({ min: 4, max: 64 }) }),
  ),
  { maxLength: 30 },
);

/** What the pieces make; a piece that would copy from before the beginning is left out. */
function made(pieces: readonly Piece[]): { readonly output: number[]; readonly kept: readonly Piece[] } {
  const output: number[] = [];
  const kept: Piece[] = [];
  for (const piece of pieces) {
    if ("bytes" in piece) output.push(...piece.bytes);
    else if (piece.back > output.length) continue;
    else for (let i = 0; i < piece.length; i++) output.push(output[output.length - piece.back]);
    kept.push(piece);
  }
  return { output, kept };
}

function packSnappy(pieces: readonly Piece[], length: number): Buffer {
  const parts = pieces.map((piece) => {
    if ("bytes" in piece) {
      const size = piece.bytes.length - 1;
      const head = size < 60 ? [size << 2] : size < 256 ? [60 << 2, size] : [61 << 2, size & 255, size >> 8];
      return Buffer.concat([Buffer.of(...head), piece.bytes]);
    }
    const { back, length: copied } = piece;
    if (copied < 12 && back % 2 === 0) return Buffer.of(((back >> 8) << 5) | ((copied - 4) << 2) | 1, back & 255);
    if (back % 3 === 0) return Buffer.of(((copied - 1) << 2) | 3, back & 255, back >> 8, 0, 0);
    return Buffer.of(((copied - 1) << 2) | 2, back & 255, back >> 8);
  });
  return Buffer.concat([varint(length), ...parts]);
}

function packLz4(pieces: readonly Piece[]): Buffer {
  const parts: Buffer[] = [];
  let literals = Buffer.alloc(0);
  const sequence = (back: number, copied: number | undefined) => {
    const lengths = [literals.length, copied === undefined ? 0 : copied - 4];
    const more = (length: number) => {
      if (length < 15) return Buffer.alloc(0);
      const rest = length - 15;
      return Buffer.concat([Buffer.alloc(Math.floor(rest / 255), 255), Buffer.of(rest % 255)]);
    };
    parts.push(Buffer.of((Math.min(15, lengths[0]) << 4) | Math.min(15, lengths[1])), more(lengths[0]), literals);
    if (copied !== undefined) parts.push(Buffer.of(back & 255, back >> 8), more(lengths[1]));
    literals = Buffer.alloc(0);
  };
  for (const piece of pieces) {
    if ("bytes" in piece) literals = Buffer.concat([literals, piece.bytes]);
    else sequence(piece.back, piece.length);
  }
  sequence(0, undefined);
  return Buffer.concat(parts);
}

function framed(...blocks: readonly (readonly [packed: Buffer, length: number])[]): Buffer {
  return Buffer.concat(
    blocks.flatMap(([packed, length]) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(length);
      head.writeUInt32BE(packed.length, 4);
      return [head, packed];
    }),
  );
}

test("Snappy unpacks what was packed", () => {
  fc.assert(
    fc.property(PIECES, (pieces) => {
      const { output, kept } = made(pieces);
      expect([...unpack(SNAPPY, packSnappy(kept, output.length), output.length)]).toEqual(output);
    }),
  );
});

test("LZ4 unpacks what was packed, by itself and in Hadoop's frames", () => {
  fc.assert(
    fc.property(PIECES, (pieces) => {
      const { output, kept } = made(pieces);
      if (output.length === 0) return;
      const packed = packLz4(kept);
      expect([...unpack(LZ4_RAW, packed, output.length)]).toEqual(output);
      const twice = framed([packed, output.length], [packed, output.length]);
      expect([...unpack(LZ4, twice, output.length * 2)]).toEqual([...output, ...output]);
    }),
  );
});

test.each([SNAPPY, GZIP, LZ4, ZSTD, LZ4_RAW])("codec %i refuses any bytes that it cannot unpack", (codec) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 1000 }), (bytes, length) => {
      expect(["data-loss", "resource-exhausted", "unpacked"]).toContain(codeOf(codec, bytes, length));
    }),
  );
});

describe("a page of bytes that lie is refused", () => {
  const text = Buffer.from("some text ".repeat(20));
  // A frame of Zstandard with one block of one byte again and again.
  const zstd = (about: number, size: readonly number[], block: readonly number[]) =>
    Buffer.of(0x28, 0xb5, 0x2f, 0xfd, about, ...size, ...block);
  const repeated = (length: number) => [((length << 3) | 3) & 255, (length >> 5) & 255, length >> 13, 7];

  test("Zstandard is unpacked when it does not lie", () => {
    expect([...unpack(ZSTD, zstd(0x20, [100], repeated(100)), 100)]).toEqual(Array.from({ length: 100 }, () => 7));
  });

  test.each<[string, number, Uint8Array, number, string]>([
    // As a number with a sign this length is negative: who goes on by it goes back, for ever.
    [
      "Snappy, with a literal of 2^32 - 5 bytes",
      SNAPPY,
      Buffer.of(10, 0xfc, 0xfa, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0),
      10,
      "data-loss",
    ],
    ["Snappy, with 2^34 bytes in all", SNAPPY, Buffer.of(0xff, 0xff, 0xff, 0xff, 0x3f, 0, 65), 10, "data-loss"],
    ["Snappy, from before the beginning", SNAPPY, Buffer.of(9, 0x15, 0xff), 9, "data-loss"],
    ["gzip, of more than it says", GZIP, gzipSync(text), 10, "data-loss"],
    ["gzip, of less than it says", GZIP, gzipSync(text), text.length + 1, "data-loss"],
    ["LZ4, of more than it says", LZ4_RAW, packLz4([{ bytes: text }]), 10, "data-loss"],
    ["LZ4, with a block of 4 GiB", LZ4, Buffer.concat([Buffer.alloc(8, 0xff), text]), 10, "data-loss"],
    ["Zstandard, of 2^40 bytes", ZSTD, zstd(0xe0, [0, 0, 0, 0, 0, 1, 0, 0], repeated(100)), 100, "data-loss"],
    [
      "Zstandard, with 1000 blocks of 128 KiB",
      ZSTD,
      Buffer.concat([
        zstd(0x00, [0x58], []),
        ...Array.from({ length: 1000 }, () => Buffer.of(2, 0, 0x10, 7)),
        Buffer.of(1, 0, 0),
      ]),
      100,
      "resource-exhausted",
    ],
    ["nothing compressed, of another length", 0, text, 10, "data-loss"],
  ])("%s", (_, codec, bytes, length, code) => {
    expect(codeOf(codec, bytes, length)).toBe(code);
  });
});
