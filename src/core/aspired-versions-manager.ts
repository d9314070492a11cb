import type { Clock, Timer } from "../base/clock.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Action, AspiredVersionPolicy, VersionView } from "./aspired-version-policy.ts";
import type { BasicManager, ServableSnapshot } from "./basic-manager.ts";
import type { Loader } from "./loader.ts";
import { isFinished } from "./loader-state.ts";
import type { ServableData } from "./servable-data.ts";
import { formatServableId, type ServableId } from "./servable-id.ts";
import type { Target } from "./target.ts";

/** Names looked at without letting the thread do other work: thousands of them would else block it at start-up. */
const MOST_REVIEWS_AT_ONCE = 256;

/** What an {@link AspiredVersionsManager} works with. */
export interface AspiredVersionsManagerOptions<T> {
  /** Does the loading; nobody else may give it orders. */
  readonly manager: BasicManager<T>;
  readonly policy: AspiredVersionPolicy;
  readonly clock: Clock;
  /** Milliseconds between turns over all names that are not at rest. Default 100. */
  readonly manageIntervalMs?: number;
  /** Whether a version in error is tried anew, asked when a later list still has it. Default: never. */
  readonly mayReload?: (id: ServableId) => boolean;
}

/** One managed version with its aspired flag. */
export interface AspiredSnapshot extends ServableSnapshot {
  readonly aspired: boolean;
}

/**
 * Brings what is loaded in line with what is aspired, one action a turn: unloads before loads over all names, and for each name
 * what the policy says.
 *
 * A turn comes at once after a new list, an action and the end of an action, and every 100 ms for all names but those at rest,
 * whose versions are all aspired and ready or in error. It looks at each name concerned: drops versions that are finished (or
 * untouched) and no longer aspired, takes the name's pending list, asks the policy. A list with a version that was un-aspired
 * and is not gone waits until that one is gone.
 */
export class AspiredVersionsManager<T> implements Target<Loader<T>> {
  readonly #manager: BasicManager<T>;
  readonly #policy: AspiredVersionPolicy;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #mayReload: (id: ServableId) => boolean;

  /** The aspired ones among the managed versions. */
  readonly #aspired = new Map<string, Set<bigint>>();
  readonly #pending = new Map<string, readonly ServableData<Loader<T>>[]>();
  /** Names to look at in the next turn. */
  readonly #due = new Set<string>();
  /** What the policy said of each name when it was looked at last. */
  readonly #unloads = new Map<string, bigint>();
  readonly #loads = new Map<string, bigint>();
  /** Names that are not at rest: a list waits, or a version is not both aspired and ready or in error. */
  readonly #restless = new Set<string>();
  #prompted = false;
  #reviewsAtOnce = 0;
  #caughtUp: Deferred<void> | undefined;
  #timer: Timer;
  #stopped: Deferred<void> | undefined;

  constructor(options: AspiredVersionsManagerOptions<T>) {
    this.#manager = options.manager;
    this.#policy = options.policy;
    this.#clock = options.clock;
    this.#intervalMs = options.manageIntervalMs ?? 100;
    this.#mayReload = options.mayReload ?? (() => false);
    this.#timer = this.#clock.after(this.#intervalMs, this.#tick);
  }

