import fc from "fast-check";
import { expect, test } from "vitest";
import type { Timer } from "../base/clock.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { AspiredVersionsManager } from "./aspired-versions-manager.ts";
import { availabilityPreservingPolicy } from "./availability-preserving-policy.ts";
import { BasicManager } from "./basic-manager.ts";
import { EventBus } from "./event-bus.ts";
import { FakeLoader } from "./fake-loader.ts";
import { resourcePreservingPolicy } from "./resource-preserving-policy.ts";
import { formatServableId, type ServableId, servableKey } from "./servable-id.ts";
import type { ManagerState, ServableState } from "./servable-state.ts";
import { type ServableHandle, ServingMap } from "./serving-map.ts";

// Random schedules of everything that can happen to the core, against what must always hold.

const RUNS = Number(process.env.MODELPORT_SIMULATION_RUNS ?? 2000);
/** A second is enough for a hundred schedules on any machine. */
const TIME_LIMIT_MS = 30_000 + RUNS * 10;
const NAMES = ["iris", "rose"] as const;
const RAM_LIMIT = 100;

/** `heedful` ones end a load that is cancelled, with a reason of their own. */
type Kind = "good" | "heedful" | "unpublishable" | "error";

type Step =
  | { readonly do: "aspire"; readonly name: string; readonly versions: readonly (readonly [number, Kind])[] }
  | { readonly do: "finish-load" | "fail-load" | "finish-unload" | "release"; readonly which: number }
  | { readonly do: "acquire"; readonly name: string; readonly version: number | undefined }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "load-concurrency"; readonly limit: number };

interface Setting {
  readonly preserve: "availability" | "resources";
  readonly limited: boolean;
  readonly loadThreads: number;
  readonly unloadThreads: number;
  readonly retries: number;
  /** Whether the next list with a version in error has it loaded anew. */
  readonly reloadErrors: boolean;
}

const settings: fc.Arbitrary<Setting> = fc.record({
  preserve: fc.constantFrom("availability", "resources"),
  limited: fc.boolean(),
  loadThreads: fc.integer({ min: 0, max: 3 }),
  unloadThreads: fc.integer({ min: 0, max: 2 }),
  retries: fc.integer({ min: 0, max: 2 }),
  reloadErrors: fc.boolean(),
});

const kinds: fc.Arbitrary<Kind> = fc.constantFrom("good", "good", "heedful", "unpublishable", "error");
const name = fc.constantFrom(...NAMES);
const version = fc.integer({ min: 1, max: 4 });
const which = fc.nat(7);

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("aspire"),
      name,
      versions: fc.uniqueArray(fc.tuple(version, kinds), { maxLength: 3, selector: ([number]) => number }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("finish-load"), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("fail-load"), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("finish-unload"), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("acquire"), name, version: fc.option(version, { nil: undefined }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release"), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance"), ms: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("load-concurrency"), limit: fc.integer({ min: 0, max: 3 }) }) },
);

/** Counts the timers that are still to fire. */
class CountingClock extends FakeClock {
  open = 0;

  override after(delayMs: number, action: () => void): Timer {
    let counted = true;
    const close = () => {
      if (counted) this.open--;
      counted = false;
    };
    this.open++;
    const timer = super.after(delayMs, () => {
      close();
      action();
    });
    return {
      cancel: () => {
        close();
        timer.cancel();
      },
    };
  }
}

/** A loader that complains when it is called against its contract. */
class WatchedLoader extends FakeLoader<WatchedLoader> {
  readonly id: ServableId;
  readonly kind: Kind;
  readonly ramBytes: number;
  /** Between the beginning of a load and its failure, or the end of its unload. */
  holds = false;
  loaded = false;
  handles = 0;
  attempts = 0;
  readonly #world: World;

  constructor(id: ServableId, kind: Kind, world: World) {
    const ramBytes = 20 + Number(id.version) * 15;
    super(undefined as never, { ramBytes });
    this.id = id;
    this.kind = kind;
    this.ramBytes = ramBytes;
    this.#world = world;
  }

  override load(signal: AbortSignal): Promise<WatchedLoader> {
    this.#world.guard(() => {
      hold(!this.loaded, "loaded twice");
      hold(!this.loading && !this.unloading, "called while at work");
    });
    this.holds = true;
    this.attempts++;
    this.#world.guard(() => {
      hold(this.attempts <= 1 + this.#world.setting.retries, "more tries than allowed");
      hold(!signal.aborted, "tried although cancelled");
    });
    const result = super.load(signal);
    const heed = () => this.loading && this.failLoad(new ServingError("internal", "interrupted"));
    if (this.kind === "heedful") signal.addEventListener("abort", heed);
    this.#world.checkLoads();
    return result.then(() => this);
  }

  override unload(): Promise<void> {
    this.#world.guard(() => {
      hold(this.loaded, "unloaded without having been loaded");
      hold(this.handles === 0, "unloaded under a request");
    });
    this.loaded = false;
    return super.unload();
  }

  override finishLoad(): void {
    this.loaded = true;
    super.finishLoad();
  }

  override failLoad(error: ServingError): void {
    this.holds = false;
    super.failLoad(error);
  }

  override finishUnload(): void {
    this.holds = false;
    super.finishUnload();
  }
}

