import { deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import { EventBus } from "./event-bus.ts";
import { isForward, type ManagerState, type ServableState } from "./servable-state.ts";

/** What to wait for: one version, or with no version the latest of a name. */
export interface ServableRequest {
  readonly name: string;
  readonly version?: bigint;
}

/** What the monitor knows of one name. */
interface Stream {
  readonly states: Map<bigint, ServableState>;
  /** Versions at END, those that ended first in front. */
  readonly ended: Set<bigint>;
}

/** Versions at END that are remembered for each name, when not said otherwise. */
const ENDED_KEPT = 100;

/**
 * Knows the latest state of every version that was ever published on a bus.
 *
 * A move back is ignored (see {@link isForward}). Version numbers may rise for ever, so of each name only the 100 versions that
 * ended last are kept; versions that have not ended are always kept.
 */
export class ServableStateMonitor {
  readonly #streams = new Map<string, Stream>();
  readonly #changes: EventBus<ServableState>;
  readonly #endedKept: number;
  readonly #unsubscribe: () => void;

  /** `onListenerError` as for {@link EventBus}. */
  constructor(bus: EventBus<ServableState>, endedKept = ENDED_KEPT, onListenerError?: (reason: unknown) => void) {
    this.#endedKept = endedKept;
    this.#changes = new EventBus(onListenerError);
    this.#unsubscribe = bus.subscribe((state) => this.#record(state));
  }

  /** Stops listening to the bus; what is known stays. */
  close(): void {
    this.#unsubscribe();
  }

  /** The state of one version, undefined when it was never seen (or ended long ago). */
  state(name: string, version: bigint): ServableState | undefined {
    return this.#streams.get(name)?.states.get(version);
  }

  /** The states of a name's versions, highest version first; empty for a name never seen. */
  states(name: string): readonly ServableState[] {
    const stream = this.#streams.get(name);
    return stream === undefined ? [] : highestFirst(stream);
  }

  /** The states of every name, in the order in which the names were first seen. */
  all(): ReadonlyMap<string, readonly ServableState[]> {
    return new Map([...this.#streams].map(([name, stream]) => [name, highestFirst(stream)]));
  }

  /** Calls `listener` after each change is known here. Returns the means to stop that. */
  subscribe(listener: (state: ServableState) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /**
   * Resolves when each request has reached `goal` or END, with the state it was met by, in the order of the requests.
   *
   * A version is met by `goal` itself or END, not by states between. The latest of a name is met when *any* version of the name
   * is, so a failed version 2 may end the wait while version 1 still loads, and so may one that ended before the call; a version
   * at `goal` is preferred. Rejects with the signal's ServingError (else `cancelled`) once `signal` aborts.
   */
  async waitUntilReached(
    requests: readonly ServableRequest[],
    goal: ManagerState,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<ServableRequest, ServableState>> {
    const met = new Map<ServableRequest, ServableState>();
    const open = new Map<string, Set<ServableRequest>>();
    for (const request of requests) {
      const same = open.get(request.name);
      if (same === undefined) open.set(request.name, new Set([request]));
      else same.add(request);
    }
    const done = deferred<void>();
    const look = (name: string) => {
      const waiting = open.get(name);
      for (const request of waiting ?? []) {
        const state = this.#meets(request, goal);
        if (state === undefined) continue;
        met.set(request, state);
        waiting!.delete(request);
      }
      if (waiting?.size === 0) open.delete(name);
      if (open.size === 0) done.resolve();
    };
    const abort = () => done.reject(cancellation(signal));
    const unsubscribe = this.subscribe((state) => look(state.id.name));
    signal.addEventListener("abort", abort);
    try {
      if (signal.aborted) abort();
      else if (open.size === 0) done.resolve();
      for (const name of open.keys()) look(name);
      await done.promise;
    } finally {
      unsubscribe();
      signal.removeEventListener("abort", abort);
    }
    return new Map(requests.map((request) => [request, met.get(request)!]));
  }

  #meets(request: ServableRequest, goal: ManagerState): ServableState | undefined {
    if (request.version === undefined) {
      const states = this.states(request.name);
      return states.find((state) => state.managerState === goal) ?? states.find((state) => state.managerState === "END");
    }
    const state = this.state(request.name, request.version);
    return state?.managerState === goal || state?.managerState === "END" ? state : undefined;
  }

  #record(state: ServableState): void {
    const { name, version } = state.id;
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = { states: new Map(), ended: new Set() };
      this.#streams.set(name, stream);
    }
    const known = stream.states.get(version);
    if (known !== undefined && !isForward(known.managerState, state.managerState)) return;
    stream.states.set(version, state);
    stream.ended.delete(version);
    if (state.managerState === "END") stream.ended.add(version);
    this.#changes.publish(state);
    this.#forget(stream);
  }

  #forget(stream: Stream): void {
    for (const version of stream.ended) {
      if (stream.ended.size <= this.#endedKept) return;
      stream.ended.delete(version);
      stream.states.delete(version);
    }
  }
}

function highestFirst(stream: Stream): readonly ServableState[] {
  return [...stream.states.values()].sort((a, b) => (a.id.version < b.id.version ? 1 : -1));
}

function cancellation(signal: AbortSignal): ServingError {
  return signal.reason instanceof ServingError
    ? signal.reason
    : new ServingError("cancelled", "waiting for servables was cancelled", { cause: signal.reason });
}
