/** Who knows whether calls are taken. */
export interface Readiness {
  /** Whether a model takes calls, or with the empty name the server as a whole; undefined for a model that is not known. */
  isServing(name: string): boolean | undefined;
  /** Calls `listener` after any answer of {@link isServing} may have changed, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}
