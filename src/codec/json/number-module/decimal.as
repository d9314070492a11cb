// Between decimal and binary, by a table of powers of ten in 128 bits.
import { EXACT_POWERS, FIRST_POWER, LAST_POWER, POWERS } from "./tables";

/** Low half of what {@link multiply} gave. */
export let productLow: u64 = 0;

/** High half of the product of two 64-bit numbers. */
// @ts-ignore: decorator
@inline
export function multiply(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const first = aLow * bLow;
  const middle = aHigh * bLow + (first >> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  productLow = a * b;
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/** `10^power` as a double, exact; `0 <= power <= 22`. */
// @ts-ignore: decorator
@inline
export function exactPower(power: i32): f64 {
  return load<f64>(EXACT_POWERS + ((<usize>power) << 3));
}

/** The high 64 bits of `10^power`'s mantissa; the low are 8 bytes on. */
// @ts-ignore: decorator
@inline
export function powerAt(power: i32): usize {
  return POWERS + ((<usize>(power - FIRST_POWER)) << 4);
}

/**
 * The double nearest to `digits * 10^power`, or NaN where 128 bits do not tell, or it is subnormal or too large.
 *
 * D. Lemire, "Number parsing at a gigabyte per second" (2021). The table rounds down, so the true product lies above ours by
 * less than `digits` in the last place.
 */
export function nearestDouble(digits: u64, power: i32): f64 {
  if (digits === 0) return 0;
  if (power < FIRST_POWER || power > LAST_POWER) return NaN;
  const shift = <i32>clz(digits);
  const normal = digits << shift;
  const entry = powerAt(power);
  let high = multiply(normal, load<u64>(entry));
  let low = productLow;
  if ((high & 0x1ff) === 0x1ff) {
    const carried = multiply(normal, load<u64>(entry, 8));
    const lowest = productLow;
    low += carried;
    if (low < carried) high++;
    // All that follows the 54 bits is ones: what was cut off could carry into them.
    if ((high & 0x1ff) === 0x1ff && low === u64.MAX_VALUE && lowest + normal < lowest) return NaN;
  }
  const top = <i32>(high >> 63);
  let mantissa = high >> (top + 9);
  // floor(power * log2(10)) + 64 is where the table's mantissas have their point.
  let exponent = ((217706 * power) >> 16) + 64 + 1023 - shift - (1 ^ top);
  // Perhaps a tie: whether it is one depends on what was cut off.
  if (low === 0 && (high & 0x1ff) === 0 && (mantissa & 3) === 1) return NaN;
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >> 53 !== 0) {
    mantissa >>= 1;
    exponent++;
  }
  if (exponent <= 0 || exponent >= 0x7ff) return NaN;
  return reinterpret<f64>((<u64>exponent << 52) | (mantissa & 0xfffffffffffff));
}
