import fc from "fast-check";
import { expect, test } from "vitest";
import { fused } from "./fused.ts";

/** A number as a whole number of 2^-1074, which all are. */
function exact(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const size = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1);
  return value < 0 ? -size : size;
}

/** The number nearest to one of 2^-2148, the even one of two. */
function nearest(sum: bigint): number {
  const size = sum < 0n ? -sum : sum;
  const drop = Math.max(1074, size.toString(2).length - 53);
  const half = 1n << BigInt(drop - 1);
  const rest = size & ((1n << BigInt(drop)) - 1n);
  const kept = size >> BigInt(drop);
  const rounded = rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
  return (sum < 0n ? -1 : 1) * Number(rounded) * 2 ** (drop - 2148);
}

test("a product and a sum are rounded once", () => {
  const number = fc.oneof(
    fc.double({ min: -100, max: 100, noNaN: true }).filter((value) => value === 0 || Math.abs(value) > 1e-9),
    fc.integer({ min: -100, max: 100 }).map((value) => value / 10),
  );
  fc.assert(
    fc.property(number, number, number, (a, b, c) => {
      const wanted = nearest(exact(a) * exact(b) + (exact(c) << 1074n));
      expect(fused(a, b, c) + 0).toBe(wanted + 0);
    }),
    { numRuns: 2000 },
  );
});

test("what is lost by rounding twice is kept", () => {
  expect(fused(1 + 2 ** -30, 1 - 2 ** -30, -1)).toBe(-(2 ** -60));
  expect(fused(0.1, 10, -1)).toBe(2 ** -54);
});
