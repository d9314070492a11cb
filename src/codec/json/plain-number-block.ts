// One pass from bytes to numbers for the common body: arrays of nothing but numbers, all lists of a level equally long. The plain
// twin of module-number-block.ts, for short arrays and where WebAssembly is not to be had.

import type { NumericArray } from "../../tensor/dtype.ts";
import { EXACT_LIMIT, lastNumber, nearestFloat32, numberValue, POWERS, scaledSum, scanNumber } from "./number.ts";
import { allocateBlock, type BlockType, LARGEST_RANK, type NumberBlock } from "./number-block.ts";

/** Four more digits on a mantissa below this stay exact. */
const MANTISSA_ROOM = 1e11;
/** Most digits after the mantissa whose sum with it two doubles hold exactly. */
const LARGEST_REST = 12;
const KEPT_CAPACITY = 1 << 17;
/** Bytes from which a DataView pays: its making costs as much as a few numbers read digit by digit. */
const VIEWED_TEXT = 64;

// Used within one call only, so that a request allocates no more than its own values.
let scratch: Float64Array = new Float64Array(256);
const counts = new Int32Array(LARGEST_RANK + 1);
const sizes = new Int32Array(LARGEST_RANK + 1);

function grown(values: Float64Array): Float64Array {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  if (larger.length <= KEPT_CAPACITY) scratch = larger;
  return larger;
}

/** Greatest and least values of the integer types whose values are all doubles; the others' are checked by exactness. */
const RANGES: Partial<Record<BlockType, readonly [number, number]>> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-EXACT_LIMIT, EXACT_LIMIT],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, EXACT_LIMIT],
};

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const LOW_HALF = LITTLE_ENDIAN ? 0 : 4;

/** The first `count` values as the type, in memory that the next call does not use; undefined where one is out of range. */
function ownedValues(dtype: BlockType, values: Float64Array, count: number): NumericArray | undefined {
  const range = RANGES[dtype];
  if (range !== undefined) {
    const [least, greatest] = range;
    for (let i = 0; i < count; i++) if (values[i] < least || values[i] > greatest) return undefined;
  }
  const own = allocateBlock(dtype, count);
  if (own instanceof BigInt64Array || own instanceof BigUint64Array) {
    // A BigInt a number costs about 50 ns; two halves cost 2.
    const halves = new DataView(own.buffer);
    for (let i = 0; i < count; i++) {
      halves.setInt32(i * 8 + LOW_HALF, values[i], LITTLE_ENDIAN);
      halves.setInt32(i * 8 + (4 - LOW_HALF), Math.floor(values[i] / 2 ** 32), LITTLE_ENDIAN);
    }
  } else if (count > 32) own.set(values.subarray(0, count));
  // For a few values the calls cost more than they do.
  else for (let i = 0; i < count; i++) own[i] = values[i];
  return own;
}

/**
 * {@link readNumberBlock} in TypeScript alone. Gives undefined for 64-bit integers of 2^53 and more, too. `bytes[limit]` ends
 * every loop, so none checks for the end of the text.
 */