/** The core in one setting, what was asked of it and what it told. */
class World {
  readonly setting: Setting;
  readonly clock = new CountingClock();
  readonly map = new ServingMap<WatchedLoader>();
  readonly manager: BasicManager<WatchedLoader>;
  readonly aspired: AspiredVersionsManager<WatchedLoader>;
  readonly loaders: WatchedLoader[] = [];
  readonly handles: ServableHandle<WatchedLoader>[] = [];
  readonly told = new Map<string, ManagerState>();
  readonly lists = new Map<string, readonly bigint[]>();
  readonly faults: unknown[] = [];
  #highestLoadLimit: number;

  constructor(setting: Setting) {
    this.setting = setting;
    this.#highestLoadLimit = Math.max(1, setting.loadThreads);
    const bus = new EventBus<ServableState>((reason) => this.faults.push(reason));
    bus.subscribe((state) => this.#hear(state));
    const { map } = this;
    this.manager = new BasicManager<WatchedLoader>({
      publisher: {
        publish: (id, loader) =>
          loader.kind === "unpublishable"
            ? Promise.reject(new ServingError("internal", "could not attach"))
            : map.publish(id, loader),
        retire: (id) => map.retire(id),
      },
      bus,
      clock: this.clock,
      numLoadThreads: setting.loadThreads,
      numUnloadThreads: setting.unloadThreads,
      maxLoadRetries: setting.retries,
      loadRetryIntervalMs: 70,
      ...(setting.limited ? { ramLimitBytes: RAM_LIMIT } : {}),
    });
    this.aspired = new AspiredVersionsManager({
      manager: this.manager,
      policy: setting.preserve === "availability" ? availabilityPreservingPolicy : resourcePreservingPolicy,
      clock: this.clock,
      mayReload: () => setting.reloadErrors,
    });
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "aspire":
        this.aspire(
          step.name,
          step.versions.map(([number, kind]) => [BigInt(number), kind]),
        );
        break;
      case "finish-load":
        pick(this.loading(), step.which)?.finishLoad();
        break;
      case "fail-load":
        pick(this.loading(), step.which)?.failLoad(new ServingError("data-loss", "broken"));
        break;
      case "finish-unload":
        pick(this.unloading(), step.which)?.finishUnload();
        break;
      case "acquire":
        this.#acquire(step.name, step.version);
        break;
      case "release":
        this.release(step.which);
        break;
      case "advance":
        await this.clock.advance(step.ms);
        break;
      case "load-concurrency":
        this.#highestLoadLimit = Math.max(this.#highestLoadLimit, step.limit);
        this.manager.setLoadConcurrency(step.limit);
        break;
    }
    // Some steps meet the core in mid-turn.
    if (step.do !== "aspire" || step.versions.length !== 1) await settle();
  }

  aspire(stream: string, versions: readonly (readonly [bigint, Kind])[]): void {
    this.lists.set(
      stream,
      versions.map(([number]) => number),
    );
    this.aspired.setAspiredVersions(
      stream,
      versions.map(([number, kind]) => {
        const id = { name: stream, version: number };
        if (kind === "error") return { id, error: new ServingError("not-found", "no platform") };
        const loader = new WatchedLoader(id, kind, this);
        this.loaders.push(loader);
        return { id, data: loader };
      }),
    );
  }

  loading(): WatchedLoader[] {
    return this.loaders.filter((loader) => loader.loading);
  }

  unloading(): WatchedLoader[] {
    return this.loaders.filter((loader) => loader.unloading);
  }

  release(index: number): void {
    const handle = pick(this.handles, index);
    if (handle === undefined) return;
    this.handles.splice(this.handles.indexOf(handle), 1);
    handle.servable.handles--;
    handle.release();
    handle.release();
  }

