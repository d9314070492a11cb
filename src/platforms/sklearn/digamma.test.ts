import { expect, test } from "vitest";
import { digamma } from "./digamma.ts";

const EULER_GAMMA = 0.577_215_664_901_532_9;

test.each([
  [1, -EULER_GAMMA],
  [0.5, -EULER_GAMMA - 2 * Math.LN2],
  [2, 1 - EULER_GAMMA],
  [10, 2.251_752_589_066_721],
  [0.01, -100.560_885_457_868_68],
  [1000, 6.907_255_195_648_812],
])("the digamma of %d", (value, wanted) => {
  expect(Math.abs(digamma(value) - wanted)).toBeLessThan(1e-13 * Math.max(1, Math.abs(wanted)));
});

test("each number's is its predecessor's and a reciprocal", () => {
  for (const value of [0.3, 1.7, 9.9, 10.1, 55.5]) expect(digamma(value + 1)).toBeCloseTo(digamma(value) + 1 / value, 12);
});
