import { expect, test } from "vitest";
import { averageTime, type Place, placeOf } from "./run-pace.ts";

test.each([
  [0, 0, "here"],
  [0.49, 63, "here"],
  [0.5, 0, "elsewhere"],
  [3.9, 63, "probe"],
  [4, 63, "elsewhere"],
  [Number.POSITIVE_INFINITY, 63, "elsewhere"],
] as const)("a run of %d ms, the %dth elsewhere, is done %s", (milliseconds, count, place) => {
  expect(placeOf(milliseconds, count)).toBe(place);
});

function average(start: number | undefined, times: readonly number[], place: Place = "here"): number | undefined {
  return times.reduce<number | undefined>((previous, time) => averageTime(previous, time, place, false), start);
}

test("a first run counts only when it is very long", () => {
  expect(averageTime(undefined, 3, "here", true)).toBeUndefined();
  expect(averageTime(undefined, 300, "here", true)).toBe(300);
});

test("one run that was held up does not make short runs long, but several slow ones do", () => {
  expect(average(0.01, [50])).toBeLessThan(0.5);
  expect(average(0.01, [50, 50, 50, 50])).toBeGreaterThan(0.5);
});

test("runs that became short are seen to be short", () => {
  expect(
    average(
      3,
      Array.from({ length: 10 }, () => 0.05),
      "elsewhere",
    ),
  ).toBeLessThan(0.5);
});

test("a probe replaces what runs elsewhere seemed to take", () => {
  expect(averageTime(3, 0.05, "probe", false)).toBe(0.05);
});
