import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { RunDeadline } from "./run-deadline.ts";

function deadline(timeoutMs = 100) {
  const clock = new FakeClock();
  const caller = new AbortController();
  return { clock, caller, run: new RunDeadline(caller, timeoutMs, clock) };
}

describe("a run's deadline", () => {
  test("aborts when the time is up", async () => {
    const { clock, run } = deadline();
    const { signal } = run;
    await clock.advance(99);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toEqual(new ServingError("deadline-exceeded", "the model did not answer within 100 ms"));
  });

  test("aborts with the caller's reason when the caller leaves, before or after it is asked", () => {
    const reason = new ServingError("cancelled", "gone");
    const early = deadline();
    early.caller.abort(reason);
    expect(early.run.signal.reason).toBe(reason);
    const late = deadline();
    const { signal } = late.run;
    late.caller.abort(reason);
    expect(signal.reason).toBe(reason);
  });

  test("does nothing more once it has ended", async () => {
    const { clock, caller, run } = deadline();
    const { signal } = run;
    run.end();
    caller.abort();
    await clock.advance(1000);
    expect(signal.aborted).toBe(false);
  });

  test("counts from when it was made, whoever asks when", async () => {
    const { clock, run } = deadline();
    await clock.advance(30);
    expect(run.remainingMs).toBe(70);
    const { signal } = run;
    await clock.advance(69);
    expect([signal.aborted, run.remainingMs]).toEqual([false, 1]);
    await clock.advance(1);
    expect([signal.aborted, run.remainingMs]).toEqual([true, 0]);
    await clock.advance(1);
    expect(run.remainingMs).toBe(0);
  });

  test.each([
    ["its own time, when the caller has more", 100, 500, 100],
    ["the caller's time, when that is less", 100, 20, 20],
    ["its own time, when the caller has no limit", 100, undefined, 100],
    ["the caller's time, when it has no limit itself", 0, 20, 20],
    ["none, when neither has a limit", 0, undefined, undefined],
  ])("leaves %s", (_, timeoutMs, remainingMs, left) => {
    const caller = { signal: new AbortController().signal, remainingMs };
    expect(new RunDeadline(caller, timeoutMs, new FakeClock()).remainingMs).toBe(left);
  });

  test("of no time limits nothing", async () => {
    const { clock, run } = deadline(0);
    const { signal } = run;
    await clock.advance(1e9);
    expect(signal.aborted).toBe(false);
  });
});