  /**
   * As {@link Target.setAspiredVersions}; of a version listed twice the first item counts. Without effect after `stop`.
   * @throws ServingError invalid-argument when an item is of another name; nothing of the list is taken then.
   */
  setAspiredVersions(name: string, versions: readonly ServableData<Loader<T>>[]): void {
    const stranger = versions.find(({ id }) => id.name !== name);
    if (stranger !== undefined) {
      const found = formatServableId(stranger.id);
      throw new ServingError(
        "invalid-argument",
        `a list of versions of "${name}" holds ${found}: every item must carry the list's name`,
      );
    }
    if (this.#stopped !== undefined) return;
    this.#pending.set(name, versions);
    this.#prompt(name);
  }

  /**
   * Resolves once every list given before has had its turn, so that a later one replaces none of them unseen; one that has to wait
   * until a version is gone has had it.
   */
  async caughtUp(): Promise<void> {
    if (this.#due.size === 0) return;
    this.#caughtUp ??= deferred();
    await this.#caughtUp.promise;
  }

  /** Every managed version, by name and lowest version first within one. */
  snapshots(): readonly AspiredSnapshot[] {
    return this.#manager.snapshots().map((snapshot) => ({ ...snapshot, aspired: this.#isAspired(snapshot.id) }));
  }

  /**
   * Cancels loads, unloads everything and ends the timer; resolves when nothing is managed any more, so after the last handle is
   * back. Lists that come later are ignored. May be called again.
   */
  stop(): Promise<void> {
    if (this.#stopped === undefined) {
      this.#stopped = deferred();
      this.#pending.clear();
      for (const name of this.#manager.names()) {
        for (const { id } of this.#manager.views(name)) this.#unaspire(id);
        this.#due.add(name);
      }
      this.#promptTurn();
    }
    return this.#stopped.promise;
  }

  readonly #tick = (): void => {
    this.#timer = this.#clock.after(this.#intervalMs, this.#tick);
    this.#reviewsAtOnce = 0;
    for (const name of this.#restless) this.#prompt(name);
  };

  #prompt(name: string): void {
    this.#due.add(name);
    this.#promptTurn();
  }

  #promptTurn(): void {
    if (this.#prompted) return;
    this.#prompted = true;
    if (this.#reviewsAtOnce < MOST_REVIEWS_AT_ONCE) queueMicrotask(this.#turn);
    else this.#clock.after(0, this.#turnAfresh);
  }

  /** A turn after other work of the thread had its chance. */
  readonly #turnAfresh = (): void => {
    this.#reviewsAtOnce = 0;
    this.#turn();
  };

  readonly #turn = (): void => {
    this.#prompted = false;
    for (const name of this.#due) {
      this.#due.delete(name);
      this.#review(name);
      if (++this.#reviewsAtOnce >= MOST_REVIEWS_AT_ONCE) break;
    }
    if (this.#due.size > 0) this.#promptTurn();
    else {
      this.#caughtUp?.resolve();
      this.#caughtUp = undefined;
    }
    this.#act();
    if (this.#stopped !== undefined && this.#manager.idle) {
      this.#timer.cancel();
      this.#stopped.resolve();
    }
  };

  #review(name: string): void {
    this.#dropFinished(name);
    if (this.#takePending(name)) this.#dropFinished(name);
    const views = this.#manager
      .views(name)
      .map(({ id, state }): VersionView => ({ version: id.version, aspired: this.#isAspired(id), state }));
    const atRest = views.every(({ aspired, state }) => aspired && (state === "ready" || state === "error"));
    if (atRest && !this.#pending.has(name)) this.#restless.delete(name);
    else this.#restless.add(name);
    this.#unloads.delete(name);
    this.#loads.delete(name);
    const action = this.#decide(views);
    if (action === undefined) return;
    if ("unload" in action) this.#unloads.set(name, action.unload);
    else this.#loads.set(name, action.load);
  }

  #dropFinished(name: string): void {
    for (const { id, state } of this.#manager.views(name)) {
      if (!this.#isAspired(id) && (state === "new" || isFinished(state))) this.#manager.stopManaging(id);
    }
  }

  /** Returns whether the name's pending list was taken. */
  #takePending(name: string): boolean {
    const list = this.#pending.get(name);
    if (list === undefined) return false;
    if (list.some(({ id }) => this.#manager.state(id) !== undefined && !this.#isAspired(id))) return false;
    this.#pending.delete(name);
    const wanted = new Set(list.map(({ id }) => id.version));
    for (const version of this.#aspired.get(name) ?? []) if (!wanted.has(version)) this.#unaspire({ name, version });
    for (const item of list) if (wanted.delete(item.id.version)) this.#aspire(item);
    return true;
  }

  #aspire(item: ServableData<Loader<T>>): void {
    const { id } = item;
    const state = this.#manager.state(id);
    const again = state === "error" && item.error === undefined && this.#mayReload(id);
    if (again) this.#manager.stopManaging(id);
    if (again || state === undefined) this.#manager.manage(item);
    const aspired = this.#aspired.get(id.name);
    if (aspired === undefined) this.#aspired.set(id.name, new Set([id.version]));
    else aspired.add(id.version);
  }

  #unaspire(id: ServableId): void {
    const aspired = this.#aspired.get(id.name);
    if (!aspired?.delete(id.version)) return;
    if (aspired.size === 0) this.#aspired.delete(id.name);
    this.#manager.cancelLoad(id);
  }

  #isAspired({ name, version }: ServableId): boolean {
    return this.#aspired.get(name)?.has(version) ?? false;
  }

  #decide(views: readonly VersionView[]): Action | undefined {
    if (this.#stopped === undefined) return this.#policy(views);
    const ready = views.find(({ state }) => state === "ready");
    return ready && { unload: ready.version };
  }

  #act(): void {
    const unload = first(this.#unloads);
    if (unload !== undefined) {
      this.#follow(unload.name, this.#manager.unload(unload));
      return;
    }
    // One of the names still to be looked at may have something to unload first.
    if (this.#due.size > 0) return;
    const load = first(this.#loads);
    if (load !== undefined) this.#follow(load.name, this.#manager.load(load));
  }

  /** Looks at the name again now that the action has begun, and once it ends; how it ended is in the version's state. */
  #follow(name: string, action: Promise<void>): void {
    this.#prompt(name);
    const ended = () => this.#prompt(name);
    action.then(ended, ended);
  }
}

function first(versions: ReadonlyMap<string, bigint>): ServableId | undefined {
  for (const [name, version] of versions) return { name, version };
  return undefined;
}
