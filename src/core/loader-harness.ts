import type { Clock } from "../base/clock.ts";
import { deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Loader } from "./loader.ts";
import { canMove, type LoaderState } from "./loader-state.ts";
import { formatServableId, type ServableId } from "./servable-id.ts";

/** How often and when a failed load is tried again. */
export interface RetryOptions {
  /** Tries after the first failure. */
  readonly maxLoadRetries: number;
  /** Milliseconds between a failure and the next try; zero or less: no wait. */
  readonly loadRetryIntervalMs: number;
  /** Whether trying again may help after this error; the load ends at once when it cannot. Default: always. */
  readonly isTransient?: (error: ServingError) => boolean;
}

/** One version in the manager's hands: its loader, its state and the retries. Moves only by {@link canMove}'s table. */
export class LoaderHarness<T> {
  readonly id: ServableId;
  readonly #loader: Loader<T>;
  readonly #retry: RetryOptions;
  readonly #clock: Clock;
  readonly #cancellation = new AbortController();
  #state: LoaderState = "new";
  #error: ServingError | undefined;

  constructor(id: ServableId, loader: Loader<T>, retry: RetryOptions, clock: Clock) {
    this.id = id;
    this.#loader = loader;
    this.#retry = retry;
    this.#clock = clock;
  }

  get state(): LoaderState {
    return this.#state;
  }

  /** Why the version is in the state `error`; undefined in every other state. */
  get error(): ServingError | undefined {
    return this.#error;
  }

  /** Aborts, with a ServingError as its reason, when the load was cancelled. */
  get signal(): AbortSignal {
    return this.#cancellation.signal;
  }

  /** Goes to the next state. @throws ServingError failed-precondition, and stays, when the table does not allow it. */
  moveTo(next: Exclude<LoaderState, "error">): void {
    this.#move(next);
  }

  /** Goes to the state `error`, for good. @throws ServingError failed-precondition where the version cannot fail. */
  fail(error: ServingError): void {
    this.#move("error");
    this.#error = error;
  }

  /** Ends an unfinished load early, waits between tries included. Without effect before the load was requested or once it has ended. */
  cancelLoad(): void {
    if (this.#state !== "load-requested" && this.#state !== "load-approved" && this.#state !== "loading") return;
    this.#cancellation.abort(new ServingError("cancelled", "Loading of servable cancelled"));
  }

  /** Asks the loader for its estimate. Rejects with a ServingError. */
  async estimate(): Promise<{ readonly ramBytes: number }> {
    try {
      return await this.#loader.estimate();
    } catch (reason) {
      throw ServingError.from(reason);
    }
  }

  /**
   * In the state `loading`, which it leaves for the caller to end: calls the loader until it succeeds, the retries are spent or
   * the load is cancelled. Rejects with the last failure, or once cancelled with CANCELLED `Loading of servable cancelled`;
   * nothing is held then: a servable that came all the same was unloaded.
   */
  async load(): Promise<T> {
    for (let retriesLeft = this.#retry.maxLoadRetries; ; retriesLeft--) {
      this.signal.throwIfAborted();
      let servable: T;
      try {
        servable = await this.#loader.load(this.signal);
      } catch (reason) {
        this.signal.throwIfAborted();
        const error = ServingError.from(reason);
        if (retriesLeft <= 0 || this.#retry.isTransient?.(error) === false) throw error;
        await this.#pause();
        continue;
      }
      if (this.signal.aborted) await this.unload();
      this.signal.throwIfAborted();
      return servable;
    }
  }

  /** Calls the loader's unload. Rejects with a ServingError. */
  async unload(): Promise<void> {
    try {
      await this.#loader.unload();
    } catch (reason) {
      throw ServingError.from(reason);
    }
  }

  #move(next: LoaderState): void {
    if (!canMove(this.#state, next)) {
      throw new ServingError("failed-precondition", `${formatServableId(this.id)} cannot go from ${this.#state} to ${next}`);
    }
    this.#state = next;
  }

  async #pause(): Promise<void> {
    if (this.#retry.loadRetryIntervalMs <= 0 || this.signal.aborted) return;
    const over = deferred<void>();
    const wake = () => over.resolve();
    const timer = this.#clock.after(this.#retry.loadRetryIntervalMs, wake);
    this.signal.addEventListener("abort", wake);
    try {
      await over.promise;
    } finally {
      timer.cancel();
      this.signal.removeEventListener("abort", wake);
    }
  }
}
