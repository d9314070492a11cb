const real = new Float64Array(1);
const words = new Uint32Array(real.buffer);
const HIGH_WORD = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** Adding this to a number below it rounds it to a whole one, ties to even. */
const ROUNDER = 2 ** 52;

/**
 * The nearest 16-bit float, ties to even, as its bit pattern; a sign, an exponent of `15 - fractionBits` bits, a fraction.
 * Rounds once, from the double. NaN becomes the quiet NaN.
 */
function roundTo16Bits(value: number, fractionBits: number): number {
  const exponentBits = 15 - fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const infinity = ((1 << exponentBits) - 1) << fractionBits;
  if (Number.isNaN(value)) return infinity | (1 << (fractionBits - 1));
  real[0] = value;
  const sign = (words[HIGH_WORD] >>> 16) & 0x8000;
  const exponent = Math.max(((words[HIGH_WORD] >>> 20) & 0x7ff) - 1023, 1 - bias);
  if (exponent > bias) return sign | infinity;
  const scaled = Math.abs(value) * 2 ** (fractionBits - exponent) + ROUNDER - ROUNDER;
  // A fraction that rounds up to the next power of two carries into the exponent, up to infinity, by this very sum.
  return sign | (scaled + ((exponent + bias - 1) << fractionBits));
}

function widen16Bits(bits: number, fractionBits: number): number {
  const exponentMask = (1 << (15 - fractionBits)) - 1;
  const bias = exponentMask >>> 1;
  const exponent = (bits >>> fractionBits) & exponentMask;
  const fraction = bits & ((1 << fractionBits) - 1);
  let size: number;
  if (exponent === exponentMask) size = fraction === 0 ? Infinity : Number.NaN;
  else if (exponent === 0) size = fraction * 2 ** (1 - bias - fractionBits);
  else size = (fraction + (1 << fractionBits)) * 2 ** (exponent - bias - fractionBits);
  return bits & 0x8000 ? -size : size;
}

/** IEEE 754 binary16 bits of the nearest half to a double. */
export function toFloat16Bits(value: number): number {
  return roundTo16Bits(value, 10);
}

/** bfloat16 bits (the upper half of a binary32) of the nearest one to a double. */
export function toBfloat16Bits(value: number): number {
  return roundTo16Bits(value, 7);
}

/** The value of IEEE 754 binary16 bits. */
export function fromFloat16Bits(bits: number): number {
  return widen16Bits(bits, 10);
}

/** The value of bfloat16 bits. */
export function fromBfloat16Bits(bits: number): number {
  return widen16Bits(bits, 7);
}
