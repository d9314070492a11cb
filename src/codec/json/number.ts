// Number texts to doubles, correctly rounded. The long way through `Number(text)` costs about 0.2 us a number, so it is kept for
// texts of more than 22 digits, decimal exponents beyond 45 and results too close to a rounding boundary to be sure.

/** Above this a sum of decimal digits may have been rounded. */
export const EXACT_LIMIT = 2 ** 53;

/** Largest power of ten that {@link POWERS} and {@link POWERS_REST} hold: the last that is exactly a sum of two doubles. */
const LARGEST_POWER = 45;

/** Significant digits after which only "is there a digit other than 0" can matter to rounding (768 decides every double). */
const DECIDING_DIGITS = 800;

/** `10^k` rounded to a double; exact up to `10^22`. */
export const POWERS = new Float64Array(LARGEST_POWER + 1);

/** `10^k - POWERS[k]`, exact. */
const POWERS_REST = new Float64Array(LARGEST_POWER + 1);

for (let k = 0; k <= LARGEST_POWER; k++) {
  POWERS[k] = Number(10n ** BigInt(k));
  POWERS_REST[k] = Number(10n ** BigInt(k) - BigInt(POWERS[k]));
}

/** Why {@link scanNumber} refused a text. */
export const numberFault = { text: "", offset: 0 };

/** Whether the number that {@link scanNumber} saw last had neither fraction nor exponent and was no NaN or infinity. */
export const lastNumber = { integer: false };

function refuse(text: string, offset: number): -1 {
  numberFault.text = text;
  numberFault.offset = offset;
  return -1;
}

function isDigit(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at] - 48) >>> 0 <= 9;
}

/** Where `word` ends if it stands at `at`; else the bitwise complement of the first byte that differs. */
function matchWord(bytes: Uint8Array, at: number, end: number, word: string): number {
  for (let i = 0; i < word.length; i++) {
    if (at + i >= end || bytes[at + i] !== word.charCodeAt(i)) return ~(at + i);
  }
  return at + word.length;
}

function scanNamedNumber(bytes: Uint8Array, at: number, end: number): number {
  lastNumber.integer = false;
  let stop = matchWord(bytes, at, end, at < end && bytes[at] === 0x4e ? "NaN" : "Inf");
  if (stop >= 0 && bytes[at] === 0x49 && stop < end && bytes[stop] === 0x69) stop = matchWord(bytes, stop, end, "inity");
  return stop < 0 ? refuse("Invalid value.", ~stop) : stop;
}

/**
 * Where the number that starts at `start` ends (`NaN`, `Inf`, `Infinity` and their negatives are numbers), or -1 with the
 * reason in {@link numberFault}. Sets {@link lastNumber}. A number that rounds to infinity is refused.
 */
export function scanNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (at < end && bytes[at] === 0x2d) at++;
  if (!isDigit(bytes, at, end)) return scanNamedNumber(bytes, at, end);
  const digitsStart = at;
  if (bytes[at] === 0x30) at++;
  else
    do at++;
    while (isDigit(bytes, at, end));
  const integerEnd = at;
  let exponentAt = -1;
  let mayOverflow = at - digitsStart >= 308;
  lastNumber.integer = true;
  if (at < end && bytes[at] === 0x2e) {
    lastNumber.integer = false;
    if (!isDigit(bytes, ++at, end)) return refuse("Miss fraction part in number.", at);
    do at++;
    while (isDigit(bytes, at, end));
  }
  if (at < end && (bytes[at] | 0x20) === 0x65) {
    lastNumber.integer = false;
    exponentAt = ++at;
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++;
    const exponentStart = at;
    if (!isDigit(bytes, at, end)) return refuse("Miss exponent in number.", at);
    do at++;
    while (isDigit(bytes, at, end));
    mayOverflow ||= at - exponentStart >= 3 || at - digitsStart >= 200;
  }
  if (mayOverflow && overflows(bytes, start, digitsStart, integerEnd, exponentAt, at)) {
    return refuse("Number too big to be stored in double.", start);
  }
  return at;
}

