import { abortError, throwIfAborted } from "../../base/abort.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";

/** Lets so many pieces of work at a time, the others wait in the order they came. */
export class ImageSlots {
  #free: number;
  readonly #waiting: Deferred<void>[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  /** Waits for a slot and does the work. Rejects as the work does, or with the signal's reason when that aborts before it begins. */
  async use<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    throwIfAborted(signal);
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next.resolve();
    }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const turn = deferred<void>();
    this.#waiting.push(turn);
    const leave = () => {
      const place = this.#waiting.indexOf(turn);
      // Its turn may have come in the same moment: then the work finds out itself.
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      turn.reject(abortError(signal));
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
