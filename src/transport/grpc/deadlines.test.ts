import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "../../base/clock.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { Deadlines, deadlinesOf } from "./deadlines.ts";

/** A clock that counts the timers it was asked for. */
function countingClock(): { clock: Clock; fake: FakeClock; delays: number[] } {
  const fake = new FakeClock();
  const delays: number[] = [];
  const clock = {
    now: () => fake.now(),
    after(delayMs: number, action: () => void) {
      delays.push(delayMs);
      return fake.after(delayMs, action);
    },
  };
  return { clock, fake, delays };
}

test("every call expires at its own deadline, unless it was taken out", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.boolean()), { maxLength: 12 }), async (plan) => {
      const clock = new FakeClock();
      const deadlines = new Deadlines(clock);
      const expired: string[] = [];
      const calls = plan.map(([deadline], index) => ({
        deadline,
        expire: () => void expired.push(`${index} at ${clock.now()}`),
      }));
      for (const call of calls) deadlines.add(call);
      for (const [index, [, taken]] of plan.entries()) if (taken) deadlines.delete(calls[index]!);
      await clock.advance(50);
      const expected = plan.flatMap(([deadline, taken], index) => (taken ? [] : [`${index} at ${deadline}`]));
      expect(expired.sort()).toEqual(expected.sort());
    }),
    { numRuns: 40 },
  );
});

test("calls that end in time share one timer", async () => {
  const { clock, fake, delays } = countingClock();
  const deadlines = new Deadlines(clock);
  for (let index = 0; index < 1000; index++) {
    const call = { deadline: 5000 + index, expire: () => expect.unreachable() };
    deadlines.add(call);
    deadlines.delete(call);
  }
  expect(delays).toEqual([5000]);
  await fake.advance(10_000);
  expect(delays).toEqual([5000]);
});

test("an earlier deadline moves the timer, a far one does not overflow it", async () => {
  const { clock, fake, delays } = countingClock();
  const deadlines = new Deadlines(clock);
  const expired: number[] = [];
  const call = (deadline: number) => ({ deadline, expire: () => void expired.push(deadline) });
  deadlines.add(call(3.6e14));
  deadlines.add(call(100));
  await fake.advance(99);
  expect(expired).toEqual([]);
  await fake.advance(1);
  expect(expired).toEqual([100]);
  expect(delays).toEqual([0x7fffffff, 100, 0x7fffffff]);
});

test("a call added while others expire is watched too", async () => {
  const clock = new FakeClock();
  const deadlines = deadlinesOf(clock);
  expect(deadlinesOf(clock)).toBe(deadlines);
  const expired: string[] = [];
  deadlines.add({
    deadline: 10,
    expire() {
      expired.push("first");
      deadlines.add({ deadline: 25, expire: () => void expired.push("second") });
    },
  });
  await clock.advance(24);
  expect(expired).toEqual(["first"]);
  await clock.advance(1);
  expect(expired).toEqual(["first", "second"]);
});
