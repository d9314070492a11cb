import { type Deferred, deferred } from "../base/deferred.ts";
import type { ServingError } from "../base/serving-error.ts";
import type { ServableState } from "../core/servable-state.ts";
import type { ServableStateMonitor } from "../core/servable-state-monitor.ts";

/**
 * Waits for models that were just configured to come up.
 *
 * Only what happens after {@link ModelArrivals.expect} counts: the name may have been served before, and its versions of
 * that time may still be on their way out.
 */
export class ModelArrivals {
  readonly #monitor: ServableStateMonitor;
  readonly #waiting = new Map<string, Deferred<ServableState>>();

  constructor(monitor: ServableStateMonitor) {
    this.#monitor = monitor;
    monitor.subscribe((state) => this.#note(state));
  }

  /** Whether a model is expected and has not come up. */
  isExpected(name: string): boolean {
    return this.#waiting.has(name);
  }

  /**
   * Resolves with the first version that is available, or with one that failed once no other is on its way.
   * Rejects with the reason of {@link ModelArrivals.giveUp}. All who expect a name get the same answer.
   */
  expect(name: string): Promise<ServableState> {
    let waiting = this.#waiting.get(name);
    if (waiting === undefined) {
      waiting = deferred();
      // Whoever asked may look at it later only.
      waiting.promise.catch(() => undefined);
      this.#waiting.set(name, waiting);
    }
    return waiting.promise;
  }

  /** Ends the wait for every expected name that `keep` does not want any more. */
  giveUp(keep: (name: string) => boolean, reason: (name: string) => ServingError): void {
    for (const [name, waiting] of this.#waiting) {
      if (keep(name)) continue;
      this.#waiting.delete(name);
      waiting.reject(reason(name));
    }
  }

  #note(state: ServableState): void {
    const { name } = state.id;
    const waiting = this.#waiting.get(name);
    if (waiting === undefined || !this.#decides(state)) return;
    this.#waiting.delete(name);
    waiting.resolve(state);
  }

  #decides({ id, managerState, health }: ServableState): boolean {
    if (managerState === "AVAILABLE") return true;
    // One that was cancelled or ended well was taken away: it belongs to an earlier configuration.
    if (managerState !== "END" || health === undefined || health.code === "cancelled") return false;
    return !this.#monitor.states(id.name).some((other) => other.managerState === "START" || other.managerState === "LOADING");
  }
}
