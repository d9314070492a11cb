// Arrays of numbers, from text to typed values. The text comes in windows; what is open between two of them is kept here.
import { exactPower, nearestDouble } from "./decimal";
import { areDigits, digitsAt, ends, joined, joinedEight, leadingDigits, toTheRight } from "./digits";
import { POINT_OUT, SMALL_POWERS } from "./tables";

/** What {@link scan} ended with. */
export const DONE: i32 = 0;
export const MORE: i32 = 1;
export const REFUSED: i32 = 2;

/** Most dimensions. */
const LARGEST_RANK: i32 = 16;

/** No number that is read here and not by the caller has more characters. */
const LONGEST: usize = 48;

const SIZES: usize = memory.data(4 * 32);
const COUNTS: usize = memory.data(4 * 32);

/**
 * Reads the number at `at`, which this module cannot decide, and gives its value, rounded to a float32 where `narrow` is 1.
 * Sets {@link numberEnd} first.
 */
// @ts-ignore: decorator
@external("caller", "readNumber")
declare function readNumber(at: usize, narrow: i32): f64;

/** Where the number that `readNumber` read ends, perhaps after the window; 0 where there is none. */
export let numberEnd: usize = 0;
/** Where the next window must begin, or the first byte after the array. */
export let position: usize = 0;
/** The first byte after the values written. */
export let written: usize = 0;
export let rank: i32 = -1;

let depth: i32 = 0;
/** Whether a value has just been read, so that a comma or bracket follows. */
let afterValue: bool = false;

export function setNumberEnd(end: usize): void {
  numberEnd = end;
}

/** How long the lists at `level` (from 1) are. */
export function sizeAt(level: i32): i32 {
  return load<i32>(SIZES + ((<usize>level) << 2));
}

/** Begins another array. */
export function begin(): void {
  rank = -1;
  depth = 0;
  afterValue = false;
}

