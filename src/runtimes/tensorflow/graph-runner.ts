import { performance } from "node:perf_hooks";
import { abortError, throwIfAborted } from "../../base/abort.ts";
import type { RunContext } from "../../model/servable.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { callElsewhere, type Pointer } from "../native-calls.ts";
import type { RunGate } from "../run-gate.ts";
import { type Place, placeOf } from "../run-pace.ts";
import { ownWords } from "./graph-outputs.ts";
import type { AttachedGraph, GraphPlan } from "./graph-plan.ts";
import { nativeTensor } from "./input-tensors.ts";
import { readTensor } from "./output-tensors.ts";
import { inlineRunOptions, timedRunOptions } from "./run-options.ts";
import type { Feed } from "./signature-plans.ts";
import { failureOf, runError } from "./status.ts";

/** Runs of a plan that are always done elsewhere: the first makes its executor, which may take seconds, and so tells nothing of the next. */
const RUNS_TO_WARM = 2;

/** Longer than a run on this thread to learn its time may take. */
const LONG_WAIT_MS = 4;

/** Every run of a plan is timed at first, later one in so many: reading the clock twice is a tenth of a small run. */
const TIMED_RUNS = 16;
const TIMED_EVERY = 8;

/** A run that answers several requests may take this thread for as long as so many of them by themselves. */
const MOST_SHARES = 4;

/**
 * Runs parts of one session's graph for one thread: on it when they are short, else on one of libuv's.
 *
 * A short run is done wholly by the calling thread (`inter_op_thread_pool` of -1): handing it to TensorFlow's own threads takes longer
 * than the run (half_plus_two 4.2 us against 7.9, on an EPYC core). A long one uses those threads.
 */
export class GraphRunner {
  readonly #graph: AttachedGraph;
  readonly #gate: RunGate;
  readonly #inline: Pointer | null;
  /** Runs that the engine has begun elsewhere, also those that nobody waits for any more. */
  readonly #running = new Set<Promise<void>>();
  #elsewhere = 0;

  constructor(graph: AttachedGraph, gate: RunGate) {
    this.#graph = graph;
    this.#gate = gate;
    this.#inline = graph.remote ? null : inlineRunOptions(graph.library);
  }

  /** @throws RefusedError when a run that takes as long as the plan's would have to wait too long. */
  admit(plan: GraphPlan): void {
    if (this.#place(plan, 0, 1) === "elsewhere") this.#gate.check();
  }

  /**
   * Runs a plan; `feeds` in its order, the outputs in that of its fetches.
   * @throws ServingError as a servable's run does.
   */
  run(plan: GraphPlan, feeds: readonly Feed[], context: RunContext | undefined): readonly Tensor[] | Promise<readonly Tensor[]> {
    const elements = elementsFed(feeds);
    const place = this.#place(plan, elements, Math.min(context?.requests ?? 1, MOST_SHARES));
    if (place === "elsewhere") return this.#runElsewhere(plan, feeds, elements, context);
    if (place === "probe") this.#elsewhere = 0;
    return this.#runHere(plan, feeds, elements, place);
  }

  /** Frees what this thread holds, once no run is going on any more. */
  detach(): void | Promise<void> {
    const release = (): void => {
      if (this.#inline !== null) this.#graph.library.api.deleteBuffer(this.#inline);
    };
    return this.#running.size === 0 ? release() : Promise.all(this.#running).then(release);
  }

  #place(plan: GraphPlan, elements: number, share: number): Place {
    const { remote, unbounded } = this.#graph;
    if (remote || unbounded || plan.runs < RUNS_TO_WARM) return "elsewhere";
    return placeOf(plan.pace.expect(elements) / share, this.#elsewhere);
  }

  #runHere(plan: GraphPlan, feeds: readonly Feed[], elements: number, place: Place): readonly Tensor[] {
    const { api, status } = this.#graph.library;
    const { session } = this.#graph;
    const { inputs, inputValues, outputs, outputValues, operations } = plan;
    this.#fill(inputValues, feeds);
    const timed = plan.runs < TIMED_RUNS || plan.runs % TIMED_EVERY === 0;
    const start = timed ? performance.now() : 0;
    api.sessionRun(
      session,
      this.#inline,
      inputs,
      inputValues,
      plan.feeds,
      outputs,
      outputValues,
      plan.fetches,
      operations,
      plan.targets,
      null,
      status,
    );
    if (timed) {
      const milliseconds = performance.now() - start;
      if (this.#tells(plan, milliseconds, status)) plan.pace.note(elements, milliseconds, place, false);
    }
    plan.runs++;
    this.#drop(inputValues, feeds);
    return this.#collect(outputValues, plan.fetches, status);
  }

  async #runElsewhere(
    plan: GraphPlan,
    feeds: readonly Feed[],
    elements: number,
    context: RunContext | undefined,
  ): Promise<readonly Tensor[]> {
    const signal = context?.signal;
    await this.#gate.enter(signal);
    const entered = performance.now();
    const ended = this.#call(plan, feeds, elements, context?.remainingMs);
    const settled = ended.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(settled);
    void settled.then(() => {
      this.#running.delete(settled);
      this.#gate.leave(performance.now() - entered);
    });
    return await unlessAborted(ended, signal);
  }

  async #call(
    plan: GraphPlan,
    feeds: readonly Feed[],
    elements: number,
    remainingMs: number | undefined,
  ): Promise<readonly Tensor[]> {
    const { library, session } = this.#graph;
    const { api } = library;
    const inputValues = ownWords(plan.feeds);
    const outputValues = ownWords(plan.fetches);
    this.#fill(inputValues, feeds);
    const status = api.newStatus();
    const options = timedRunOptions(library, remainingMs);
    this.#elsewhere++;
    try {
      const start = performance.now();
      await callElsewhere(
        api.sessionRun,
        session,
        options,
        plan.inputs,
        inputValues,
        plan.feeds,
        plan.outputs,
        outputValues,
        plan.fetches,
        plan.operations,
        plan.targets,
        null,
        status,
      );
      const milliseconds = performance.now() - start;
      if (this.#tells(plan, milliseconds, status)) this.#note(plan, elements, milliseconds);
      return this.#collect(outputValues, plan.fetches, status);
    } finally {
      this.#drop(inputValues, feeds);
      if (options !== null) api.deleteBuffer(options);
      api.deleteStatus(status);
    }
  }

  /** Whether a run's time says anything of the next: one that failed may have ended before it began, unless it took long. */
  #tells(plan: GraphPlan, milliseconds: number, status: Pointer): boolean {
    return this.#graph.library.api.getCode(status) === 0 || milliseconds > Math.max(LONG_WAIT_MS, plan.pace.milliseconds);
  }

