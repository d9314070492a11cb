import { describe, expect, test } from "vitest";
import { drawVersion, sharesOf } from "./traffic-split.ts";

describe("shares", () => {
  test("are those of the labels that have a version", () => {
    const split = new Map([
      ["stable", 9],
      ["canary", 1],
      ["unknown", 5],
    ]);
    const labels = new Map([
      ["stable", 1n],
      ["canary", 2n],
      ["idle", 3n],
    ]);
    expect(sharesOf(split, labels)).toEqual([
      { version: 1n, weight: 9 },
      { version: 2n, weight: 1 },
    ]);
    expect(sharesOf(split, undefined)).toEqual([]);
  });
});

test("weights whose sum is beyond all numbers share as others do", () => {
  const split = new Map([
    ["a", Number.MAX_VALUE],
    ["b", Number.MAX_VALUE],
  ]);
  const labels = new Map([
    ["a", 1n],
    ["b", 2n],
  ]);
  expect([0, 0.4, 0.6].map((random) => drawVersion(sharesOf(split, labels), random))).toEqual([1n, 1n, 2n]);
});

describe("a draw", () => {
  const shares = [
    { version: 1n, weight: 6 },
    { version: 2n, weight: 3 },
    { version: 3n, weight: 1 },
  ];

  test.each([
    [0, 1n],
    [0.599, 1n],
    [0.601, 2n],
    [0.899, 2n],
    [0.901, 3n],
    [1 - Number.EPSILON / 2, 3n],
  ])("of %d falls on version %d", (random, version) => expect(drawVersion(shares, random)).toBe(version));

  test("falls on the last one when rounding leaves a rest", () => {
    expect(drawVersion(shares, 1)).toBe(3n);
  });

  test("without shares is none", () => expect(drawVersion([], 0.5)).toBeUndefined());

  test("gives each version its share over many requests", () => {
    const counts = new Map<bigint | undefined, number>();
    for (let i = 0; i < 10_000; i++) {
      const version = drawVersion(shares, i / 10_000);
      counts.set(version, (counts.get(version) ?? 0) + 1);
    }
    expect(counts.get(1n)).toBeCloseTo(6000, -1);
    expect(counts.get(2n)).toBeCloseTo(3000, -1);
    expect(counts.get(3n)).toBeCloseTo(1000, -1);
  });
});
