// TensorFlow Serving's number text: C's %g with six digits; where that does not read back as the same number, with as many as
// the type needs. Doubles give the digits where their products are exact or far enough from a tie; the rest goes through
// toExponential, which costs about ten times as much.
import { JsonWriter } from "./json-writer.ts";
import { POWERS, productError } from "./number.ts";

/** Longest text of a number: `-d.dddddddddddddddde-ddd`. */
const LONGEST = 32;
/** Nearer than this to a tie, a product that was rounded does not tell the digit. */
const TIE_MARGIN = 2 ** -18;
/** A float32 times `10^k` is exact up to this k: 24 + log2(5^12) bits are below 53. */
const EXACT_FLOAT32_POWER = 12;
/** Digits enough to show every exact tie as such. */
const TIE_DIGITS = 40;

const digits = new Uint8Array(20);
const real = new Float64Array(1);
const words = new Int32Array(real.buffer);
const HIGH_WORD = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** Writes a float32 value: six significant digits, or nine where six do not read back as the same float32. */
export function writeFloat32(writer: JsonWriter, value: number): void {
  writeNumber(writer, value, 9);
}

/** Writes a float64 value: six significant digits, or seventeen where six do not read back as the same double. */
export function writeFloat64(writer: JsonWriter, value: number): void {
  writeNumber(writer, value, 17);
}

/** Writes a float16 or bfloat16 value: six significant digits, which always read back as the same value of the type. */
export function writeHalf(writer: JsonWriter, value: number): void {
  writeNumber(writer, value, 6);
}

/** The text of a number: six significant digits, or `precision` where six do not read back as the same number. */
export function floatText(value: number, precision: 9 | 17): Uint8Array {
  const writer = new JsonWriter(new Uint8Array(LONGEST));
  writeNumber(writer, value, precision);
  return writer.bytes.subarray(0, writer.length);
}

/** What {@link writeQuickly} did; nothing is written unless "written". */
type Outcome = "written" | "six digits do not do" | "unsure";

