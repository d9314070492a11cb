import { join } from "node:path";
import { readCorpus } from "./corpus.ts";
import { type FuzzReport, fuzz } from "./fuzzer.ts";
import type { FuzzTarget } from "./target.ts";
import type { Watchdog } from "./watchdog.ts";

/** What the ordinary test run takes for each parser. */
export const ORDINARY = { seed: 20_260_101, inputs: 20_000 } as const;

/** Fuzzes a parser as the ordinary test run does. Throws with the input and the command to repeat it when there is a fault. */
export async function ordinaryRun(target: FuzzTarget, watchdog: Watchdog): Promise<FuzzReport> {
  const corpus = readCorpus(join(import.meta.dirname, "corpus"), target.name);
  const report = await fuzz(target, { ...ORDINARY, corpus, watchdog });
  for (const { input, fault } of report.crashes) {
    const text = input.toString("base64");
    throw new Error(
      `${target.name} failed with seed ${ORDINARY.seed} at input ${report.inputs}, in base64: ${text}\n` +
        `to repeat: node scripts/fuzz.mjs --target=${target.name} --input=${text}\n${fault}`,
    );
  }
  return report;
}
