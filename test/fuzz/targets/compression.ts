import { unBzip2 } from "../../../src/codec/compression/bzip2.ts";
import type { Decoder } from "../../../src/codec/compression/decoder.ts";
import { unLz4 } from "../../../src/codec/compression/lz4-frame.ts";
import { unLzma } from "../../../src/codec/compression/lzma-alone.ts";
import { UnpackedBytes } from "../../../src/codec/compression/unpacked-bytes.ts";
import { unLzma2, unXz } from "../../../src/codec/compression/xz.ts";
import { type FuzzTarget, type Outcome, refusal } from "../target.ts";

/** Bytes that an input may become: larger ones take long. */
const MOST = 1 << 14;

function target(name: string, decoder: Decoder, dictionary: readonly string[]): FuzzTarget {
  return {
    name,
    dictionary: dictionary.map((text) => Buffer.from(text, "latin1")),
    run(input): Outcome {
      const output = new UnpackedBytes(MOST);
      try {
        for (const _ of decoder(input, output));
      } catch (reason) {
        return refusal(reason);
      }
      if (output.length > MOST) throw new Error(`${output.length} bytes were made`);
      return { accepted: true, shape: `about 2^${Math.ceil(Math.log2(output.length + 1))} bytes` };
    },
  };
}

/** The ways to compress that joblib has, besides those of zlib; of xz also what is within its checksums. */
export const bzip2 = target("bzip2", unBzip2, ["BZh9", "1AY&SY", "\x17rE8P\x90"]);
export const xz = target("xz", (input, output) => (input[0] === 0xfd ? unXz : unLzma2)(input, output), [
  "\xfd7zXZ\0",
  "\0\0",
  "\0\x01",
  "\0\x04",
  "YZ",
  "\xe0\0",
  "\x02\0!\x01\x16",
]);
export const lzma = target("lzma", unLzma, ["]\0\0\x80\0", "\xff\xff\xff\xff\xff\xff\xff\xff", "\0\0"]);
export const lz4 = target("lz4", unLz4, [
  "\x04\x22\x4d\x18",
  "\x64\x40\xa7",
  "\x44\x40\x5e",
  "\x50\x2a\x4d\x18",
  "\0\0\0\0",
  "\xff\xff",
]);
