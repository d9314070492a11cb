import { type Context, createContext, runInContext } from "node:vm";
import * as zlib from "node:zlib";
import { compressors } from "hyparquet-compressors";
import { damagedParquet, uncoveredParquet } from "./damaged-parquet.ts";
import { unpackHadoopLz4, unpackLz4Block } from "./lz4-block.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { unpackSnappy } from "./snappy.ts";
import { longestOfZstandard } from "./zstandard-length.ts";

const CODECS = ["none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4-raw"] as const;

/**
 * A page as it was before it was compressed; it has to have `length` bytes, which were taken from the budget.
 * @throws ServingError data-loss for a damaged one; unimplemented for LZO and Brotli; resource-exhausted for too much memory
 */
export function unpackPage(codec: number, input: Uint8Array, length: number, budget: MemoryBudget): Uint8Array {
  const name = CODECS[codec];
  if (name === undefined) throw damagedParquet(`a column is compressed with no codec that there is (${codec})`);
  if (name === "lzo" || name === "brotli") throw uncoveredParquet(`the compression ${name}`);
  if (name === "none" || length === 0) {
    if (name === "none" && input.length !== length) throw damagedParquet("a page has another length than it says");
    return input.subarray(0, length);
  }
  if (name === "gzip") return unpackGzip(input, length);
  if (name === "zstd") return unpackZstandard(input, length, budget);
  const output = new Uint8Array(length);
  if (name === "snappy") unpackSnappy(input, output);
  else if (name === "lz4") unpackHadoopLz4(input, output);
  else unpackLz4Block(input, output);
  return output;
}

function unpackGzip(input: Uint8Array, length: number): Uint8Array {
  let output: Uint8Array;
  try {
    output = zlib.gunzipSync(input, { maxOutputLength: length });
  } catch (reason) {
    throw damagedParquet("a page is compressed with gzip, and damaged", reason);
  }
  if (output.length !== length) throw damagedParquet("a page has another length than it says");
  return output;
}

/** What Node has from 22.15 on. */
const { zstdDecompressSync } = zlib as {
  zstdDecompressSync?: (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
};

/** Longest that a page of Zstandard may take where Node has no decoder of its own. */
const LONGEST_MS = 5000;

/** What unpacks believes what the data says of its length, which is therefore looked at before. */
function unpackZstandard(input: Uint8Array, length: number, budget: MemoryBudget): Uint8Array {
  const longest = longestOfZstandard(input);
  if (longest === undefined || longest < length) throw damagedParquet("a page is compressed with Zstandard, and damaged");
  budget.take(longest);
  let output: Uint8Array;
  try {
    output =
      zstdDecompressSync === undefined
        ? inTime(() => compressors.ZSTD!(input, length))
        : zstdDecompressSync(input, { maxOutputLength: length });
  } catch (reason) {
    throw damagedParquet("a page is compressed with Zstandard, and damaged", reason);
  }
  if (output.length !== length) throw damagedParquet("a page has another length than it says");
  return output;
}

/** Made once, with the first page: it takes a while. */
let context: Context | undefined;

/** A few bytes can say that a block repeats very much outside of what it makes, which the library does for minutes. */
function inTime(unpack: () => Uint8Array): Uint8Array {
  context ??= createContext();
  context.unpack = unpack;
  return runInContext("unpack()", context, { timeout: LONGEST_MS }) as Uint8Array;
}
