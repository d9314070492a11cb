import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCorpus } from "./corpus.ts";
import { type FuzzReport, fuzz } from "./fuzzer.ts";
import type { FuzzTarget } from "./target.ts";
import { Watchdog } from "./watchdog.ts";

/** What the ordinary test run takes for each parser. */
const ORDINARY = { seed: 20_260_101, inputs: 20_000 } as const;

/** Fuzzes a parser as the ordinary test run does. Throws with the input and the command to repeat it when there is a fault. */
async function ordinaryRun(target: FuzzTarget, watchdog: Watchdog): Promise<FuzzReport> {
  const corpus = readCorpus(join(import.meta.dirname, "corpus"), target.name);
  const report = await fuzz(target, { ...ORDINARY, inputs: inputsOf(target), corpus, watchdog });
  for (const { input, fault } of report.crashes) {
    const text = input.toString("base64");
    throw new Error(
      `${target.name} failed with seed ${ORDINARY.seed} at input ${report.inputs}, in base64: ${text}\n` +
        `to repeat: node scripts/fuzz.mjs --target=${target.name} --input=${text}\n${fault}`,
    );
  }
  return report;
}

function inputsOf({ ordinaryInputs = ORDINARY.inputs }: FuzzTarget): number {
  return ordinaryInputs;
}

/** A test for each target, for the file that calls it. */
export function testTargets(targets: readonly FuzzTarget[]): void {
  let watchdog: Watchdog;
  beforeAll(() => {
    watchdog = new Watchdog();
  });
  afterAll(() => watchdog.close());

  test.each(targets.map((target) => [inputsOf(target).toLocaleString("en"), target.name, target] as const))(
    "%s mutated inputs of %s end in a reading or a refusal",
    async (_count, _name, target) => {
      const report = await ordinaryRun(target, watchdog);
      expect(report.inputs).toBe(inputsOf(target));
      // Fewer would mean that the mutants are not near enough to what is right.
      expect(report.accepted).toBeGreaterThan(inputsOf(target) / 400);
      expect(report.outcomes).toBeGreaterThan(5);
    },
  );
}
