// Digits of text, sixteen or eight at a time.
import { TO_THE_RIGHT } from "./tables";

/** The values of sixteen characters as digits; more than 9 for what is none. */
// @ts-ignore: decorator
@inline
export function digitsAt(at: usize): v128 {
  return v128.sub<u8>(v128.load(at), i8x16.splat(48));
}

/** All bits of a lane that holds a digit. */
// @ts-ignore: decorator
@inline
export function areDigits(digits: v128): v128 {
  return i8x16.eq(i8x16.min_u(digits, i8x16.splat(9)), digits);
}

/**
 * A bit for each lane that is no digit, and one after the last. The first lane counts as a digit, so that the length of a
 * number is known before its sign.
 */
// @ts-ignore: decorator
@inline
export function ends(digitLanes: v128): i32 {
  return (i8x16.bitmask(digitLanes) ^ 0x1ffff) & 0x1fffe;
}

/** The sixteen digits of the lanes as one number. */
// @ts-ignore: decorator
@inline
export function joined(digits: v128): u64 {
  const pairs = i16x8.add(
    i16x8.mul(v128.and(digits, i16x8.splat(0xff)), i16x8.splat(10)),
    i16x8.shr_u(digits, 8),
  );
  const fours = i32x4.dot_i16x8_s(pairs, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
  const narrow = i16x8.narrow_i32x4_s(fours, fours);
  const eights = i32x4.dot_i16x8_s(narrow, i16x8(10000, 1, 10000, 1, 10000, 1, 10000, 1));
  const both = <u64>i64x2.extract_lane(eights, 0);
  return (both & 0xffffffff) * 100000000 + (both >> 32);
}

/** The first `count` lanes moved to the last, zeros before them. */
// @ts-ignore: decorator
@inline
export function toTheRight(digits: v128, count: usize): v128 {
  return i8x16.swizzle(digits, v128.load(TO_THE_RIGHT + count));
}

/** How many of the eight bytes, each a digit's value if it is one, are digits before the first that is not. */
// @ts-ignore: decorator
@inline
export function leadingDigits(bytes: u64): i32 {
  const others = ((bytes + 0x7676767676767676) | bytes) & 0x8080808080808080;
  return <i32>(ctz(others) >> 3);
}

/** The first `count` (1 to 8) of eight digits as one number. */
// @ts-ignore: decorator
@inline
export function joinedEight(bytes: u64, count: i32): u64 {
  let digits = bytes << (64 - (count << 3));
  digits = (digits & 0x00ff00ff00ff00ff) * 10 + ((digits >> 8) & 0x00ff00ff00ff00ff);
  digits = (digits & 0x0000ffff0000ffff) * 100 + ((digits >> 16) & 0x0000ffff0000ffff);
  return (digits & 0xffffffff) * 10000 + (digits >> 32);
}
