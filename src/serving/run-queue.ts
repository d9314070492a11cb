import { performance } from "node:perf_hooks";
import { throwIfAborted } from "../base/abort.ts";
import { deferred } from "../base/deferred.ts";
import { checkRunLimits, type RunLimits } from "../base/run-limits.ts";
import type { RunContext } from "../model/servable.ts";

/** Runs of a turn together may hold up the thread for so long before the next ones wait. */
const LATE_MS = 4;
/** Waiting runs are done for so long before the sockets have their turn again. */
const SLICE_MS = 2;
/** From so many milliseconds of runs on the thread asks to be told of the next turn: seldom, for that costs a microsecond. */
const NOTED_MS = 1;
/** Weight of the newest slice in how often a run begins. */
const WEIGHT = 0.2;

/**
 * Keeps a thread that does its short model runs itself from falling behind unseen. While it keeps up, runs are done where they are
 * asked for and this only adds up their times. Once the runs of a turn have taken some milliseconds the next ones wait here, in
 * order: the thread looks at its sockets between slices of them, knows how long the queue is, and can refuse at once what would
 * wait too long, instead of letting it grow old in the system's buffers.
 */
export class RunQueue {
  readonly #limits: RunLimits;
  readonly #nextTurn: (action: () => void) => void;
  /** What begins each run that waits; none of it throws. */
  readonly #waiting = new Set<() => void>();
  /** Milliseconds of runs since the thread last looked at its sockets, as far as it was told. */
  #spent = 0;
  #noted = false;
  /** Milliseconds between two waiting runs' beginnings, all that is done between them included; 0 before any. */
  #everyMs = 0;
  #sliceBegan = 0;
  #sliceRuns = 0;

  /** `nextTurn` calls its argument after the thread has looked at its sockets. */
  constructor(limits: RunLimits, nextTurn: (action: () => void) => void) {
    this.#limits = limits;
    this.#nextTurn = nextTurn;
  }

  /** Whether the next run must wait: {@link add} it. */
  get late(): boolean {
    return this.#waiting.size > 0 || this.#spent >= LATE_MS;
  }

  /** Tells of a run that was done at once. */
  ran(milliseconds: number): void {
    this.#spent += milliseconds;
    if (this.#spent < NOTED_MS || this.#noted) return;
    this.#noted = true;
    this.#nextTurn(() => {
      this.#noted = false;
      this.#spent = 0;
    });
  }

  /** @throws RefusedError when one more run would wait too long. */
  check(): void {
    if (this.#waiting.size > 0) checkRunLimits(this.#limits, this.#waiting.size, this.#everyMs);
  }

  /**
   * Does a run after those that wait already.
   * @throws ServingError, rejected: resource-exhausted at once when too many wait; what the run throws; the signal's reason once it aborts.
   */
  async add<Result>(run: () => Result | Promise<Result>, context: RunContext): Promise<Result> {
    this.check();
    const { signal } = context;
    throwIfAborted(signal);
    const outcome = deferred<Result>();
    const begin = (): void => {
      try {
        outcome.resolve(run() as Result);
      } catch (reason) {
        outcome.reject(reason);
      }
    };
    if (this.#waiting.size === 0) this.#begin();
    this.#waiting.add(begin);
    const give = (): void => {
      if (this.#waiting.delete(begin)) outcome.reject(signal.reason);
    };
    signal.addEventListener("abort", give, { once: true });
    try {
      return await outcome.promise;
    } catch (reason) {
      throwIfAborted(signal);
      throw reason;
    } finally {
      signal.removeEventListener("abort", give);
    }
  }

  #begin(): void {
    this.#sliceRuns = 0;
    this.#nextTurn(() => this.#slice());
  }

  #slice(): void {
    const start = performance.now();
    if (this.#sliceRuns > 0) {
      const every = (start - this.#sliceBegan) / this.#sliceRuns;
      this.#everyMs = this.#everyMs === 0 ? every : this.#everyMs + WEIGHT * (every - this.#everyMs);
    }
    this.#sliceBegan = start;
    this.#sliceRuns = 0;
    for (const begin of this.#waiting) {
      this.#waiting.delete(begin);
      this.#sliceRuns++;
      begin();
      if (performance.now() - start >= SLICE_MS) break;
    }
    if (this.#waiting.size > 0) this.#nextTurn(() => this.#slice());
  }
}
