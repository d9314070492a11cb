import type { Clock, Timer } from "../base/clock.ts";
import { ServingError } from "../base/serving-error.ts";
import type { RunContext } from "../model/servable.ts";

/**
 * Bounds a run by the caller's presence and a time limit, which begins here; costs next to nothing until the signal is asked for.
 * Whoever makes one ends it when the run is over: until then it holds a timer and listens to the caller.
 */
export class RunDeadline implements RunContext {
  readonly #caller: RunContext;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  /** By the clock; only with a limit. */
  readonly #due: number;
  #watching: { readonly signal: AbortSignal; end(): void } | undefined;

  /** `timeoutMs` of zero or less: no limit. */
  constructor(caller: RunContext, timeoutMs: number, clock: Clock) {
    this.#caller = caller;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#due = timeoutMs > 0 ? clock.now() + timeoutMs : Number.POSITIVE_INFINITY;
  }

  get signal(): AbortSignal {
    this.#watching ??= this.#watch();
    return this.#watching.signal;
  }

  /** The caller's or its own, whichever is shorter. */
  get remainingMs(): number | undefined {
    const { remainingMs } = this.#caller;
    if (this.#timeoutMs <= 0) return remainingMs;
    return Math.min(this.#left(), remainingMs ?? Number.POSITIVE_INFINITY);
  }

  /** Lets go of the timer and the caller; the signal does not abort any more. */
  end(): void {
    this.#watching?.end();
  }

  #left(): number {
    return Math.max(0, this.#due - this.#clock.now());
  }

  /** By hand, not by AbortSignal.any: that keeps what it made as long as the caller's signal lives. */
  #watch(): { readonly signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    const caller = this.#caller.signal;
    const leave = () => controller.abort(caller.reason);
    const timer: Timer | undefined =
      this.#timeoutMs > 0 ? this.#clock.after(this.#left(), () => controller.abort(tooLate(this.#timeoutMs))) : undefined;
    if (caller.aborted) leave();
    else caller.addEventListener("abort", leave);
    return {
      signal: controller.signal,
      end: () => {
        timer?.cancel();
        caller.removeEventListener("abort", leave);
      },
    };
  }
}

function tooLate(timeoutMs: number): ServingError {
  return new ServingError("deadline-exceeded", `the model did not answer within ${timeoutMs} ms`);
}
