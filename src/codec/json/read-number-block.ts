import { readNumberBlockByModule } from "./module-number-block.ts";
import type { BlockType, NumberBlock } from "./number-block.ts";
import { numberModule } from "./number-module/number-module.ts";
import { readNumberBlockPlainly } from "./plain-number-block.ts";

/** A text of fewer bytes is read faster than the module is called (benchmark/json-numbers.mjs). */
const SHORT_TEXT = 512;

let likely: BlockType = "float32";

/**
 * Reads the array whose `[` is at `start` to numbers of a type, or gives undefined for anything but a rectangular, not empty array
 * of at most 16 dimensions of numbers that the type can hold: then the caller reads the value the general way, which also finds
 * the words for a fault. The text need not have been scanned.
 *
 * `bytes[limit]` must be a byte that no array of numbers holds (a brace) with `start < limit`.
 */
export function readNumberBlock(bytes: Uint8Array, start: number, limit: number, dtype: BlockType): NumberBlock | undefined {
  if (limit - start >= SHORT_TEXT) {
    const module = numberModule();
    if (module !== undefined) return readNumberBlockByModule(module, bytes, start, limit, dtype);
  }
  return readNumberBlockPlainly(bytes, start, limit, dtype);
}

/** The same before the type is known: as the type that was wanted last, or as floats where the numbers are no such integers. */
export function readLikelyBlock(bytes: Uint8Array, start: number, limit: number): NumberBlock | undefined {
  const block = readNumberBlock(bytes, start, limit, likely);
  if (block !== undefined || likely === "float32" || likely === "float64") return block;
  return readNumberBlock(bytes, start, limit, "float32");
}

/** Notes that a block of this type was wanted. One read as another type must be read again, so this only costs or saves time. */
export function expectBlocks(dtype: BlockType): void {
  likely = dtype;
}