export function readNumberBlockPlainly(
  bytes: Uint8Array,
  start: number,
  limit: number,
  dtype: BlockType,
): NumberBlock | undefined {
  const integers = dtype !== "float32" && dtype !== "float64";
  const narrow = dtype === "float32";
  // A view of a short text costs more than its digits one by one.
  const view = limit - start >= VIEWED_TEXT ? new DataView(bytes.buffer, bytes.byteOffset, bytes.length) : undefined;
  const lastWord = bytes.length - 4;
  let values: Float64Array = scratch;
  let capacity = values.length;
  let count = 0;
  let rank = -1;
  let depth = 0;
  let at = start;

  for (;;) {
    // At the first byte of a value.
    let byte = bytes[at];
    if (byte === 0x5b) {
      if (depth === LARGEST_RANK || depth === rank) return undefined;
      counts[++depth] = 0;
      if (rank < 0) sizes[depth] = -1;
      byte = bytes[++at];
      while (byte <= 0x20) {
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return undefined;
        byte = bytes[++at];
      }
      continue;
    }
    if (rank < 0) rank = depth;
    else if (depth !== rank) return undefined;

    const rowStart = count;
    for (;;) {
      const numberStart = at;
      const negative = byte === 0x2d;
      if (negative) byte = bytes[++at];
      let mantissa = byte - 48;
      let value = 0;
      scan: {
        slow: {
          if (mantissa >>> 0 > 9) break slow;
          let digit = bytes[++at] - 48;
          if (digit >>> 0 <= 9) {
            if (mantissa === 0) return undefined;
            do {
              mantissa = (Math.imul(mantissa, 10) + digit) | 0;
              digit = bytes[++at] - 48;
            } while (digit >>> 0 <= 9);
            if (at - numberStart > 9) break slow;
          }
          value = mantissa;
          let exponent = 0;
          let rest = 0;
          let restDigits = 0;
          if (digit === -2) {
            if (integers) return undefined;
            const fractionStart = ++at;
            while (view === undefined) {
              const next = bytes[at] - 48;
              if (next >>> 0 > 9) break;
              if (value >= MANTISSA_ROOM) break slow;
              value = value * 10 + next;
              at++;
            }
            while (view !== undefined) {
              if (at > lastWord) break slow;
              // Four characters at once; the lowest byte is the first.
              let word = view.getInt32(at, true) ^ 0x30303030;
              const others = ((word + 0x76767676) | word) & 0x80808080;
              if (others === 0) {
                word = (Math.imul(word, 10) + (word >>> 8)) | 0;
                word = Math.imul(word & 0xff, 100) + ((word >>> 16) & 0xff);
                if (value < MANTISSA_ROOM) value = value * 10000 + word;
                else {
                  rest = rest * 10000 + word;
                  restDigits += 4;
                }
                at += 4;
              } else {
                const digits = (31 - Math.clz32(others & -others)) >>> 3;
                if (digits !== 0) {
                  word <<= 32 - (digits << 3);
                  word = (Math.imul(word, 10) + (word >>> 8)) | 0;
                  word = Math.imul(word & 0xff, 100) + ((word >>> 16) & 0xff);
                  if (value < MANTISSA_ROOM) value = value * POWERS[digits] + word;
                  else {
                    rest = rest * POWERS[digits] + word;
                    restDigits += digits;
                  }
                  at += digits;
                }
                break;
              }
            }
            exponent = fractionStart - at;
            if (exponent === 0) return undefined;
            digit = bytes[at] - 48;
          }
          if (digit === 53 || digit === 21) {
            if (integers) return undefined;
            byte = bytes[++at];
            const negativeExponent = byte === 0x2d;
            if (negativeExponent || byte === 0x2b) byte = bytes[++at];
            let written = byte - 48;
            if (written >>> 0 > 9) return undefined;
            digit = bytes[++at] - 48;
            if (digit >>> 0 <= 9) {
              written = written * 10 + digit;
              digit = bytes[++at] - 48;
              if (digit >>> 0 <= 9) break slow;
            }
            exponent = negativeExponent ? exponent - written : exponent + written;
          }
          if (restDigits !== 0) {
            if (restDigits > LARGEST_REST) break slow;
            value = scaledSum(value, rest, restDigits, exponent);
            if (value < 0) break slow;
          } else if (exponent < 0) {
            if (exponent < -22) break slow;
            value /= POWERS[-exponent];
          } else if (exponent > 0) {
            if (exponent > 22) break slow;
            value *= POWERS[exponent];
          }
          if (negative) value = -value;
          break scan;
        }
        at = scanNumber(bytes, numberStart, limit);
        if (at < 0) return undefined;
        value = numberValue(bytes, numberStart, at);
        if (integers && (!lastNumber.integer || value >= EXACT_LIMIT || value <= -EXACT_LIMIT)) return undefined;
      }
      if (narrow) {
        // A float32 or its mirror image in the double is one only where nearestFloat32 could tell more than Math.fround.
        const mirrored = value + (value - Math.fround(value));
        if (Math.fround(mirrored) === mirrored) value = nearestFloat32(bytes, numberStart, at, value);
      }
      if (count === capacity) {
        values = grown(values);
        capacity = values.length;
      }
      values[count++] = value;

      byte = bytes[at];
      while (byte <= 0x20) {
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return undefined;
        byte = bytes[++at];
      }
      if (byte !== 0x2c) break;
      byte = bytes[++at];
      while (byte <= 0x20) {
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return undefined;
        byte = bytes[++at];
      }
    }

    // At what ends the list of numbers; close it and every list that ends with it.
    counts[depth] = count - rowStart;
    for (;;) {
      if (byte !== 0x5d) return undefined;
      if (sizes[depth] < 0) sizes[depth] = counts[depth];
      else if (sizes[depth] !== counts[depth]) return undefined;
      at++;
      if (--depth === 0) {
        const shape: number[] = [];
        for (let level = 1; level <= rank; level++) shape.push(sizes[level]);
        const own = ownedValues(dtype, values, count);
        return own === undefined ? undefined : { end: at, shape, dtype, values: own };
      }
      counts[depth]++;
      byte = bytes[at];
      while (byte <= 0x20) {
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return undefined;
        byte = bytes[++at];
      }
      if (byte !== 0x2c) continue;
      byte = bytes[++at];
      while (byte <= 0x20) {
        if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return undefined;
        byte = bytes[++at];
      }
      break;
    }
  }
}
