import { type Deferred, deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ServableState } from "../core/servable-state.ts";
import type { ServableStateMonitor } from "../core/servable-state-monitor.ts";

/** Why nobody waits any longer for a model that is not configured any more: aborted. */
export function takenAway(name: string): ServingError {
  return new ServingError("aborted", `model ${name} was taken away again before it was available`);
}

/**
 * Waits for models that were just configured to come up.
 *
 * Only what happens after {@link ModelArrivals.expect} counts: the name may have been served before, and its versions of
 * that time may still be on their way out.
 */
export class ModelArrivals {
  readonly #monitor: ServableStateMonitor;
  readonly #waiting = new Map<string, Deferred<ServableState>>();
  /** Models that are to be had from elsewhere, while nothing is known of that. */
  readonly #moved = new Set<string>();
  #closed: ServingError | undefined;

  constructor(monitor: ServableStateMonitor) {
    this.#monitor = monitor;
    monitor.subscribe((state) => this.#note(state));
  }

  /** Whether a model is expected and has not come up. */
  isExpected(name: string): boolean {
    return this.#waiting.has(name);
  }

  /** Takes note that what is known of a model's versions says nothing of what comes, until one of them begins anew. */
  moved(name: string): void {
    this.#moved.add(name);
  }

  /** A version that is available, or one that failed if none is on its way or expected; undefined while that is open. */
  known(name: string): ServableState | undefined {
    const states = this.#monitor.states(name);
    const available = states.find(({ managerState }) => managerState === "AVAILABLE");
    if (available !== undefined) return available;
    if (states.some(isComing) || this.#waiting.has(name) || this.#moved.has(name)) return undefined;
    return states.find(({ health }) => health !== undefined && health.code !== "cancelled");
  }

  /**
   * Resolves with the first version that is available, or with one that failed once no other is on its way.
   * Rejects with the reason of {@link ModelArrivals.giveUp} or {@link ModelArrivals.close}. All who expect a name get the same answer.
   */
  expect(name: string): Promise<ServableState> {
    let waiting = this.#waiting.get(name);
    if (waiting === undefined) {
      waiting = deferred();
      // Whoever asked may look at it later only.
      waiting.promise.catch(() => undefined);
      if (this.#closed === undefined) this.#waiting.set(name, waiting);
      else waiting.reject(this.#closed);
    }
    return waiting.promise;
  }

  /** Ends the wait for every expected name that `keep` does not want any more. */
  giveUp(keep: (name: string) => boolean, reason: (name: string) => ServingError): void {
    for (const name of this.#moved) if (!keep(name)) this.#moved.delete(name);
    for (const [name, waiting] of this.#waiting) {
      if (keep(name)) continue;
      this.#waiting.delete(name);
      waiting.reject(reason(name));
    }
  }

  /** Ends every wait, those that would begin later too. */
  close(reason: ServingError): void {
    this.#closed = reason;
    this.giveUp(
      () => false,
      () => reason,
    );
  }

  #note(state: ServableState): void {
    const { name } = state.id;
    if (state.managerState === "START") this.#moved.delete(name);
    const waiting = this.#waiting.get(name);
    if (waiting === undefined || !this.#decides(state)) return;
    this.#waiting.delete(name);
    waiting.resolve(state);
  }

  #decides({ id, managerState, health }: ServableState): boolean {
    if (managerState === "AVAILABLE") return true;
    // One that was cancelled or ended well was taken away: it belongs to an earlier configuration.
    if (managerState !== "END" || health === undefined || health.code === "cancelled") return false;
    return !this.#monitor.states(id.name).some(isComing);
  }
}

function isComing({ managerState }: ServableState): boolean {
  return managerState === "START" || managerState === "LOADING";
}
