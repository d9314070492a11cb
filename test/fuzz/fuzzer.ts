import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { CorpusEntry } from "./corpus.ts";
import type { Coverage } from "./coverage.ts";
import { Mutator } from "./mutator.ts";
import { Random } from "./random.ts";
import type { FuzzTarget, Outcome } from "./target.ts";
import type { Watchdog } from "./watchdog.ts";

/** What every input has to keep to. */
const LIMITS = {
  inputMs: 1000,
  /** Array buffers made for one input: beyond anything the targets' own limits allow. */
  inputBytes: 16 * 2 ** 20,
  /** Growth of the process over its size at the start. */
  grownBytes: 256 * 2 ** 20,
} as const;

const LONGEST_INPUT = 4096;
const STACK_LINES = 20;
const MOST_KEPT = 2000;
/** Inputs between two looks at coverage, and at the memory of the process. */
const BATCH = 250;
const MEMORY_CHECK = 1000;
const BUFFER_CHECK = 16;

/** How to fuzz. */
export interface FuzzOptions {
  /** The same seed gives the same inputs, as long as the corpus and the target are the same and `coverage` is not used. */
  readonly seed: number;
  /** Mutated inputs to run, beside the corpus. */
  readonly inputs: number;
  /** Run first as it is, then the source of mutants. Not empty. */
  readonly corpus: readonly CorpusEntry[];
  readonly watchdog: Watchdog;
  /** Keeps mutants that execute code no input did before, beside those whose outcome is new. */
  readonly coverage?: Coverage;
  /** After how many crashes of different kinds to stop; 1 by default. */
  readonly mostCrashes?: number;
  /** Asked now and then; the run ends early when it says so. */
  readonly stop?: (report: FuzzReport) => boolean;
}

/** An input on which a target failed. */
export interface Crash {
  readonly input: Buffer;
  /** What happened, with a stack where there was an error. */
  readonly fault: string;
}

/** What came of a run. */
export interface FuzzReport {
  inputs: number;
  accepted: number;
  refused: number;
  /** Different shapes of outcomes. */
  outcomes: number;
  /** Mutants kept as a source of others. */
  kept: number;
  slowestMs: number;
  readonly crashes: Crash[];
}

