import { ServingError } from "../../base/serving-error.ts";
import type { RunContext } from "../../model/servable.ts";

/** Bounds a run by the caller's presence and a time limit; costs nothing until the signal is asked for. */
export class RunDeadline implements RunContext {
  readonly #caller: RunContext;
  readonly #timeoutMs: number;
  #signal: AbortSignal | undefined;

  constructor(caller: RunContext, timeoutMs: number) {
    this.#caller = caller;
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#watch();
    return this.#signal;
  }

  #watch(): AbortSignal {
    if (this.#timeoutMs <= 0) return this.#caller.signal;
    const expiry = new AbortController();
    const limit = this.#timeoutMs;
    setTimeout(
      () => expiry.abort(new ServingError("deadline-exceeded", `the model did not answer within ${limit} ms`)),
      limit,
    ).unref();
    return AbortSignal.any([this.#caller.signal, expiry.signal]);
  }
}
