import { describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import { ServingError } from "../../base/serving-error.ts";
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

  test("of no time limits nothing", async () => {
    const { clock, run } = deadline(0);
    const { signal } = run;
    await clock.advance(1e9);
    expect(signal.aborted).toBe(false);
  });
});
