import fc from "fast-check";
import { expect, test } from "vitest";
import { fromBfloat16Bits, fromFloat16Bits, toBfloat16Bits, toFloat16Bits } from "./half.ts";

const kinds = [
  { name: "float16", to: toFloat16Bits, from: fromFloat16Bits, infinity: 0x7c00 },
  { name: "bfloat16", to: toBfloat16Bits, from: fromBfloat16Bits, infinity: 0x7f80 },
];

test.each(kinds)("every $name reads back as itself", ({ to, from, infinity }) => {
  const wrong: number[] = [];
  for (let bits = 0; bits < 0x10000; bits++) {
    const right = (bits & 0x7fff) <= infinity ? to(from(bits)) === bits : Number.isNaN(from(bits));
    if (!right) wrong.push(bits);
  }
  expect(wrong).toEqual([]);
  expect(from(to(Number.NaN))).toBeNaN();
});

test.each(kinds)("any double goes to the nearest $name, ties to even", ({ to, from, infinity }) => {
  const finite = fc.tuple(fc.integer({ min: 0, max: infinity - 2 }), fc.constantFrom(0.25, 0.5, 0.5000001, 0.4999999, 0.75));
  fc.assert(
    fc.property(finite, ([bits, share]) => {
      const value = from(bits) + (from(bits + 1) - from(bits)) * share;
      const nearest = share < 0.5 || (share === 0.5 && bits % 2 === 0) ? bits : bits + 1;
      expect(to(value)).toBe(nearest);
      expect(to(-value)).toBe(nearest | 0x8000);
    }),
    { numRuns: 2000 },
  );
});

test("bfloat16 is the upper half of a float32", () => {
  expect(fromBfloat16Bits(0x3fc0)).toBe(1.5);
  expect(fromBfloat16Bits(0xc2f7)).toBe(new Float32Array(Uint32Array.of(0xc2f70000).buffer)[0]);
});

test.each([
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [-1e300, 0xfc00],
  [2 ** -25, 0],
  [2 ** -25 * 1.0001, 1],
  [-0, 0x8000],
])("float16 of %d", (value, bits) => {
  expect(toFloat16Bits(value)).toBe(bits);
});