function writeNumber(writer: JsonWriter, value: number, precision: 6 | 9 | 17): void {
  if (!Number.isFinite(value)) {
    writer.ascii(Number.isNaN(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
    return;
  }
  writer.reserve(LONGEST);
  if (value < 0 || (value === 0 && 1 / value < 0)) {
    writer.bytes[writer.length++] = 0x2d;
    value = -value;
  }
  if (value < 1e6 && value === (value | 0)) {
    writer.integer(value);
    writer.bytes[writer.length++] = 0x2e;
    writer.bytes[writer.length++] = 0x30;
    return;
  }
  const exponent = decimalExponent(value);
  let outcome: Outcome = "unsure";
  if (exponent >= -16 && exponent <= 21) outcome = writeQuickly(writer, value, exponent, precision);
  if (outcome !== "written") writeSlowly(writer, value, precision, outcome);
}

/** The largest e with `10^e <= value`; below -22 and above 21 perhaps one less. */
function decimalExponent(value: number): number {
  real[0] = value;
  const binary = ((words[HIGH_WORD] >>> 20) & 0x7ff) - 1023;
  // 1233 / 4096 is log10(2) to five digits, so this is right or one too small.
  const guess = (binary * 1233) >> 12;
  const next = guess + 1;
  if (next < -22 || next > 22) return guess;
  return (next < 0 ? value * POWERS[-next] >= 1 : value >= POWERS[next]) ? next : guess;
}

function scaled(value: number, power: number): number {
  return power < 0 ? value / POWERS[-power] : value * POWERS[power];
}

/** A number below 2^31 rounded to a whole one, ties to even; -1 where it is too near a tie to tell and not `exact`. */
function roundEven(value: number, exact: boolean): number {
  const whole = Math.floor(value);
  const part = value - whole - 0.5;
  if (!exact && part < TIE_MARGIN && part > -TIE_MARGIN) return -1;
  if (part > 0 || (part === 0 && whole % 2 === 1)) return whole + 1;
  return whole;
}

function writeQuickly(writer: JsonWriter, value: number, exponent: number, precision: 6 | 9 | 17): Outcome {
  const narrow = precision === 9;
  const power = 5 - exponent;
  const rounded = roundEven(scaled(value, power), narrow && power >= 0 && power <= EXACT_FLOAT32_POWER);
  if (rounded < 0) return "unsure";
  if (precision !== 6) {
    const back = scaled(rounded, -power);
    if ((narrow ? Math.fround(back) : back) !== value) {
      if (!narrow) return writeSeventeen(writer, value, exponent) ? "written" : "six digits do not do";
      const nine = roundEven(scaled(value, power + 3), power + 3 >= 0 && power + 3 <= EXACT_FLOAT32_POWER);
      if (nine < 0) return "six digits do not do";
      writeInteger(writer, nine, 9, exponent);
      return "written";
    }
  }
  writeInteger(writer, rounded, 6, exponent);
  return "written";
}

/** Writes seventeen digits where an exact product tells them; else false, and nothing is written. */
function writeSeventeen(writer: JsonWriter, value: number, exponent: number): boolean {
  const power = 16 - exponent;
  if (power < 0 || power > 22) return false;
  // The product is `product + error` exactly; its first nine digits are `high`, the last eight `low`.
  const product = value * POWERS[power];
  let high = Math.floor(product / 1e8);
  let rest = product - high * 1e8 + productError(value, POWERS[power], product);
  if (rest < 0) {
    high--;
    rest += 1e8;
  }
  let low = roundEven(rest, false);
  if (low < 0) return false;
  if (low >= 1e8) {
    high++;
    low -= 1e8;
  }
  if (high < 1e8 || high >= 1e9 || low >= 1e8) return false;
  writeDigits(high, 0, 9);
  writeDigits(low, 9, 17);
  layOut(writer, 17, exponent);
  return true;
}

function writeDigits(value: number, start: number, end: number): void {
  let rest = value | 0;
  for (let i = end - 1; i >= start; i--) {
    const tens = (rest / 10) | 0;
    digits[i] = 48 + rest - tens * 10;
    rest = tens;
  }
}

/** Lays out a number of `precision` digits, or one more where rounding carried or the exponent was one too small. */
function writeInteger(writer: JsonWriter, value: number, precision: 6 | 9, exponent: number): void {
  if (value >= POWERS[precision]) {
    value = value / 10;
    exponent++;
  }
  writeDigits(value, 0, precision);
  layOut(writer, precision, exponent);
}

function writeSlowly(writer: JsonWriter, value: number, precision: 6 | 9 | 17, known: Outcome): void {
  let used: 6 | 9 | 17 = precision;
  let text = "";
  if (known !== "six digits do not do") {
    text = roundedText(value, 6);
    const back = precision === 9 ? Math.fround(Number(text)) : Number(text);
    if (precision === 6 || back === value) used = 6;
  }
  if (used !== 6) text = roundedText(value, used);
  const mark = text.indexOf("e");
  digits[0] = text.charCodeAt(0);
  for (let i = 1; i < used; i++) digits[i] = text.charCodeAt(i + 1);
  layOut(writer, used, Number(text.slice(mark + 1)));
}

/** `toExponential`, but exact ties go to the even digit as in C, not up. */
function roundedText(value: number, precision: number): string {
  const text = value.toExponential(precision - 1);
  // A tie after 17 digits or fewer has at most 25 bits after the point.
  if (!Number.isInteger(value * 2 ** 26)) return text;
  const longer = value.toExponential(precision + TIE_DIGITS);
  if (longer[precision + 1] !== "5" || !/^0*e/.test(longer.slice(precision + 2))) return text;
  const last = longer.charCodeAt(precision);
  return last % 2 === 1 ? text : longer.slice(0, precision + 1) + longer.slice(longer.indexOf("e"));
}

/** Writes `digits[0, precision)` as C's %g does, then `.0` where the text would look like a whole number. */
function layOut(writer: JsonWriter, precision: number, exponent: number): void {
  const { bytes } = writer;
  let at = writer.length;
  let count = precision;
  while (count > 1 && digits[count - 1] === 48) count--;
  if (exponent < -4 || exponent >= precision) {
    bytes[at++] = digits[0];
    if (count > 1) {
      bytes[at++] = 0x2e;
      for (let i = 1; i < count; i++) bytes[at++] = digits[i];
    }
    bytes[at++] = 0x65;
    bytes[at++] = exponent < 0 ? 0x2d : 0x2b;
    const size = exponent < 0 ? -exponent : exponent;
    if (size >= 100) bytes[at++] = 48 + ((size / 100) | 0);
    bytes[at++] = 48 + (((size / 10) | 0) % 10);
    bytes[at++] = 48 + (size % 10);
  } else if (exponent < 0) {
    bytes[at++] = 48;
    bytes[at++] = 0x2e;
    for (let i = exponent + 1; i < 0; i++) bytes[at++] = 48;
    for (let i = 0; i < count; i++) bytes[at++] = digits[i];
  } else {
    for (let i = 0; i <= exponent; i++) bytes[at++] = i < count ? digits[i] : 48;
    bytes[at++] = 0x2e;
    if (count <= exponent + 1) bytes[at++] = 48;
    for (let i = exponent + 1; i < count; i++) bytes[at++] = digits[i];
  }
  writer.length = at;
}