/** Decimal digits before the point of the greatest double: numbers of more are too big, of fewer never. */
const GREATEST_DIGITS = 309;

/** Whether a number whose parts were scanned rounds to infinity; `exponentAt` is -1 where it has no exponent. */
function overflows(
  bytes: Uint8Array,
  start: number,
  digitsStart: number,
  integerEnd: number,
  exponentAt: number,
  end: number,
): boolean {
  let digits = integerEnd - digitsStart;
  if (bytes[digitsStart] === 0x30) {
    if (integerEnd >= end || bytes[integerEnd] !== 0x2e) return false;
    let at = integerEnd + 1;
    while (at < end && bytes[at] === 0x30) at++;
    if (!isDigit(bytes, at, end)) return false;
    digits = integerEnd + 1 - at;
  }
  if (exponentAt >= 0) digits += writtenExponent(bytes, exponentAt, end);
  return digits === GREATEST_DIGITS ? !Number.isFinite(numberValue(bytes, start, end)) : digits > GREATEST_DIGITS;
}

/** The double nearest to the number text `[start, end)`, ties to even. The text must have passed {@link scanNumber}. */
export function numberValue(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === 0x2d;
  if (negative) at++;
  if (bytes[at] === 0x4e) return Number.NaN;
  if (bytes[at] === 0x49) return negative ? -Infinity : Infinity;

  // The first 15 significant digits go to `mantissa`, the next 7 to `rest`.
  let mantissa = 0;
  let rest = 0;
  let digits = 0;
  let point = -1;
  for (; at < end; at++) {
    const digit = bytes[at] - 48;
    if (digit >>> 0 <= 9) {
      if (digits < 15) {
        mantissa = mantissa * 10 + digit;
        if (mantissa !== 0) digits++;
      } else {
        if (digits === 22) return longNumberValue(bytes, start, end);
        rest = rest * 10 + digit;
        digits++;
      }
    } else if (digit === -2) {
      point = at;
    } else break;
  }
  let exponent = point < 0 ? 0 : point + 1 - at;
  if (at < end) {
    const negativeExponent = bytes[++at] === 0x2d;
    if (negativeExponent || bytes[at] === 0x2b) at++;
    let written = 0;
    for (; at < end; at++) written = Math.min(written * 10 + bytes[at] - 48, 1e9);
    exponent += negativeExponent ? -written : written;
  }
  if (mantissa === 0) return negative ? -0 : 0;
  let value: number;
  if (digits <= 15 && exponent >= -22 && exponent <= 22) {
    value = exponent < 0 ? mantissa / POWERS[-exponent] : mantissa * POWERS[exponent];
  } else {
    value = scaledSum(mantissa, rest, digits > 15 ? digits - 15 : 0, exponent);
    if (value < 0) return longNumberValue(bytes, start, end);
  }
  return negative ? -value : value;
}

/**
 * `(mantissa * 10^restDigits + rest) * 10^exponent`, correctly rounded, or -1 where that is not certain.
 *
 * Sums of two doubles after T. J. Dekker, "A floating-point technique for extending the available precision" (1971): the
 * result is off by less than 2^-100 of itself, so it is certain unless a change of the small part by 2^-40 of itself shows.
 */
export function scaledSum(mantissa: number, rest: number, restDigits: number, exponent: number): number {
  if (exponent < -LARGEST_POWER || exponent > LARGEST_POWER) return -1;
  const scale = POWERS[restDigits];
  const high = mantissa * scale;
  const low = productError(mantissa, scale, high) + rest;
  const power = POWERS[exponent < 0 ? -exponent : exponent];
  const powerRest = POWERS_REST[exponent < 0 ? -exponent : exponent];
  let main: number;
  let small: number;
  if (exponent < 0) {
    main = high / power;
    const product = main * power;
    small = (high - product - productError(main, power, product) + low - main * powerRest) / power;
  } else {
    main = high * power;
    small = productError(high, power, main) + high * powerRest + low * power;
  }
  const slack = small * 2 ** -40;
  const value = main + (small + slack);
  return value === main + (small - slack) ? value : -1;
}

