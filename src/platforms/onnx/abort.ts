import { ServingError } from "../../base/serving-error.ts";

/** @throws ServingError the signal's reason when it is one, else cancelled. */
export function throwIfAborted({ aborted, reason }: AbortSignal): void {
  if (!aborted) return;
  throw reason instanceof ServingError ? reason : new ServingError("cancelled", "the load was cancelled", { cause: reason });
}
