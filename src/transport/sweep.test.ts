import { expect, test } from "vitest";
import type { Clock } from "../base/clock.ts";
import { FakeClock } from "../base/fake-clock.ts";
import { Sweep } from "./sweep.ts";

test("looks at its entries once a second, as long as there are any", async () => {
  const clock = new FakeClock();
  const sweep = new Sweep(clock);
  const seen: number[] = [];
  const entry = { sweep: (now: number) => void seen.push(now) };
  const start = clock.now();
  sweep.add(entry);
  await clock.advance(3500);
  sweep.delete(entry);
  await clock.advance(5000);
  expect(seen.map((now) => now - start)).toEqual([1000, 2000, 3000]);
});

test("a thread that was held up does not close connections for the time that it did not read them", () => {
  let now = 0;
  let due: () => void = () => undefined;
  const clock: Clock = {
    now: () => now,
    after: (_ms, run) => {
      due = run;
      return { cancel: () => undefined };
    },
  };
  const seen: number[] = [];
  new Sweep(clock).add({ sweep: (at) => void seen.push(at) });
  for (const at of [1000, 9000, 17_000, 18_000, 19_999]) {
    now = at;
    due();
  }
  // Late at 9,000 and left out; late again at 17,000, but never twice in a row: a thread that is always late has limits, too.
  expect(seen).toEqual([1000, 17_000, 18_000, 19_999]);
});