/** `a * b - product`, exactly, where `product` is the rounded `a * b`. */
export function productError(a: number, b: number, product: number): number {
  const aTop = a * 134217729;
  const aHigh = aTop - (aTop - a);
  const aLow = a - aHigh;
  const bTop = b * 134217729;
  const bHigh = bTop - (bTop - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}

/** The same through `Number`, which never sees more than about 800 digits whatever the length of the text. */
function longNumberValue(bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= DECIDING_DIGITS) return Number(latin1(bytes, start, end));
  const { digits, exponent } = decidingDigits(bytes, start, end);
  const size = Number(`${digits}e${exponent}`);
  return bytes[start] === 0x2d ? -size : size;
}

/** Digits of a number's size and what power of ten they count; beyond 800 they only tell whether anything follows. */
interface DecidingDigits {
  readonly digits: string;
  readonly exponent: number;
}

function decidingDigits(bytes: Uint8Array, start: number, end: number): DecidingDigits {
  const digits = new Uint8Array(DECIDING_DIGITS + 1);
  let count = 0;
  let exponent = 0;
  let pointSeen = false;
  let at = bytes[start] === 0x2d ? start + 1 : start;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (byte === 0x2e) {
      pointSeen = true;
      continue;
    }
    if ((byte - 48) >>> 0 > 9) break;
    if (count === 0 && byte === 0x30) {
      if (pointSeen) exponent--;
    } else if (count < DECIDING_DIGITS) {
      digits[count++] = byte;
      if (pointSeen) exponent--;
    } else {
      if (byte !== 0x30) digits[DECIDING_DIGITS] = 0x31;
      if (!pointSeen) exponent++;
    }
  }
  if (at < end) exponent += writtenExponent(bytes, at + 1, end);
  if (digits[DECIDING_DIGITS] !== 0) {
    count++;
    exponent--;
  }
  return count === 0 ? { digits: "0", exponent: 0 } : { digits: latin1(digits, 0, count), exponent };
}

/** Greatest float32. */
const LARGEST_FLOAT32 = 2 ** 128 - 2 ** 104;
/** From here on a number is nearer to what would follow the greatest float32. */
const OVERFLOW_FLOAT32 = 2 ** 128 - 2 ** 103;

/**
 * The float32 nearest to the number text `[start, end)`, ties to even, where `value` is the nearest double. To round that again
 * gives another only where it lies midway between two float32s and the text does not.
 */
export function nearestFloat32(bytes: Uint8Array, start: number, end: number, value: number): number {
  const near = Math.fround(value);
  if (near === value) return near;
  let other: number;
  if (near === Infinity || near === -Infinity) {
    if (Math.abs(value) !== OVERFLOW_FLOAT32) return near;
    other = Math.sign(value) * LARGEST_FLOAT32;
  } else {
    // The mirror image of one neighbour in the middle is the other.
    other = value + (value - near);
    if (Math.fround(other) !== other) return near;
  }
  const order = compareSize(bytes, start, end, Math.abs(value));
  if (order === 0) return near;
  return order > 0 === Math.abs(other) > Math.abs(near) ? other : near;
}

/** Below, at or above 0 as the size of the number text is below, at or above a finite `size`. */
function compareSize(bytes: Uint8Array, start: number, end: number, size: number): number {
  const { digits, exponent } = decidingDigits(bytes, start, end);
  let left = BigInt(digits);
  let binary = 0;
  while (!Number.isInteger(size)) {
    size *= 2;
    binary++;
  }
  let right = BigInt(size);
  left <<= BigInt(binary);
  if (exponent >= 0) left *= 10n ** BigInt(exponent);
  else right *= 10n ** BigInt(-exponent);
  return left < right ? -1 : left > right ? 1 : 0;
}

function writtenExponent(bytes: Uint8Array, start: number, end: number): number {
  const signed = bytes[start] === 0x2d || bytes[start] === 0x2b;
  let written = 0;
  for (let at = signed ? start + 1 : start; at < end; at++) written = Math.min(written * 10 + bytes[at] - 48, 1e15);
  return bytes[start] === 0x2d ? -written : written;
}
