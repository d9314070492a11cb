import { ServingError } from "./serving-error.ts";

/** Why an aborted signal aborted: its reason when that is a ServingError, else cancelled. */
export function abortError({ reason }: AbortSignal): ServingError {
  return reason instanceof ServingError ? reason : new ServingError("cancelled", "the call was cancelled", { cause: reason });
}

/** @throws ServingError the signal's reason when it is one, else cancelled, once the signal has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}
