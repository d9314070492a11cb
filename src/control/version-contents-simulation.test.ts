import fc from "fast-check";
import { expect, test } from "vitest";
import { type Deferred, deferred } from "../base/deferred.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { AspiredVersionsManager } from "../core/aspired-versions-manager.ts";
import { availabilityPreservingPolicy } from "../core/availability-preserving-policy.ts";
import { BasicManager } from "../core/basic-manager.ts";
import { EventBus } from "../core/event-bus.ts";
import type { Loader } from "../core/loader.ts";
import { type ServableId, servableKey } from "../core/servable-id.ts";
import type { ServableState } from "../core/servable-state.ts";
import type { SharedModel } from "../model/runtime.ts";
import { VersionContents } from "./version-contents.ts";

// Random schedules of base paths that move while versions come and go, against what must always hold.

const RUNS = Number(process.env.MODELPORT_SIMULATION_RUNS ?? 300);
/** A second is enough for a hundred schedules on any machine. */
const TIME_LIMIT_MS = 30_000 + RUNS * 10;
const NAME = "m";
const PATHS = ["/a", "/b", "/c"] as const;
const RAM_BYTES: Readonly<Record<string, number>> = { "/a": 20, "/b": 30, "/c": 40 };
const broken = new ServingError("data-loss", "broken");

type Step =
  | { readonly do: "want"; readonly path: string; readonly versions: readonly number[] }
  | { readonly do: "end"; readonly which: number; readonly well: boolean }
  | { readonly do: "advance" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("want"),
      path: fc.constantFrom(...PATHS),
      versions: fc.uniqueArray(fc.integer({ min: 1, max: 2 }), { maxLength: 2 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("end"), which: fc.nat(5), well: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("advance") }) },
);

/** Something that was begun and that the schedule ends. */
interface Work {
  readonly mayFail: boolean;
  readonly over: Deferred<void>;
}

class World {
  readonly clock = new FakeClock();
  readonly work = new Set<Work>();
  /** What may answer requests, by version: during a replacement both contents. */
  readonly answering = new Map<string, Set<SharedModel>>();
  readonly loaded = new Set<SharedModel>();
  readonly faults: string[] = [];
  readonly basic: BasicManager<SharedModel>;
  readonly manager: AspiredVersionsManager<SharedModel>;
  readonly contents: VersionContents;
  readonly renewed = new Set<string>();

  constructor(ramLimitBytes: number | undefined) {
    const bus = new EventBus<ServableState>();
    this.contents = new VersionContents({
      threads: {
        publish: async (id, model) => {
          this.answering.set(servableKey(id), new Set([model]));
          await this.begin(true).catch((reason: unknown) => {
            this.answering.delete(servableKey(id));
            throw reason;
          });
        },
        retire: async (id) => {
          await this.begin(false);
          this.answering.delete(servableKey(id));
        },
        replace: async (id, model) => {
          const answering = this.answering.get(servableKey(id));
          if (answering === undefined) this.faults.push("a version that does not serve was replaced");
          const [before] = answering ?? [];
          answering?.add(model);
          const good = await this.begin(true).then(
            () => true,
            () => false,
          );
          answering?.delete(good ? before! : model);
          if (!good) throw broken;
        },
      },
      makeLoader: (_id, path) => this.loader(path),
      isQueued: (id) => this.basic.isQueued(id),
      reserve: (id, ramBytes, signal) => this.basic.reserveBeside(id, ramBytes, signal),
      resize: (id, ramBytes) => this.basic.resizeReservation(id, ramBytes),
      inPlace: true,
      onMoved: (id) => this.renewed.add(servableKey(id)),
      onRefused: () => undefined,
    });
    this.basic = new BasicManager<SharedModel>({
      publisher: this.contents,
      bus,
      clock: this.clock,
      numLoadThreads: 1,
      numUnloadThreads: 2,
      maxLoadRetries: 1,
      loadRetryIntervalMs: 50,
      ...(ramLimitBytes !== undefined && { ramLimitBytes }),
    });
    bus.subscribe((state) => {
      if (state.managerState === "END") this.contents.ended(state);
    });
    this.manager = new AspiredVersionsManager<SharedModel>({
      manager: this.basic,
      clock: this.clock,
      policy: availabilityPreservingPolicy,
      mayReload: (id) => this.renewed.delete(servableKey(id)),
    });
  }

  async begin(mayFail: boolean): Promise<void> {
    const work = { mayFail, over: deferred<void>() };
    this.work.add(work);
    await work.over.promise;
  }

  end(work: Work, well: boolean): void {
    this.work.delete(work);
    if (well || !work.mayFail) work.over.resolve();
    else work.over.reject(broken);
  }

  loader(path: string): Loader<SharedModel> {
    const model = { path } as unknown as SharedModel;
    return {
      estimate: async () => ({ ramBytes: RAM_BYTES[path]! }),
      load: async () => {
        if (this.loaded.has(model)) this.faults.push("a content was loaded twice");
        await this.begin(true);
        this.loaded.add(model);
        return model;
      },
      unload: async () => {
        for (const answering of this.answering.values()) {
          if (answering.has(model)) this.faults.push("a content was unloaded that may still answer");
        }
        if (!this.loaded.delete(model)) this.faults.push("a content was unloaded that was not loaded");
        await this.begin(false);
      },
    };
  }

  want(path: string, versions: readonly number[]): void {
    const ids = versions.map((version): ServableId => ({ name: NAME, version: BigInt(version) }));
    this.manager.setAspiredVersions(
      NAME,
      ids.map((id) => ({ id, data: this.contents.loader(id, path) })),
    );
  }

  /** Ends all that is begun, and what comes of it. */
  async calm(): Promise<void> {
    for (let turn = 0; turn < 60; turn++) {
      for (const work of this.work) this.end(work, true);
      await this.clock.advance(20);
    }
  }
}

test(
  "a content answers only while it is loaded, and at the end each is unloaded once and no memory is held",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 25 }), fc.constantFrom(undefined, 100), async (schedule, ramLimitBytes) => {
        const world = new World(ramLimitBytes);
        for (const step of schedule) {
          if (step.do === "want") world.want(step.path, step.versions);
          else if (step.do === "advance") await world.clock.advance(60);
          else {
            const works = [...world.work];
            if (works.length > 0) world.end(works[step.which % works.length]!, step.well);
          }
          await settle();
        }
        await world.calm();
        world.contents.forgive();
        world.want("/b", [1]);
        world.want("/c", [1]);
        await world.calm();
        // Where there is room, the last wish is fulfilled; a version that failed at that very path stays at END.
        if (ramLimitBytes === undefined && world.basic.state({ name: NAME, version: 1n }) === "ready") {
          const [content] = world.answering.get(`1/${NAME}`) ?? [];
          expect(content).toEqual({ path: "/c" });
        }
        const serving = [...world.answering.values()].flatMap((contents) => [...contents]);
        expect(new Set(serving)).toEqual(world.loaded);
        const held = serving.reduce((sum, content) => sum + RAM_BYTES[(content as unknown as { path: string }).path]!, 0);
        expect(world.basic.reservedBytes).toBe(held);
        const stopped = world.manager.stop();
        await world.calm();
        await stopped;
        expect([world.faults, world.loaded.size, world.answering.size, world.basic.reservedBytes]).toEqual([[], 0, 0, 0]);
      }),
      { numRuns: RUNS },
    );
  },
  TIME_LIMIT_MS,
);
