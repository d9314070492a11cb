import { type Deferred, deferred } from "../base/deferred.ts";

/** Lets at most so many tasks run at once; the others wait in the order of their coming. */
export class ConcurrencyLimit {
  #limit: number;
  #running = 0;
  readonly #waiting = new Set<Deferred<void>>();

  /** A limit below 1 counts as 1: one task after the other. */
  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  /** Changes the limit: a higher one starts waiting tasks at once, a lower one stops none that runs. */
  setLimit(limit: number): void {
    this.#limit = Math.max(1, limit);
    this.#admit();
  }

  /** Runs `task` when its turn has come and settles as it does. Rejects with the signal's reason, without running it, if that aborts first. */
  async run<R>(task: () => Promise<R>, signal?: AbortSignal): Promise<R> {
    await this.#enter(signal);
    try {
      return await task();
    } finally {
      this.#running--;
      this.#admit();
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const turn = deferred<void>();
    const abort = () => {
      if (this.#waiting.delete(turn)) turn.reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort);
    this.#waiting.add(turn);
    this.#admit();
    try {
      await turn.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #admit(): void {
    for (const turn of this.#waiting) {
      if (this.#running >= this.#limit) return;
      this.#waiting.delete(turn);
      this.#running++;
      turn.resolve();
    }
  }
}