  /** What holds whenever a loader begins. */
  checkLoads(): void {
    this.guard(() => {
      hold(this.loading().length <= this.#highestLoadLimit, "too many loads at once");
      if (!this.setting.limited) return;
      const held = this.loaders.filter(({ holds }) => holds).reduce((sum, { ramBytes }) => sum + ramBytes, 0);
      hold(held <= RAM_LIMIT, `${held} bytes of RAM held`);
    });
  }

  /** What holds whenever nothing more happens by itself. */
  checkRest(): void {
    if (this.faults.length > 0) throw this.faults[0];
    const snapshots = this.aspired.snapshots();
    for (const stream of NAMES) {
      const ready = snapshots.filter(({ id, state }) => id.name === stream && state === "ready").map(({ id }) => id.version);
      const served = this.map.versions(stream);
      hold(served.join() === ready.reverse().join(), `${served.join()} of ${stream} served, ${ready.join()} ready`);
    }
    const unloading = snapshots.filter(({ state }) => state === "unloading").length;
    hold(unloading <= Math.max(1, this.setting.unloadThreads), "too many unloads at once");
    for (const { id, servable } of this.handles) hold(servable.loaded, `handle on ${formatServableId(id)}, which is unloaded`);
  }

  /** Ends every load, unload and request until nothing changes any more. */
  async drain(): Promise<void> {
    for (let idle = 0; idle < 2; ) {
      while (this.handles.length > 0) this.release(0);
      const busy = [...this.loading(), ...this.unloading()];
      for (const loader of this.loading()) loader.finishLoad();
      for (const loader of this.unloading()) loader.finishUnload();
      await this.clock.advance(100);
      idle = busy.length === 0 ? idle + 1 : 0;
    }
  }

  /** What has come of the last list of each name, once drained. */
  checkConverged(): void {
    for (const [stream, wanted] of this.lists) {
      const all = this.aspired.snapshots().filter(({ id }) => id.name === stream);
      const inUse = all.filter(({ aspired }) => aspired);
      const old = all.filter(({ aspired }) => !aspired);
      for (const { state } of inUse) expect(["ready", "error"]).toContain(state);
      if (this.setting.preserve === "resources") expect(old).toEqual([]);
      if (old.length > 0) {
        expect(old.map(({ state }) => state)).toEqual(["ready"]);
        expect(inUse.every(({ state }) => state === "error") && inUse.length > 0, "kept for want of a better one").toBe(true);
      }
      // The one version kept may be wanted back: its list then waits.
      if (old.some(({ id }) => wanted.includes(id.version))) continue;
      expect(inUse.map(({ id }) => id.version)).toEqual([...wanted].sort((a, b) => Number(a - b)));
    }
  }

  async stop(): Promise<void> {
    let stopped = false;
    const stop = this.aspired.stop().then(() => {
      stopped = true;
    });
    await this.drain();
    expect(stopped, "stopped").toBe(true);
    await stop;
    this.checkRest();
    expect(this.clock.open, "timers left").toBe(0);
    expect(this.manager.reservedBytes).toBe(0);
    expect(this.manager.snapshots()).toEqual([]);
    expect(this.map.names()).toEqual([]);
    expect(this.loaders.filter(({ holds }) => holds)).toEqual([]);
    expect([...this.told.values()].filter((state) => state !== "END")).toEqual([]);
  }

  #acquire(stream: string, number: number | undefined): void {
    const handle = this.map.acquire(stream, number === undefined ? undefined : BigInt(number));
    if (handle === undefined) return;
    hold(handle.servable.id === handle.id, "another version's servable");
    hold(handle.servable.loaded, "served without being loaded");
    const state = this.told.get(servableKey(handle.id));
    hold(state === "LOADING" || state === "AVAILABLE", `served while ${state}`);
    handle.servable.handles++;
    this.handles.push(handle);
  }

  #hear({ id, managerState, health }: ServableState): void {
    const before = this.told.get(servableKey(id)) ?? "END";
    const follows: Record<ManagerState, ManagerState[]> = {
      END: ["START", "END"],
      START: ["LOADING", "END"],
      LOADING: ["AVAILABLE", "END"],
      AVAILABLE: ["UNLOADING"],
      UNLOADING: ["END"],
    };
    hold(follows[before].includes(managerState), `${formatServableId(id)} ${managerState} after ${before}`);
    hold(managerState === "END" || health === undefined, "an error before END");
    hold(health?.message !== "interrupted", "a cancelled load ended with the loader's reason");
    hold(before !== "END" || managerState !== "END" || health !== undefined, "END without a beginning or an error");
    this.told.set(servableKey(id), managerState);
    if (managerState === "UNLOADING") this.#checkCovered(id);
  }

  /** Preserving availability, the last version leaves only when none is aspired. */
  #checkCovered(id: ServableId): void {
    if (this.setting.preserve !== "availability") return;
    const others = this.aspired.snapshots().filter((other) => other.id.name === id.name && other.id.version !== id.version);
    const covered = others.some(({ state }) => state === "ready") || !others.some(({ aspired }) => aspired);
    hold(covered, `nothing answers for ${id.name}`);
  }

  /** Keeps what a check finds for {@link World.checkRest}: thrown here it would pass for a failing loader. */
  guard(check: () => void): void {
    try {
      check();
    } catch (reason) {
      this.faults.push(reason);
    }
  }
}

/** Quicker than `expect`, for what is checked a million times. */
function hold(condition: boolean, fault: string): void {
  if (!condition) throw new Error(fault);
}

function pick<E>(list: readonly E[], index: number): E | undefined {
  return list.length === 0 ? undefined : list[index % list.length];
}

test(
  "holds its promises in random schedules",
  async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.array(steps, { minLength: 4, maxLength: 20 }), async (setting, schedule) => {
        const world = new World(setting);
        for (const step of schedule) {
          await world.take(step);
          if (step.do !== "aspire") world.checkRest();
        }
        await world.drain();
        world.checkRest();
        world.checkConverged();
        await world.stop();
      }),
      { numRuns: RUNS },
    );
  },
  TIME_LIMIT_MS,
);
