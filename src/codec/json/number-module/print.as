// Floats as C's %g prints them, with TensorFlow Serving's choice of digits: six, or where those do not read back as the same
// number as many as the type needs (9 or 17); then `.0` where the text would look like a whole number.
import { exactPower, multiply, nearestDouble, powerAt, productLow } from "./decimal";
import { INPUT, OUTPUT, SEPARATORS, SEPARATOR_SIZE } from "./memory";
import { EXACT_POWER_LAST, SMALL_POWERS } from "./tables";

/** Digits of the number being printed, as characters. */
const DIGITS: usize = memory.data(64);

/** Prints the number `INPUT[index]`, which is too near a tie to be sure, at `out`, and gives the end of its text. */
// @ts-ignore: decorator
@external("caller", "printNumber")
declare function printNumber(index: i32, narrow: i32, out: usize): usize;

/** The text of a NaN or infinity. */
function printSpecial(value: f64, out: usize): usize {
  if (value !== value) {
    store<u32>(out, 0x4e614e);
    return out + 3;
  }
  if (value < 0) store<u8>(out++, 0x2d);
  store<u64>(out, 0x7974696e69666e49);
  return out + 8;
}

/** The eight digits of a number below 10^8 as characters, the first in the lowest byte. */
// @ts-ignore: decorator
@inline
function eightDigits(value: u64): u64 {
  const high = (value * 109951163) >> 40;
  const fours = high | ((value - high * 10000) << 32);
  const hundreds = ((fours * 10486) >> 20) & 0x0000007f0000007f;
  const twos = hundreds | ((fours - hundreds * 100) << 16);
  const tens = ((twos * 103) >> 10) & 0x000f000f000f000f;
  return (tens | ((twos - tens * 10) << 8)) | 0x3030303030303030;
}

/** Zeros at the end of eight digits. */
// @ts-ignore: decorator
@inline
function trailingZeros(digits: u64): i32 {
  return <i32>(clz(digits ^ 0x3030303030303030) >> 3);
}

// @ts-ignore: decorator
@inline
function storeDigits(value: u64, precision: i32): i32 {
  if (precision === 6) {
    const digits = eightDigits(value * 100);
    store<u64>(DIGITS, digits);
    return 8 - trailingZeros(digits);
  }
  if (precision === 9) {
    const first = value / 100000000;
    const digits = eightDigits(value - first * 100000000);
    store<u8>(DIGITS, <u8>(48 + first));
    store<u64>(DIGITS, digits, 1);
    return 9 - trailingZeros(digits);
  }
  const upper = value / 100000000;
  const low = eightDigits(value - upper * 100000000);
  const first = upper / 100000000;
  const middle = eightDigits(upper - first * 100000000);
  store<u8>(DIGITS, <u8>(48 + first));
  store<u64>(DIGITS, middle, 1);
  store<u64>(DIGITS, low, 9);
  if (low !== 0x3030303030303030) return 17 - trailingZeros(low);
  return 9 - trailingZeros(middle);
}

// @ts-ignore: decorator
@inline
function copyDigits(from: usize, out: usize): void {
  v128.store(out, v128.load(from));
  store<u64>(out, load<u64>(from, 16), 16);
}

/** Lays out `precision` digits, the first worth `10^exponent`. */
// @ts-ignore: decorator
@inline
function layOut(value: u64, precision: i32, exponent: i32, out: usize): usize {
  const count = storeDigits(value, precision);
  if (exponent < -4 || exponent >= precision) {
    store<u8>(out++, load<u8>(DIGITS));
    if (count > 1) {
      store<u8>(out, 0x2e);
      copyDigits(DIGITS + 1, out + 1);
      out += <usize>count;
    }
    store<u16>(out, exponent < 0 ? 0x2d65 : 0x2b65);
    out += 2;
    let size = exponent < 0 ? -exponent : exponent;
    if (size >= 100) {
      const hundreds = size / 100;
      store<u8>(out++, <u8>(48 + hundreds));
      size -= hundreds * 100;
    }
    const tens = size / 10;
    store<u8>(out, <u8>(48 + tens));
    store<u8>(out, <u8>(48 + size - tens * 10), 1);
    return out + 2;
  }
  if (exponent < 0) {
    store<u64>(out, 0x3030303030302e30);
    copyDigits(DIGITS, out + <usize>(1 - exponent));
    return out + <usize>(1 - exponent + count);
  }
  copyDigits(DIGITS, out);
  const point = <usize>(exponent + 1);
  store<u8>(out + point, 0x2e);
  if (count <= exponent + 1) {
    store<u8>(out + point, 0x30, 1);
    return out + point + 2;
  }
  copyDigits(DIGITS + point, out + point + 1);
  return out + <usize>count + 1;
}

/** What is known of the part below the digits that were kept. */
const BELOW: i32 = 0;
const TIE: i32 = 1;
const ABOVE: i32 = 2;
const UNSURE: i32 = 3;

/** The cut-off bits may be this much too small where the power of ten was rounded. */
const SLACK: u64 = 4;

/** How `rest + part / 2^64` of `whole` lies to its half. `exact` tells that nothing was lost below `part`. */
// @ts-ignore: decorator
@inline
function compareHalf(rest: u64, whole: u64, part: u64, exact: bool): i32 {
  const half = whole >> 1;
  if (rest > half) return ABOVE;
  if (rest < half) return !exact && rest + 1 === half && part >= 0 - SLACK ? UNSURE : BELOW;
  if (exact) return part === 0 ? TIE : ABOVE;
  return part <= SLACK ? UNSURE : ABOVE;
}

