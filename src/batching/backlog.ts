import { checkRunLimits, type RunLimits } from "../base/run-limits.ts";
import type { Gauge } from "../metrics/cells.ts";

/** Weight of the newest batch in how often one begins. */
const WEIGHT = 0.2;

/**
 * What waits of one signature, in all of its queues, and how often one of its batches begins while others wait: together they tell what
 * a newcomer would wait.
 */
export class Backlog {
  readonly #limits: RunLimits;
  readonly #gauge: Gauge;
  #tasks = 0;
  #batches = 0;
  #lastBegan = Number.NEGATIVE_INFINITY;
  /** Milliseconds that the next batch waits once the one before it has begun, whatever the thread does meanwhile; 0 before any did. */
  #everyMs = 0;

  /** `gauge` shows the tasks that wait. */
  constructor(limits: RunLimits, gauge: Gauge) {
    this.#limits = limits;
    this.#gauge = gauge;
  }

  /** So many tasks, or parts of them, and batches more wait; less, if negative. */
  add(tasks: number, batches: number): void {
    this.#tasks += tasks;
    this.#batches += batches;
    this.#gauge.add(tasks);
  }

  /** A batch begins, which could have been run since `ready`. */
  began(now: number, ready: number): void {
    // From when it was ready: before that the thread waited for it, not it for the thread.
    const every = now - Math.max(this.#lastBegan, ready);
    this.#lastBegan = now;
    this.#everyMs = this.#everyMs === 0 ? every : this.#everyMs + WEIGHT * (every - this.#everyMs);
  }

  /**
   * @throws RefusedError when one more task would wait too long. The last batch is taken to be the one that it joins: it is run in any
   * case.
   */
  check(): void {
    if (this.#tasks > 0) checkRunLimits(this.#limits, this.#tasks, ((this.#batches - 1) * this.#everyMs) / this.#tasks);
  }
}
