import { afterAll, beforeAll, expect, test } from "vitest";
import { CODEC_TARGETS } from "./codec-targets.ts";
import { ORDINARY, ordinaryRun } from "./ordinary-run.ts";
import { Watchdog } from "./watchdog.ts";

let watchdog: Watchdog;
beforeAll(() => {
  watchdog = new Watchdog();
});
afterAll(() => watchdog.close());

test.each(CODEC_TARGETS.map((target) => [target.name, target] as const))(
  "20,000 mutated inputs of %s end in a reading or a refusal",
  async (_, target) => {
    const report = await ordinaryRun(target, watchdog);
    expect(report.inputs).toBe(ORDINARY.inputs);
    // Fewer would mean that the mutants are not near enough to what is right.
    expect(report.accepted).toBeGreaterThan(50);
    expect(report.outcomes).toBeGreaterThan(5);
  },
);
