import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.spyOn(performance, "now").mockImplementation(() => Date.now());
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("a timer of more days than Node's have room for does not fire at once, but when it is due", () => {
  const fired: string[] = [];
  systemClock.after(60 * DAY_MS, () => fired.push("late"));
  const cancelled = systemClock.after(60 * DAY_MS, () => fired.push("cancelled"));
  systemClock.after(DAY_MS, () => fired.push("soon"));
  vi.advanceTimersByTime(59 * DAY_MS);
  expect(fired).toEqual(["soon"]);
  cancelled.cancel();
  vi.advanceTimersByTime(DAY_MS + 1);
  expect(fired).toEqual(["soon", "late"]);
  expect(vi.getTimerCount()).toBe(0);
});
