import { expect, test } from "vitest";
import { erf, normalCdf, normalQuantile } from "./normal-distribution.ts";

// By SciPy 1.15.
test.each([
  [-2.5, -0.999593047982555],
  [-0.3, -0.3286267594591274],
  [0.5, 0.5204998778130465],
  [1.9, 0.9927904292352575],
  [3.2, 0.9999939742388483],
])("erf(%f)", (x, value) => {
  expect(Math.abs(erf(x) - value)).toBeLessThan(1e-15);
});

test.each([
  [-8, 6.22096057427174e-16],
  [-1.96, 0.024997895148220435],
  [0, 0.5],
  [0.7, 0.758036347776927],
  [5, 0.9999997133484281],
])("the normal distribution below %f, and back", (x, p) => {
  expect(Math.abs(normalCdf(x) / p - 1)).toBeLessThan(1e-13);
  if (x < 5) expect(Math.abs(normalQuantile(p) - x)).toBeLessThan(1e-12);
});

test.each([
  [1e-12, -7.034483825301131],
  [0.001, -3.090232306167813],
  [0.3, -0.5244005127080409],
  [0.9999, 3.719016485455709],
])("the quantile of %f", (p, x) => {
  expect(Math.abs(normalQuantile(p) / x - 1)).toBeLessThan(1e-12);
});

test("quantiles end at infinity, and there are none beyond", () => {
  expect([0, 1, -0.1, 1.1].map(normalQuantile)).toEqual([
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    Number.NaN,
  ]);
});