/** Runs the corpus and then mutants of it through a target. Resolves also when there were crashes: they are in the report. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  return new FuzzRun(target, options).all();
}

class FuzzRun {
  readonly #target: FuzzTarget;
  readonly #options: FuzzOptions;
  readonly #report: FuzzReport = { inputs: 0, accepted: 0, refused: 0, outcomes: 0, kept: 0, slowestMs: 0, crashes: [] };
  readonly #random: Random;
  readonly #mutator: Mutator;
  readonly #seeds: readonly Buffer[];
  readonly #kept: Buffer[] = [];
  readonly #shapes = new Set<string>();
  readonly #faults = new Set<string>();
  #batch: Buffer[] = [];
  /** Inputs since the last look at how much buffers take. */
  #unlooked: Buffer[] = [];
  #bufferBytes = 0;

  constructor(target: FuzzTarget, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#mutator = new Mutator(this.#random, target.dictionary, target.longest ?? LONGEST_INPUT);
    options.watchdog.watch(target.name);
    this.#seeds = options.corpus.map(({ bytes }) => bytes);
  }

  async all(): Promise<FuzzReport> {
    // Most inputs are refused with an error, whose stack costs more than all else and is looked at when it is no refusal.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return await this.#all();
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }

  async #all(): Promise<FuzzReport> {
    const { inputs, stop, mostCrashes = 1, coverage } = this.#options;
    const report = this.#report;
    collectGarbage();
    this.#bufferBytes = bufferBytes();
    for (const seed of this.#seeds) {
      const judged = this.#judge(seed);
      if (typeof judged !== "boolean") await judged;
      await this.#checkBuffers(seed);
    }
    coverage?.advance();
    Object.assign(report, { accepted: 0, refused: 0 });
    const start = process.memoryUsage.rss();
    for (; report.inputs < inputs && report.crashes.length < mostCrashes; ) {
      const input = this.#mutator.mutate(this.#source(), this.#source());
      report.inputs++;
      const judged = this.#judge(input);
      if (typeof judged === "boolean" ? judged : await judged) this.#keep(input);
      else if (coverage !== undefined) this.#batch.push(input);
      const checked = this.#checkBuffers(input);
      if (checked !== undefined) await checked;
      if (this.#batch.length === BATCH) await this.#keepNew(coverage!);
      if (report.inputs % MEMORY_CHECK === 0) {
        this.#checkMemory(input, start);
        if (stop?.(report)) break;
      }
    }
    return report;
  }

  #source(): Buffer {
    const kept = this.#kept;
    return kept.length > 0 && this.#random.below(2) === 0 ? this.#random.pick(kept) : this.#random.pick(this.#seeds);
  }

  #keep(input: Buffer): void {
    this.#report.kept++;
    if (this.#kept.length < MOST_KEPT) this.#kept.push(input);
    else this.#kept[this.#random.below(MOST_KEPT)] = input;
  }

  /** Runs one input; whether its outcome was new. Synchronous when the target is. */
  #judge(input: Buffer): boolean | Promise<boolean> {
    const before = performance.now();
    this.#options.watchdog.begin(input);
    let outcome: Outcome | Promise<Outcome>;
    try {
      outcome = this.#target.run(input);
    } catch (reason) {
      this.#options.watchdog.end();
      return this.#fail(input, reason);
    }
    if (!(outcome instanceof Promise)) return this.#count(input, outcome, before);
    return outcome.then(
      (settled) => this.#count(input, settled, before),
      (reason: unknown) => {
        this.#options.watchdog.end();
        return this.#fail(input, reason);
      },
    );
  }

  #count(input: Buffer, outcome: Outcome, before: number): boolean | Promise<boolean> {
    this.#options.watchdog.end();
    const report = this.#report;
    if (outcome.accepted) report.accepted++;
    else report.refused++;
    const took = performance.now() - before;
    if (took > LIMITS.inputMs) return this.#again(input, took);
    if (took > report.slowestMs) report.slowestMs = took;
    const shape = `${outcome.accepted} ${outcome.shape}`;
    if (this.#shapes.has(shape)) return false;
    this.#shapes.add(shape);
    report.outcomes++;
    return true;
  }

  /** Looking costs some microseconds, so that it is done for several inputs at a time, and for each only when they took much. */
  #checkBuffers(input: Buffer): Promise<void> | undefined {
    this.#unlooked.push(input);
    if (this.#unlooked.length < BUFFER_CHECK) return undefined;
    const inputs = this.#unlooked;
    this.#unlooked = [];
    const before = this.#bufferBytes;
    this.#bufferBytes = bufferBytes();
    return this.#bufferBytes - before > LIMITS.inputBytes ? this.#findLargeBuffers(inputs) : undefined;
  }

  async #findLargeBuffers(inputs: readonly Buffer[]): Promise<void> {
    for (const input of inputs) {
      collectGarbage();
      const before = bufferBytes();
      await this.#execute([input]);
      const made = bufferBytes() - before;
      if (made > LIMITS.inputBytes) this.#crash(input, `made buffers of ${made} bytes for one input of ${input.length}`);
    }
    this.#bufferBytes = bufferBytes();
  }

  /** A busy machine makes anything slow: only an input that is slow every time is at fault. */
  async #again(input: Buffer, first: number): Promise<boolean> {
    let best = first;
    for (let i = 0; i < 3; i++) {
      const before = performance.now();
      await this.#target.run(input);
      best = Math.min(best, performance.now() - before);
    }
    this.#report.slowestMs = Math.max(this.#report.slowestMs, best);
    if (best > LIMITS.inputMs) this.#crash(input, `took ${Math.round(best)} ms`);
    return false;
  }

  /** Runs the input again for the stack. */
  async #fail(input: Buffer, reason: unknown): Promise<false> {
    Error.stackTraceLimit = STACK_LINES;
    try {
      await this.#target.run(input);
      this.#crash(input, `failed once and not again: ${String(reason)}`);
    } catch (again) {
      this.#crash(input, stackOf(again));
    } finally {
      Error.stackTraceLimit = 0;
    }
    return false;
  }

  #crash(input: Buffer, fault: string): void {
    // One of a kind, told by where it came from, is enough.
    const kind = fault
      .replace(/got .*?\n(?= {4}at )/s, "")
      .replace(/\d+ (?:bytes|ms|of)/g, "")
      .split("\n", 4)
      .join("\n");
    if (this.#faults.has(kind)) return;
    this.#faults.add(kind);
    this.#report.crashes.push({ input, fault });
  }

  #checkMemory(input: Buffer, start: number): void {
    if (process.memoryUsage.rss() - start <= LIMITS.grownBytes) return;
    collectGarbage();
    const grown = process.memoryUsage.rss() - start;
    if (grown > LIMITS.grownBytes) this.#crash(input, `the process grew by ${grown} bytes up to this input`);
  }

  /** Finds, by halving, the inputs of the batch that execute something new, and keeps them. */
  async #keepNew(coverage: Coverage): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    if (!coverage.isNew()) return;
    let from = 0;
    while (from < batch.length) {
      if (!(await this.#executesNew(coverage, batch.slice(from)))) return;
      let low = from;
      let high = batch.length;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (await this.#executesNew(coverage, batch.slice(low, middle))) high = middle;
        else low = middle;
      }
      // The counters begin anew whenever they are read.
      coverage.isNew();
      await this.#execute([batch[low]!]);
      if (coverage.advance()) this.#keep(batch[low]!);
      from = low + 1;
    }
  }

  async #executesNew(coverage: Coverage, inputs: readonly Buffer[]): Promise<boolean> {
    await this.#execute(inputs);
    return coverage.isNew();
  }

  async #execute(inputs: readonly Buffer[]): Promise<void> {
    for (const input of inputs) {
      try {
        await this.#target.run(input);
      } catch {
        // Reported when it was judged.
      }
    }
  }
}

function stackOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  const { stack = reason.message, cause } = reason;
  return cause === undefined ? stack : `${stack}\nbecause of ${stackOf(cause)}`;
}

/** What all array buffers take together. */
function bufferBytes(): number {
  return getHeapStatistics().external_memory;
}

let collect: (() => void) | undefined;

function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
