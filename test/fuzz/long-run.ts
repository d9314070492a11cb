import { parseArgs } from "node:util";
import { CODEC_TARGETS } from "./codec-targets.ts";
import { keepCrash, readCorpus } from "./corpus.ts";
import { Coverage } from "./coverage.ts";
import { type FuzzReport, fuzz } from "./fuzzer.ts";
import type { FuzzTarget } from "./target.ts";
import { TRANSPORT_TARGETS } from "./transport-targets.ts";
import { Watchdog } from "./watchdog.ts";

const USAGE = `node scripts/fuzz.mjs [--target=NAME]... [--inputs=1000000] [--seed=N] [--minutes=M]
node scripts/fuzz.mjs --target=NAME --input=BASE64

  --target   one of the parsers below, may be given again; all by default
  --inputs   mutated inputs for each parser, 1000000 by default
  --minutes  most minutes in all; what is left of them is shared by the parsers that are left
  --seed     of the first parser; by default the time
  --input    run this one input, with the error where there is one

`;

const ALL = [...TRANSPORT_TARGETS, ...CODEC_TARGETS];
const MOST_CRASHES = 10;
const PROGRESS_MS = 5000;

/** Takes what is shown. */
export type Output = (text: string) => void;

interface Options {
  readonly targets: readonly FuzzTarget[];
  readonly inputs: number;
  readonly seed: number;
  readonly minutes: number;
  readonly input: Buffer | undefined;
  readonly corpus: string;
}

/**
 * Fuzzes for long, guided by coverage, and keeps what it finds in the corpus.
 *
 * @param args as of `scripts/fuzz.mjs`, and `--corpus`, the folder with a folder for each parser.
 * @returns the exit code: 0 when nothing was found, 1 for crashes, 2 for arguments that mean nothing.
 */
export async function longRun(args: readonly string[], output: Output): Promise<number> {
  const options = optionsOf(args);
  if (typeof options === "string") {
    output(`${options}\n${USAGE}parsers: ${ALL.map(({ name }) => name).join(", ")}\n`);
    return 2;
  }
  if (options.input !== undefined) return runOne(options.targets[0]!, options.input, output);
  const end = performance.now() + options.minutes * 60_000;
  const watchdog = new Watchdog();
  let crashes = 0;
  try {
    for (const [index, target] of options.targets.entries()) {
      const left = (end - performance.now()) / (options.targets.length - index);
      crashes += await runTarget(target, options, watchdog, performance.now() + left, output);
    }
  } finally {
    await watchdog.close();
  }
  output(crashes === 0 ? "no crash\n" : `${crashes} crashes\n`);
  return crashes === 0 ? 0 : 1;
}

function optionsOf(args: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        target: { type: "string", multiple: true },
        inputs: { type: "string", default: "1000000" },
        minutes: { type: "string", default: "Infinity" },
        seed: { type: "string", default: String(Date.now()) },
        input: { type: "string" },
        corpus: { type: "string" },
      },
    });
    const { target: names, corpus } = values;
    const unknown = names?.find((name) => ALL.every((target) => target.name !== name));
    if (unknown !== undefined) return `there is no parser "${unknown}"`;
    if (corpus === undefined) return "--corpus is missing";
    if (values.input !== undefined && names?.length !== 1) return "--input needs one --target";
    const numbers = [values.inputs, values.minutes, values.seed].map(Number);
    if (numbers.some((number) => !(number >= 0))) return "--inputs, --minutes and --seed are numbers";
    return {
      targets: names === undefined ? ALL : ALL.filter(({ name }) => names.includes(name)),
      inputs: numbers[0]!,
      minutes: numbers[1]!,
      seed: numbers[2]!,
      input: values.input === undefined ? undefined : Buffer.from(values.input, "base64"),
      corpus,
    };
  } catch (reason) {
    return (reason as Error).message;
  }
}

async function runOne(target: FuzzTarget, input: Buffer, output: Output): Promise<number> {
  const watchdog = new Watchdog();
  watchdog.watch(target.name);
  watchdog.begin(input);
  try {
    const { accepted, shape } = await target.run(input);
    output(`${accepted ? "accepted" : "refused"}: ${shape}\n`);
    return 0;
  } catch (reason) {
    output(`${(reason as Error).stack}\n${causeOf(reason)}`);
    return 1;
  } finally {
    await watchdog.close();
  }
}

function causeOf(reason: unknown): string {
  const { cause } = reason as Error;
  return cause instanceof Error ? `cause: ${cause.stack}\n` : "";
}

async function runTarget(
  target: FuzzTarget,
  options: Options,
  watchdog: Watchdog,
  deadline: number,
  output: Output,
): Promise<number> {
  const start = performance.now();
  const { seed, inputs, corpus: folder } = options;
  const corpus = readCorpus(folder, target.name);
  const coverage = new Coverage((url) => url.includes("/src/") && !url.includes("/src/gen/"));
  let shown = start;
  const stop = (report: FuzzReport): boolean => {
    const now = performance.now();
    if (now - shown > PROGRESS_MS) {
      shown = now;
      output(`${line(target, report, now - start)}\n`);
    }
    return now > deadline;
  };
  output(`${target.name}, seed ${seed}, ${corpus.length} inputs in the corpus\n`);
  try {
    const report = await fuzz(target, { seed, inputs, corpus, watchdog, coverage, mostCrashes: MOST_CRASHES, stop });
    output(`${line(target, report, performance.now() - start)}\n`);
    for (const { input, fault } of report.crashes) {
      const name = keepCrash(folder, target.name, input);
      output(`CRASH in ${target.name}, kept as ${name}: ${fault}\n`);
      output(`to repeat: node scripts/fuzz.mjs --target=${target.name} --input=${input.toString("base64")}\n`);
    }
    return report.crashes.length;
  } finally {
    coverage.close();
  }
}

function line(target: FuzzTarget, report: FuzzReport, ms: number): string {
  const { inputs, accepted, refused, outcomes, kept, slowestMs, crashes } = report;
  const rate = Math.round(inputs / (ms / 1000));
  const memory = Math.round(process.memoryUsage.rss() / 2 ** 20);
  return [
    `${target.name}: ${inputs} inputs`,
    `${accepted} accepted`,
    `${refused} refused`,
    `${outcomes} outcomes`,
    `${kept} kept`,
    `${crashes.length} crashes`,
    `slowest ${slowestMs.toFixed(1)} ms`,
    `${memory} MiB`,
    `${rate}/s`,
  ].join(", ");
}

if (process.argv[1] === import.meta.filename) {
  process.exitCode = await longRun(process.argv.slice(2), (text) => process.stdout.write(text));
}
