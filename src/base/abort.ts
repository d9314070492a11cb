import { ServingError } from "./serving-error.ts";

/** @throws ServingError the signal's reason when it is one, else cancelled, once the signal has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  const { reason } = signal;
  throw reason instanceof ServingError ? reason : new ServingError("cancelled", "the call was cancelled", { cause: reason });
}