// @ts-ignore: decorator
@inline
function rounded(kept: u64, comparison: i32): u64 {
  return kept + u64(comparison === ABOVE || (comparison === TIE && (kept & 1) !== 0));
}

/** Prints a number that is finite and not 0, at `index` of the input. */
function printFinite<T>(value: f64, index: i32, start: usize): usize {
  const precision: i32 = sizeof<T>() === 4 ? 9 : 17;
  let out = start;
  const bits = reinterpret<u64>(value);
  if (<i64>bits < 0) store<u8>(out++, 0x2d);
  const size = reinterpret<f64>(bits & 0x7fffffffffffffff);

  // size = mantissa * 2^(binary - 63), the mantissa's highest bit set.
  let mantissa = bits << 11;
  let binary = <i32>((bits >> 52) & 0x7ff) - 1023;
  if (binary === -1023) {
    const shift = <i32>clz(mantissa);
    mantissa <<= shift;
    binary = -1022 - shift;
  } else mantissa |= 0x8000000000000000;

  // Just below log10(2^binary), so the decimal exponent or one less; then there is a digit more.
  let exponent = (binary * (binary < 0 ? 315653 : 315652)) >> 20;
  const power = precision - 1 - exponent;
  if (power > 308 || power < -342) return printNumber(index, i32(sizeof<T>() === 4), start);
  const entry = powerAt(power);
  let high = multiply(mantissa, load<u64>(entry));
  let low = productLow;
  const carried = multiply(mantissa, load<u64>(entry, 8));
  const lowest = productLow;
  low += carried;
  if (low < carried) high++;
  const exact = power >= 0 && power <= EXACT_POWER_LAST && lowest === 0;
  // The bits above the point.
  const wholeBits = binary + ((217706 * power) >> 16) + 2;
  let kept = high >> (64 - wholeBits);
  const part = (high << wholeBits) | (low >> (64 - wholeBits));
  const exactPart = exact && low << wholeBits === 0;

  const more = kept >= load<u64>(SMALL_POWERS + ((<usize>precision) << 3));
  if (more) exponent++;
  // Six digits, and whether they read back.
  const unit = load<u64>(SMALL_POWERS + ((<usize>(precision - 6 + i32(more))) << 3));
  const six = kept / unit;
  const sixHalf = compareHalf(kept - six * unit, unit, part, exactPart);
  if (sixHalf === UNSURE) return printNumber(index, i32(sizeof<T>() === 4), start);
  let digits = rounded(six, sixHalf);
  const scale = exponent - 5;
  let back: f64;
  if (scale >= 0 && scale <= 22) back = <f64>(<i64>digits) * exactPower(scale);
  else if (scale < 0 && scale >= -22) back = <f64>(<i64>digits) / exactPower(-scale);
  else {
    back = nearestDouble(digits, scale);
    if (back !== back) return printNumber(index, i32(sizeof<T>() === 4), start);
  }
  if (sizeof<T>() === 4) back = <f64>(<f32>back);
  if (back === size) {
    if (digits === 1000000) {
      digits = 100000;
      exponent++;
    }
    return layOut(digits, 6, exponent, out);
  }
  if (more) {
    const ten = kept / 10;
    const comparison = compareHalf(kept - ten * 10, 10, part, exactPart);
    if (comparison === UNSURE) return printNumber(index, i32(sizeof<T>() === 4), start);
    digits = rounded(ten, comparison);
  } else {
    const half: u64 = 0x8000000000000000;
    if (exactPart) digits = rounded(kept, part > half ? ABOVE : part === half ? TIE : BELOW);
    else {
      if (part <= half && part >= half - SLACK) return printNumber(index, i32(sizeof<T>() === 4), start);
      digits = rounded(kept, part > half ? ABOVE : BELOW);
    }
  }
  const limit = load<u64>(SMALL_POWERS + ((<usize>precision) << 3));
  if (digits === limit) {
    digits = limit / 10;
    exponent++;
  }
  return layOut(digits, precision, exponent, out);
}

// @ts-ignore: decorator
@inline
function copySeparator(from: usize, size: usize, out: usize): usize {
  v128.store(out, v128.load(from));
  if (size > 16) memory.copy(out + 16, from + 16, size - 16);
  return out + size;
}

/**
 * Prints `count` numbers of the input, after each but the last a separator: that of rows after every `rowLength`, the first of
 * which has `inRow` numbers already. Gives the end of the text.
 */
export function print<T>(count: i32, rowLength: i32, inRow: i32, elementSeparator: usize, rowSeparator: usize): usize {
  let out = OUTPUT;
  let column = inRow;
  let at = INPUT;
  for (let i = 0; i < count; i++) {
    if (i !== 0) {
      if (column === rowLength) {
        out = copySeparator(SEPARATORS + SEPARATOR_SIZE, rowSeparator, out);
        column = 0;
      } else out = copySeparator(SEPARATORS, elementSeparator, out);
    }
    const value = <f64>load<T>(at);
    at += sizeof<T>();
    column++;
    if (value - value !== 0) out = printSpecial(value, out);
    else if (value === 0) {
      if (<i64>reinterpret<u64>(value) < 0) store<u8>(out++, 0x2d);
      store<u32>(out, 0x302e30);
      out += 3;
    } else out = printFinite<T>(value, i, out);
  }
  return out;
}
