import type { Target } from "./target.ts";

/** Emits, for each name it watches, the complete list of aspired versions. */
export interface Source<D> {
  /** Sends all lists to `target`, those emitted before as well. Called once. */
  connect(target: Target<D>): void;
}
