import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { ServingError } from "../../base/serving-error.ts";
import { unBzip2 } from "../compression/bzip2.ts";
import { unpackInTurns } from "../compression/decoder.ts";
import { unLz4 } from "../compression/lz4-frame.ts";
import { unLzma } from "../compression/lzma-alone.ts";
import { unXz } from "../compression/xz.ts";

const MOST_BYTES = 2 ** 31 - 1;
/** How much larger than its file a model may be; trees of few leaves come to 40. */
const MOST_RATIO = 200;
const LEAST = 2 ** 20;

type Packing = "zlib" | "gzip" | "bz2" | "xz" | "lzma" | "lz4" | "zip";

const MAGIC: readonly (readonly [Packing, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["bz2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["lzma", [0x5d, 0x00, 0x00]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
];

/** How a file's first bytes say that it is compressed; undefined when they do not. */
export function packingOf(first: Uint8Array): Packing | undefined {
  const [head = 0, next = 0] = first;
  // No pickle begins with an `x`: it is a text of which nothing comes after.
  if (head === 0x78 && (head * 256 + next) % 31 === 0) return "zlib";
  return MAGIC.find(([, magic]) => magic.every((byte, i) => first[i] === byte))?.[0];
}

const DECODERS = { bz2: unBzip2, xz: unXz, lzma: unLzma, lz4: unLz4 } as const;

/**
 * The pickle in a file of joblib's or pickle's, which may be compressed in any way that joblib has.
 *
 * @throws ServingError unimplemented for what is no pickle; data-loss for damaged data; resource-exhausted for what is more than 200 times
 * as large (and 1 MiB), or 2 GiB; the signal's reason once it aborts
 */
export async function unpackPickle(bytes: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
  const packing = packingOf(bytes);
  if (packing === undefined) return bytes;
  if (packing === "zip")
    throw new ServingError("unimplemented", "it is a zip file: save the model with joblib.dump(model, file)");
  const maxOutputLength = Math.min(MOST_BYTES, Math.max(LEAST, bytes.length * MOST_RATIO));
  if (packing !== "zlib" && packing !== "gzip") return unpackInTurns(DECODERS[packing], bytes, maxOutputLength, signal);
  try {
    return await promisify<Uint8Array, { maxOutputLength: number }, Buffer>(packing === "zlib" ? inflate : gunzip)(bytes, {
      maxOutputLength,
    });
  } catch (reason) {
    if (reason instanceof RangeError) {
      throw new ServingError("resource-exhausted", `it is compressed, and has more than ${maxOutputLength} bytes`, {
        cause: reason,
      });
    }
    throw new ServingError("data-loss", `it is compressed with ${packing}, and damaged`, { cause: reason });
  }
}