// @ts-ignore: decorator
@inline
function isSpace(byte: u32): bool {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The bits of the double 2^-126: float32s below are subnormal. */
const LEAST_NORMAL: u64 = 0x3810000000000000;

/** Whether rounding a double to float32 may not give what rounding the text would: it is midway between two, or subnormal as one. */
// @ts-ignore: decorator
@inline
function mayRoundTwice(bits: u64): bool {
  return (bits & 0x1fffffff) === 0x10000000 || (bits < LEAST_NORMAL && bits !== 0);
}

/** Whether a small number is midway between two float32s: then its mirror image in the nearest is a float32 too. */
function isMidway(value: f64): bool {
  const near = <f64>(<f32>value);
  if (near === value) return false;
  const other = value + (value - near);
  return <f64>(<f32>other) === other;
}

/** Where the number that starts at `start` ends, or 0 where it is not of the type; its value is at `out`. */
// @ts-ignore: decorator
@inline
function floatAt<T>(start: usize, first: u32, out: usize): usize {
  const digits = digitsAt(start);
  const digitLanes = areDigits(digits);
  const others = ends(digitLanes);
  const whole = <usize>ctz(others);
  const negative = first === 0x2d;
  // The sign's lane becomes a zero before the digits.
  const clean = v128.and(digits, digitLanes);
  let end = whole;
  let value: u64 = 0;
  let power: i32 = 0;
  if ((negative ? whole === 1 : first - 48 > 9) || whole === 16) return general<T>(start, out);
  if (load<u8>(start + usize(negative)) === 48 && whole - usize(negative) > 1) return 0;
  if (load<u8>(start + whole) === 0x2e) {
    end = <usize>ctz(others & (others - 1));
    // Where the point is the last of the sixteen, its digits were not seen.
    if (end === whole + 1) return end === 16 ? general<T>(start, out) : 0;
    const together = i8x16.swizzle(clean, v128.load(POINT_OUT + (whole << 4)));
    value = joined(toTheRight(together, end - 1));
    power = <i32>(whole + 1 - end);
    if (end === 16) {
      // Up to seven more digits.
      const next = load<u64>(start, 16) ^ 0x3030303030303030;
      const more = leadingDigits(next);
      if (more !== 0) {
        if (more === 8) return general<T>(start, out);
        const scale = load<u64>(SMALL_POWERS + ((<usize>more) << 3));
        if (value >= load<u64>(SMALL_POWERS + ((<usize>(19 - more)) << 3))) return general<T>(start, out);
        value = value * scale + joinedEight(next, more);
        power -= more;
        end += <usize>more;
      }
    }
  } else value = joined(toTheRight(clean, whole));
  end += start;
  if ((load<u8>(end) | 0x20) === 0x65) {
    end++;
    let byte = <u32>load<u8>(end);
    const down = byte === 0x2d;
    if (down || byte === 0x2b) byte = load<u8>(++end);
    let exponent = <i32>byte - 48;
    if (<u32>exponent > 9) return 0;
    let digit = <u32>load<u8>(++end) - 48;
    if (digit <= 9) {
      exponent = exponent * 10 + <i32>digit;
      digit = <u32>load<u8>(++end) - 48;
      if (digit <= 9) {
        exponent = exponent * 10 + <i32>digit;
        if (<u32>load<u8>(++end) - 48 <= 9) return general<T>(start, out);
      }
    }
    power += down ? -exponent : exponent;
  }
  let result: f64;
  if (<u32>(power + 22) <= 22 && value <= 0x20000000000000) result = <f64>(<i64>value) / exactPower(-power);
  else if (<u32>power <= 22 && value <= 0x20000000000000) result = <f64>(<i64>value) * exactPower(power);
  else {
    result = nearestDouble(value, power);
    if (result !== result) return general<T>(start, out);
  }
  const bits = reinterpret<u64>(result);
  if (sizeof<T>() === 4) {
    if (mayRoundTwice(bits) && (bits >= LEAST_NORMAL || isMidway(result))) return general<T>(start, out);
    store<u32>(out, reinterpret<u32>(<f32>result) | (<u32>negative << 31));
  } else store<u64>(out, bits | (<u64>negative << 63));
  return end;
}

function general<T>(start: usize, out: usize): usize {
  const value = readNumber(start, i32(sizeof<T>() === 4));
  if (numberEnd !== 0) store<T>(out, <T>value);
  return numberEnd;
}

/** The same for an integer; nothing is rounded. */
// @ts-ignore: decorator
@inline
function integerAt<T>(start: usize, first: u32, out: usize): usize {
  const digits = digitsAt(start);
  const digitLanes = areDigits(digits);
  const whole = <usize>ctz(ends(digitLanes));
  const negative = first === 0x2d;
  if (negative ? whole === 1 : first - 48 > 9) return 0;
  if (load<u8>(start + usize(negative)) === 48 && whole - usize(negative) > 1) return 0;
  let value = joined(toTheRight(v128.and(digits, digitLanes), whole));
  let end = start + whole;
  if (whole === 16) {
    const next = load<u64>(start, 16) ^ 0x3030303030303030;
    const more = leadingDigits(next);
    if (more > 4) return 0;
    if (more !== 0) {
      const last = joinedEight(next, more);
      if (more === 4 && (value > 1844674407370955 || (value === 1844674407370955 && last > 1615))) return 0;
      value = value * load<u64>(SMALL_POWERS + ((<usize>more) << 3)) + last;
      end += <usize>more;
    }
  }
  const next = <u32>load<u8>(end);
  if (next === 0x2e || (next | 0x20) === 0x65) return 0;
  const bits: u64 = sizeof<T>() << 3;
  if (isSigned<T>()) {
    if (value > (u64.MAX_VALUE >> (65 - bits)) + <u64>negative) return 0;
  } else if (value > u64.MAX_VALUE >> (64 - bits) || (negative && value !== 0)) return 0;
  store<T>(out, <T>(negative ? 0 - value : value));
  return end;
}

// @ts-ignore: decorator
@inline
function numberAt<T>(start: usize, first: u32, out: usize): usize {
  if (isFloat<T>()) return floatAt<T>(start, first, out);
  return integerAt<T>(start, first, out);
}

function more(at: usize, out: usize, after: bool): i32 {
  position = at;
  written = out;
  afterValue = after;
  return MORE;
}

/**
 * Goes on with the array at `at`; values go to `out`. The window ends at `end` with zeros after it; `last` tells that the text
 * ends there too. Gives MORE with where to go on in `position`, DONE with the end of the array there, or REFUSED for
 * anything but a rectangular array of numbers of the type. No more than one value for two bytes and one more is written.
 */
export function scan<T>(at: usize, end: usize, last: bool, out: usize): i32 {
  const soft = last ? end : end - LONGEST;
  let depthNow = depth;
  let rankNow = rank;
  let after = afterValue;
  while (true) {
    if (!after) {
      if (at >= soft) {
        depth = depthNow;
        rank = rankNow;
        return more(at, out, false);
      }
      let byte = <u32>load<u8>(at);
      if (byte <= 0x20) {
        if (!isSpace(byte)) return REFUSED;
        at++;
        continue;
      }
      if (byte === 0x5b) {
        if (depthNow === LARGEST_RANK || depthNow === rankNow) return REFUSED;
        depthNow++;
        store<i32>(COUNTS + ((<usize>depthNow) << 2), 0);
        if (rankNow < 0) store<i32>(SIZES + ((<usize>depthNow) << 2), -1);
        at++;
        continue;
      }
      if (rankNow < 0) rankNow = depthNow;
      else if (depthNow !== rankNow) return REFUSED;
      const rowStart = out;
      // Numbers, until one is not followed by a comma or the window ends.
      while (true) {
        at = numberAt<T>(at, byte, out);
        if (at === 0) return REFUSED;
        out += sizeof<T>();
        after = true;
        if (at >= end) break;
        if (load<u8>(at) !== 0x2c) break;
        after = false;
        at++;
        if (load<u8>(at) === 0x20) at++;
        if (at >= soft) break;
        byte = load<u8>(at);
        if (byte <= 0x20) break;
      }
      const counts = COUNTS + ((<usize>depthNow) << 2);
      store<i32>(counts, load<i32>(counts) + <i32>((out - rowStart) / sizeof<T>()));
      if (!after) continue;
    }
    if (at >= end) {
      depth = depthNow;
      rank = rankNow;
      return more(at, out, true);
    }
    const byte = <u32>load<u8>(at);
    if (byte <= 0x20) {
      if (!isSpace(byte)) return REFUSED;
      at++;
      continue;
    }
    if (byte === 0x2c) {
      at++;
      after = false;
      continue;
    }
    if (byte !== 0x5d) return REFUSED;
    const size = SIZES + ((<usize>depthNow) << 2);
    const count = load<i32>(COUNTS + ((<usize>depthNow) << 2));
    if (load<i32>(size) < 0) store<i32>(size, count);
    else if (load<i32>(size) !== count) return REFUSED;
    at++;
    depthNow--;
    if (depthNow === 0) {
      depth = 0;
      rank = rankNow;
      position = at;
      written = out;
      return DONE;
    }
    const outer = COUNTS + ((<usize>depthNow) << 2);
    store<i32>(outer, load<i32>(outer) + 1);
    after = true;
  }
}
