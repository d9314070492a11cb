import type { Clock } from "../base/clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { ConcurrencyLimit } from "./concurrency-limit.ts";
import type { EventBus } from "./event-bus.ts";
import type { Loader } from "./loader.ts";
import { LoaderHarness, type RetryOptions } from "./loader-harness.ts";
import { exposedState, isFinished, type LoaderState } from "./loader-state.ts";
import { type Reservation, ResourceTracker } from "./resource-tracker.ts";
import type { ServableData } from "./servable-data.ts";
import { formatServableId, type ServableId } from "./servable-id.ts";
import type { ServableState } from "./servable-state.ts";
import type { Publisher } from "./serving-map.ts";

/** What a manager works with, and its limits. */
export interface BasicManagerOptions<T> {
  readonly publisher: Publisher<T>;
  /** Hears every exposed state, in order. */
  readonly bus: EventBus<ServableState>;
  readonly clock: Clock;
  /** RAM that all versions may take together by their estimates. Default: no limit. */
  readonly ramLimitBytes?: number;
  /** Loads at once; 0: one after the other. Default 0. Can be changed by {@link BasicManager.setLoadConcurrency}. */
  readonly numLoadThreads?: number;
  /** Unloads at once, waits for handles aside; 0: one after the other. Default 0. */
  readonly numUnloadThreads?: number;
  /** Tries of a load after its first failure. Default 5. */
  readonly maxLoadRetries?: number;
  /** Milliseconds between the tries; zero or less: no wait. Default 60,000. */
  readonly loadRetryIntervalMs?: number;
  /** Whether trying again may help after this error. Default: always. */
  readonly isTransient?: (error: ServingError) => boolean;
}

/** One managed version as status tables show it. */
export interface ServableSnapshot {
  readonly id: ServableId;
  readonly state: LoaderState;
  /** Why it is in the state `error`. */
  readonly error: ServingError | undefined;
}

/** RAM set aside for a content that is to take the place of a version's own. One of the two is called, once. */
export interface ContentReservation {
  /** The content is the version's now, and the earlier one is gone. */
  taken(): void;
  /** The content is not there any more, or never was. */
  dropped(): void;
}

interface Managed<T> {
  readonly harness: LoaderHarness<T>;
  reservation: Reservation | undefined;
}

/**
 * Loads and unloads the versions it is told to, each by itself: state, slots, retries, resources, publication and events.
 * Decides nothing; the AspiredVersionsManager does.
 */
export class BasicManager<T> {
  readonly #publisher: Publisher<T>;
  readonly #bus: EventBus<ServableState>;
  readonly #clock: Clock;
  readonly #retry: RetryOptions;
  readonly #resources: ResourceTracker;
  readonly #loads: ConcurrencyLimit;
  readonly #unloads: ConcurrencyLimit;
  readonly #streams = new Map<string, Map<bigint, Managed<T>>>();

  constructor(options: BasicManagerOptions<T>) {
    const { numLoadThreads = 0, numUnloadThreads = 0, maxLoadRetries = 5, loadRetryIntervalMs = 60_000 } = options;
    this.#publisher = options.publisher;
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#retry = { maxLoadRetries, loadRetryIntervalMs, ...(options.isTransient && { isTransient: options.isTransient }) };
    this.#resources = new ResourceTracker(options.ramLimitBytes);
    this.#loads = new ConcurrencyLimit(numLoadThreads);
    this.#unloads = new ConcurrencyLimit(numUnloadThreads);
  }

  /** Changes how many loads run at once, as from start-up's many to the few of later; 0: one after the other. */
  setLoadConcurrency(limit: number): void {
    this.#loads.setLimit(limit);
  }

  /** The bytes of RAM set aside at this moment. */
  get reservedBytes(): number {
    return this.#resources.reservedBytes;
  }

  /**
   * Sets RAM aside for another content of a version that is loaded, beside what it has. Rejects with resource-exhausted when there is
   * no room, as a load does; with the signal's reason if that aborts while waiting; with not-found when it is not managed.
   */
  async reserveBeside(id: ServableId, ramBytes: number, signal: AbortSignal): Promise<ContentReservation> {
    const managed = this.#find(id);
    const reservation = await this.#resources.reserve(id, ramBytes, signal);
    return {
      taken: () => {
        managed.reservation?.release();
        managed.reservation = reservation;
        // Of one on its way out the end is waited for, whichever content it has.
        if (managed.harness.state === "ready") reservation.settled();
      },
      dropped: () => reservation.release(),
    };
  }

  /**
   * Sets another amount of RAM aside for a version that is being loaded.
   * @throws ServingError resource-exhausted, and keeps what it has, when there is no room for more; not-found when it is not managed.
   */
  resizeReservation(id: ServableId, ramBytes: number): void {
    this.#find(id).reservation?.resize(ramBytes);
  }

