/**
 * Knows how to load and unload one version of a servable. Cheap to build: nothing is read before {@link Loader.estimate}.
 *
 * Called by the BasicManager alone, one call at a time, in the order: `estimate`, `load` (again after a failure, up to the
 * retry limit), `unload`. An un-aspired loader may be dropped before any call, or after any `load` that rejected.
 */
export interface Loader<T> {
  /** What `load` will take at most, in bytes of RAM. Called once, before the first `load`; a rejection ends the version. */
  estimate(): Promise<{ readonly ramBytes: number }>;
  /**
   * Makes the servable ready to answer, warm-up included. Called until it succeeds or the retries are spent, never after a
   * success. Rejects with a ServingError that names the file at fault, and then holds nothing. `signal` aborts when the
   * version is no longer wanted: a loader may reject early or finish; if it finishes it is unloaded.
   */
  load(signal: AbortSignal): Promise<T>;
  /** Frees what `load` took. Called once, after a `load` that succeeded and after the last handle is back. Must not reject. */
  unload(): Promise<void>;
}
