import { expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { FakeClock } from "../base/fake-clock.ts";
import { atIntervals, whileMeasuring } from "./progress.ts";

test("a measure is reported four times a second while there is work, and never goes back", async () => {
  const clock = new FakeClock();
  const sizes = [1, 5, 3, 7];
  const reported: number[] = [];
  const work = deferred<string>();
  const result = whileMeasuring(
    clock,
    async () => sizes.shift() ?? 0,
    (bytes) => void reported.push(bytes),
    work.promise,
  );
  await clock.advance(750);
  expect(reported).toEqual([1, 5, 5, 7]);
  work.resolve("done");
  expect(await result).toBe("done");
  await clock.advance(1000);
  expect(reported).toHaveLength(4);
});

test("a measure that comes after the end is not reported", async () => {
  const clock = new FakeClock();
  const measure = deferred<number>();
  const reported: number[] = [];
  const work = deferred<void>();
  const result = whileMeasuring(
    clock,
    () => measure.promise,
    (bytes) => void reported.push(bytes),
    work.promise,
  );
  await clock.advance(0);
  work.reject(new Error("failed"));
  await expect(result).rejects.toThrow("failed");
  measure.resolve(1);
  await clock.advance(1000);
  expect(reported).toEqual([]);
});

test("of many calls one in a quarter of a second is let through", async () => {
  const clock = new FakeClock();
  let calls = 0;
  const limited = atIntervals(clock, () => {
    calls++;
  });
  for (let at = 0; at < 1000; at += 50) {
    limited();
    await clock.advance(50);
  }
  expect(calls).toBe(4);
});