  /** The names with a managed version. */
  names(): readonly string[] {
    return [...this.#streams.keys()];
  }

  /** Whether no version is managed. */
  get idle(): boolean {
    return this.#streams.size === 0;
  }

  /** The managed versions of one name in no particular order, as objects that go on to tell the present state. */
  views(name: string): readonly ServableSnapshot[] {
    const stream = this.#streams.get(name);
    return stream === undefined ? [] : Array.from(stream.values(), ({ harness }) => harness);
  }

  /** The managed versions of one name, lowest first, or of all. Those at END stay until {@link BasicManager.stopManaging}. */
  snapshots(name?: string): readonly ServableSnapshot[] {
    if (name === undefined) return this.names().flatMap((each) => this.snapshots(each));
    return this.views(name)
      .map(({ id, state, error }) => ({ id, state, error }))
      .sort((a, b) => (a.id.version < b.id.version ? -1 : 1));
  }

  /** The version's state, undefined when it is not managed. */
  state(id: ServableId): LoaderState | undefined {
    return this.#streams.get(id.name)?.get(id.version)?.harness.state;
  }

  /** Whether the version is managed and its load has not begun; it may wait for its turn. */
  isQueued(id: ServableId): boolean {
    const state = this.state(id);
    return state === "new" || state === "load-requested";
  }

  /**
   * Takes charge of a version and publishes START; of one that carries an error only END with that error.
   * @throws ServingError already-exists when it is managed already.
   */
  manage(item: ServableData<Loader<T>>): void {
    const { name, version } = item.id;
    let stream = this.#streams.get(name);
    if (stream?.has(version)) {
      throw new ServingError("already-exists", `${formatServableId(item.id)} is already managed`);
    }
    if (stream === undefined) {
      stream = new Map();
      this.#streams.set(name, stream);
    }
    const loader = item.error === undefined ? item.data : new FailedLoader<T>(item.error);
    const managed: Managed<T> = {
      harness: new LoaderHarness(item.id, loader, this.#retry, this.#clock),
      reservation: undefined,
    };
    stream.set(version, managed);
    if (item.error === undefined) this.#announce(managed);
    else this.#end(managed, item.error);
  }

  /**
   * Forgets a version that is untouched or at END; an untouched one goes to END first.
   * @throws ServingError not-found when it is not managed, failed-precondition when it is in any other state.
   */
  stopManaging(id: ServableId): void {
    const managed = this.#find(id);
    const { state } = managed.harness;
    if (state === "new") this.#end(managed);
    else if (!isFinished(state)) {
      throw new ServingError(
        "failed-precondition",
        `${formatServableId(id)} is ${state} and cannot be dropped before it has ended`,
      );
    }
    const stream = this.#streams.get(id.name)!;
    stream.delete(id.version);
    if (stream.size === 0) this.#streams.delete(id.name);
  }

  /**
   * Loads and publishes a `new` version; its state has changed when this returns. Resolves when it is `ready`. Rejects when the
   * version ended instead, with the error that END was published with, or when it is not managed or not `new`.
   */
  async load(id: ServableId): Promise<void> {
    const managed = this.#find(id);
    const { harness } = managed;
    harness.moveTo("load-requested");
    try {
      await this.#loads.run(() => this.#loadInSlot(managed), harness.signal);
    } catch (reason) {
      const error = ServingError.from(reason);
      this.#end(managed, error);
      throw error;
    }
  }

  /** Ends a load in progress early, with CANCELLED; without effect in other states. */
  cancelLoad(id: ServableId): void {
    this.#find(id).harness.cancelLoad();
  }

  /**
   * Withdraws and unloads a `ready` version; its state has changed when this returns. Resolves when it is `disabled`. Rejects
   * when the version ended with an error instead, or when it is not managed or not `ready`.
   */
  async unload(id: ServableId): Promise<void> {
    const managed = this.#find(id);
    const { harness } = managed;
    harness.moveTo("unload-requested");
    managed.reservation?.leaving();
    this.#announce(managed);
    harness.moveTo("quiescing");
    try {
      await this.#publisher.retire(id);
    } catch (reason) {
      // It may still be in use, so it is left loaded and its RAM counted: better a leak than a crash.
      managed.reservation?.settled();
      managed.reservation = undefined;
      const error = ServingError.from(reason);
      this.#end(managed, error);
      throw error;
    }
    harness.moveTo("quiesced");
    try {
      await this.#unloads.run(() => {
        harness.moveTo("unloading");
        return harness.unload();
      });
    } catch (reason) {
      const error = ServingError.from(reason);
      this.#end(managed, error);
      throw error;
    }
    this.#end(managed);
  }

  async #loadInSlot(managed: Managed<T>): Promise<void> {
    const { harness } = managed;
    const { ramBytes } = await harness.estimate();
    managed.reservation = await this.#resources.reserve(harness.id, ramBytes, harness.signal);
    harness.moveTo("load-approved");
    harness.moveTo("loading");
    this.#announce(managed);
    const servable = await harness.load();
    try {
      await this.#publisher.publish(harness.id, servable);
    } catch (reason) {
      // Why it could not be published says more than what went wrong in cleaning up.
      await harness.unload().catch(() => undefined);
      throw reason;
    }
    managed.reservation.settled();
    harness.moveTo("ready");
    this.#announce(managed);
  }

  /** State, resources and END change together, so that nobody sees one without the others. */
  #end(managed: Managed<T>, error?: ServingError): void {
    if (error === undefined) managed.harness.moveTo("disabled");
    else managed.harness.fail(error);
    managed.reservation?.release();
    this.#announce(managed);
  }

  #announce({ harness }: Managed<T>): void {
    this.#bus.publish({ id: harness.id, managerState: exposedState(harness.state), health: harness.error });
  }

  #find(id: ServableId): Managed<T> {
    const managed = this.#streams.get(id.name)?.get(id.version);
    if (managed === undefined) throw new ServingError("not-found", `${formatServableId(id)} is not managed`);
    return managed;
  }
}

/** Stands in for the loader of a version that came with an error; never called. */
class FailedLoader<T> implements Loader<T> {
  readonly #error: ServingError;

  constructor(error: ServingError) {
    this.#error = error;
  }

  estimate(): Promise<never> {
    return Promise.reject(this.#error);
  }

  load(): Promise<T> {
    return Promise.reject(this.#error);
  }

  async unload(): Promise<void> {}
}
