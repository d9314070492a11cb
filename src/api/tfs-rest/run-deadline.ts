import type { Clock, Timer } from "../../base/clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { RunContext } from "../../model/servable.ts";

/**
 * Bounds a run by the caller's presence and a time limit; costs nothing until the signal is asked for. Whoever makes one
 * ends it when the run is over: until then it holds a timer and listens to the caller.
 */
export class RunDeadline implements RunContext {
  readonly #caller: RunContext;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #watching: { readonly signal: AbortSignal; end(): void } | undefined;

  /** `timeoutMs` of zero or less: no limit. */
  constructor(caller: RunContext, timeoutMs: number, clock: Clock) {
    this.#caller = caller;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    this.#watching ??= this.#watch();
    return this.#watching.signal;
  }

  /** Lets go of the timer and the caller; the signal does not abort any more. */
  end(): void {
    this.#watching?.end();
  }

  /** By hand, not by AbortSignal.any: that keeps what it made as long as the caller's signal lives. */
  #watch(): { readonly signal: AbortSignal; end(): void } {
    const controller = new AbortController();
    const caller = this.#caller.signal;
    const leave = () => controller.abort(caller.reason);
    const timer: Timer | undefined =
      this.#timeoutMs > 0 ? this.#clock.after(this.#timeoutMs, () => controller.abort(tooLate(this.#timeoutMs))) : undefined;
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
