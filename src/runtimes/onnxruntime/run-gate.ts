import { throwIfAborted } from "../../base/abort.ts";
import type { Deferred } from "../../base/deferred.ts";
import { deferred } from "../../base/deferred.ts";

/**
 * Lets a number of runs in at once; the others wait in the order they came. Native calls wait inside libuv's pool, where
 * nothing can take them out and where file reads of the whole process wait too, so few may be there.
 */
export class RunGate {
  #free: number;
  readonly #waiting = new Set<Deferred<void>>();

  constructor(most: number) {
    this.#free = most;
  }

  /** Resolves when the caller may run; it must call {@link leave} then. @throws ServingError once the signal aborts. */
  async enter(signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    if (this.#free > 0) {
      this.#free--;
      return;
    }
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

  /** Ends a run that {@link enter} let in. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next.resolve();
    }
  }
}