  /**
   * What a run elsewhere took also has the wait for a thread in it, so a short one does not make a plan long that nothing is known of;
   * the next is done here and tells.
   */
  #note(plan: GraphPlan, elements: number, milliseconds: number): void {
    if (plan.runs++ === 0) return;
    if (plan.pace.milliseconds > 0 || milliseconds >= LONG_WAIT_MS) plan.pace.note(elements, milliseconds, "elsewhere", false);
  }

  /** Makes the tensors of the feeds. Throws with none made when one cannot be. */
  #fill(values: BigUint64Array, feeds: readonly Feed[]): void {
    const { library } = this.#graph;
    for (let i = 0; i < feeds.length; i++) {
      const feed = feeds[i]!;
      try {
        values[i] = typeof feed === "bigint" ? feed : nativeTensor(library, feed);
      } catch (reason) {
        this.#drop(values, feeds.slice(0, i));
        throw reason;
      }
    }
  }

  /** Deletes the tensors that were made for these feeds; kept ones are somebody else's. */
  #drop(values: BigUint64Array, feeds: readonly Feed[]): void {
    const { api } = this.#graph.library;
    for (let i = 0; i < feeds.length; i++) if (typeof feeds[i] !== "bigint") api.deleteTensor(values[i]!);
  }

  /** Reads and deletes what a run has left. @throws ServingError for a run that failed. */
  #collect(values: BigUint64Array, count: number, status: Pointer): readonly Tensor[] {
    const { library } = this.#graph;
    const failure = failureOf(library.api, status);
    if (failure !== undefined) throw runError(failure);
    const tensors: Tensor[] = [];
    try {
      for (let i = 0; i < count; i++) tensors.push(readTensor(library, values[i]!));
    } finally {
      for (let i = 0; i < count; i++) library.api.deleteTensor(values[i]!);
    }
    return tensors;
  }
}

/**
 * What a run gives, or the signal's reason as soon as it aborts: TensorFlow ends a run that has a time limit between two of its nodes
 * and another one not at all, and nobody should wait for that.
 */
async function unlessAborted<Result>(ended: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return ended;
  throwIfAborted(signal);
  return new Promise<Result>((resolve, reject) => {
    const leave = (): void => reject(abortError(signal));
    signal.addEventListener("abort", leave, { once: true });
    ended.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

function elementsFed(feeds: readonly Feed[]): number {
  let elements = 0;
  for (let i = 0; i < feeds.length; i++) {
    const feed = feeds[i]!;
    if (typeof feed !== "bigint") elements += feed.data.length;
  }
  return elements;
}
