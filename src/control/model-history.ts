import type { ServingError } from "../base/serving-error.ts";
import type { ManagerState, ServableState } from "../core/servable-state.ts";

/** One change of a version's state. */
export interface ModelEvent {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly version: bigint;
  readonly state: ManagerState;
  /** Why it ended, when it did not end well. */
  readonly error?: ServingError;
}

/** Changes that are kept of a model, and models: of more, the one is forgotten that nothing has happened to for longest. */
const MOST_EVENTS = 100;
const MOST_MODELS = 1000;

/** What happened to the versions of every model, as far back as memory of a bounded size goes. */
export class ModelHistory {
  readonly #time: () => number;
  /** Latest last; the models in the order of their latest change. */
  readonly #events = new Map<string, ModelEvent[]>();

  /** `time`: milliseconds since 1970. */
  constructor(time: () => number = Date.now) {
    this.#time = time;
  }

  /** Takes note of a change that has just happened. */
  note({ id: { name, version }, managerState, health }: ServableState): void {
    const events = this.#events.get(name) ?? [];
    events.push({ atMs: this.#time(), version, state: managerState, ...(health && { error: health }) });
    if (events.length > MOST_EVENTS) events.shift();
    this.#events.delete(name);
    this.#events.set(name, events);
    if (this.#events.size <= MOST_MODELS) return;
    const [longestQuiet] = this.#events.keys();
    this.#events.delete(longestQuiet!);
  }

  /** What happened to a model's versions, latest first; undefined for a name that nothing is known of. */
  of(model: string): readonly ModelEvent[] | undefined {
    return this.#events.get(model)?.toReversed();
  }
}
