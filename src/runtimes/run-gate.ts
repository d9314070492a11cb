import { throwIfAborted } from "../base/abort.ts";
import type { Deferred } from "../base/deferred.ts";
import { deferred } from "../base/deferred.ts";
import { checkRunLimits, NO_RUN_LIMITS, type RunLimits } from "../base/run-limits.ts";

/** Weight of the newest run in what a run takes. */
const WEIGHT = 0.1;

/**
 * Lets a number of runs in at once; the others wait in the order they came, as long as the limits say that they may. Native calls
 * wait inside libuv's pool, where nothing can take them out and where file reads of the whole process wait too, so few may be there.
 */
export class RunGate {
  readonly #width: number;
  readonly #limits: RunLimits;
  #free: number;
  readonly #waiting = new Set<Deferred<void>>();
  /** Milliseconds a run is inside; 0 before any was. With a full gate one of `width` ends every `width`-th part of it. */
  #milliseconds = 0;

  constructor(width: number, limits: RunLimits = NO_RUN_LIMITS) {
    this.#width = width;
    this.#limits = limits;
    this.#free = width;
  }

  /** Throws what {@link enter} would reject with now for the number that waits: for callers with work to do before they enter. */
  check(): void {
    if (this.#free === 0) checkRunLimits(this.#limits, this.#waiting.size, this.#milliseconds / this.#width);
  }

  /**
   * Resolves when the caller may run; it must call {@link leave} then.
   * @throws ServingError resource-exhausted at once when too many wait; the signal's reason once it aborts.
   */
  async enter(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    this.check();
    const turn = deferred<void>();
    this.#waiting.add(turn);
    const give = (): void => {
      if (this.#waiting.delete(turn)) turn.reject(signal?.reason);
    };
    signal?.addEventListener("abort", give, { once: true });
    try {
      await turn.promise;
    } catch (reason) {
      throwIfAborted(signal);
      throw reason;
    } finally {
      signal?.removeEventListener("abort", give);
    }
  }

  /** Ends a run that {@link enter} let in, and that was inside for so many milliseconds. */
  leave(milliseconds: number): void {
    this.#milliseconds =
      this.#milliseconds === 0 ? milliseconds : this.#milliseconds + WEIGHT * (milliseconds - this.#milliseconds);
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next.resolve();
    }
  }
}
