import { describe, expect, test } from "vitest";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import type { AspiredVersionPolicy } from "./aspired-version-policy.ts";
import { AspiredVersionsManager } from "./aspired-versions-manager.ts";
import { availabilityPreservingPolicy } from "./availability-preserving-policy.ts";
import { BasicManager, type BasicManagerOptions } from "./basic-manager.ts";
import { EventBus } from "./event-bus.ts";
import { FakeLoader } from "./fake-loader.ts";
import type { Loader } from "./loader.ts";
import { resourcePreservingPolicy } from "./resource-preserving-policy.ts";
import type { ServableData } from "./servable-data.ts";
import type { ServableState } from "./servable-state.ts";
import { ServingMap } from "./serving-map.ts";
import { SourceAdapter } from "./source-adapter.ts";

const broken = new ServingError("data-loss", "model.onnx is cut short");

interface Setting extends Partial<BasicManagerOptions<string>> {
  readonly policy?: AspiredVersionPolicy;
  readonly mayReload?: () => boolean;
}

/** The whole core with fake loaders: what is aspired, what the loaders are asked, what is published. */
function core({ policy = availabilityPreservingPolicy, mayReload = () => false, ...options }: Setting = {}) {
  const clock = new FakeClock();
  const map = new ServingMap<string>();
  const bus = new EventBus<ServableState>();
  const log: string[] = [];
  bus.subscribe(({ id, managerState, health }) =>
    log.push(`${managerState} ${id.name} ${id.version}${health === undefined ? "" : `: ${health.message}`}`),
  );
  const basic = new BasicManager<string>({
    publisher: map,
    bus,
    clock,
    numLoadThreads: 8,
    numUnloadThreads: 8,
    maxLoadRetries: 0,
    ...options,
  });
  const manager = new AspiredVersionsManager<string>({ manager: basic, policy, clock, mayReload });
  const loaders = new Map<string, FakeLoader[]>();

  const item = (name: string, version: bigint, prompt: boolean, ramBytes = 0): ServableData<Loader<string>> => {
    const loader = new FakeLoader(`${name} ${version}`, { prompt, ramBytes });
    const key = `${name} ${version}`;
    loaders.set(key, [...(loaders.get(key) ?? []), loader]);
    return { id: { name, version }, data: loader };
  };
  return {
    clock,
    map,
    bus,
    log,
    manager,
    item,
    /** Aspires to versions whose loaders wait to be told. */
    aspire: async (name: string, ...versions: bigint[]) => {
      manager.setAspiredVersions(
        name,
        versions.map((version) => item(name, version, false)),
      );
      await settle();
    },
    /** Aspires to versions whose loaders end at once. */
    aspirePrompt: async (name: string, ...versions: bigint[]) => {
      manager.setAspiredVersions(
        name,
        versions.map((version) => item(name, version, true)),
      );
      await settle();
    },
    /** The loader that came first (or n-th) for a version. */
    loader: (name: string, version: bigint, nth = 0) => loaders.get(`${name} ${version}`)![nth]!,
    states: () =>
      manager.snapshots().map(({ id, state, aspired }) => `${id.name} ${id.version} ${state}${aspired ? "" : " un-aspired"}`),
  };
}

describe("lists", () => {
  test("loads what is aspired, without waiting for the next turn of the clock", async () => {
    const { aspirePrompt, map, states, log } = core();
    await aspirePrompt("iris", 1n, 2n);
    expect(map.versions("iris")).toEqual([2n, 1n]);
    expect(states()).toEqual(["iris 1 ready", "iris 2 ready"]);
    // The highest is asked for first.
    expect(log.filter((line) => line.startsWith("LOADING"))).toEqual(["LOADING iris 2", "LOADING iris 1"]);
  });

  test("unloads everything for an empty list, and forgets it", async () => {
    const { aspirePrompt, map, states, log } = core();
    await aspirePrompt("iris", 1n, 2n);
    await aspirePrompt("iris");
    expect(map.names()).toEqual([]);
    expect(states()).toEqual([]);
    expect(log.slice(-4)).toEqual(["UNLOADING iris 1", "UNLOADING iris 2", "END iris 1", "END iris 2"]);
  });

  test("an empty list for an unknown name does nothing", async () => {
    const { aspire, states, log } = core();
    await aspire("iris");
    expect(states()).toEqual([]);
    expect(log).toEqual([]);
  });

  test("leaves versions that stay aspired as they are, with their first loader", async () => {
    const { aspirePrompt, aspire, loader, log } = core();
    await aspirePrompt("iris", 1n);
    const before = [...log];
    await aspire("iris", 1n);
    expect(log).toEqual(before);
    expect(loader("iris", 1n, 1).calls).toEqual([]);
  });

  test("a later list replaces an earlier one that was not acted upon", async () => {
    const { manager, item, map, loader } = core();
    manager.setAspiredVersions("iris", [item("iris", 1n, true)]);
    manager.setAspiredVersions("iris", [item("iris", 2n, true)]);
    await settle();
    expect(map.versions("iris")).toEqual([2n]);
    expect(loader("iris", 1n).calls).toEqual([]);
  });

  test("un-aspiring and aspiring again in one breath changes nothing", async () => {
    const { manager, item, aspirePrompt, loader, log } = core();
    await aspirePrompt("iris", 1n);
    const before = [...log];
    manager.setAspiredVersions("iris", []);
    manager.setAspiredVersions("iris", [item("iris", 1n, true)]);
    await settle();
    expect(log).toEqual(before);
    expect(loader("iris", 1n).calls).toEqual(["estimate", "load"]);
  });

  test("are caught up with once each name had its turn, however many there are", async () => {
    const { manager, item, states, clock } = core();
    for (let i = 0; i < 600; i++) manager.setAspiredVersions(`m${i}`, [item(`m${i}`, 1n, false)]);
    let caughtUp = false;
    void manager.caughtUp().then(() => (caughtUp = true));
    await settle();
    expect([caughtUp, states().length]).toEqual([false, 256]);
    await clock.advance(0);
    expect([caughtUp, states().length]).toEqual([true, 600]);
    await manager.caughtUp();
  });

  test("of a version listed twice the first item counts", async () => {
    const { aspirePrompt, loader } = core();
    await aspirePrompt("iris", 1n, 1n);
    expect(loader("iris", 1n, 0).calls).toEqual(["estimate", "load"]);
    expect(loader("iris", 1n, 1).calls).toEqual([]);
  });

  test("refuses a list with a version of another name, as a whole", async () => {
    const { manager, item, states } = core();
    const list = [item("iris", 1n, true), item("rose", 2n, true)];
    expect(() => manager.setAspiredVersions("iris", list)).toThrow('a list of versions of "iris" holds {name: rose version: 2}');
    await settle();
    expect(states()).toEqual([]);
  });

  test("names that mean something to objects are names like others", async () => {
    const { aspirePrompt, map } = core();
    for (const name of ["__proto__", "constructor"]) await aspirePrompt(name, 1n);
    expect(map.names()).toEqual(["__proto__", "constructor"]);
  });

  test("lists that come while events are told are taken", async () => {
    const { manager, item, aspirePrompt, map, bus } = core();
    bus.subscribe(({ id: { version }, managerState }) => {
      if (version === 1n && managerState === "START") manager.setAspiredVersions("iris", [item("iris", 2n, true)]);
    });
    await aspirePrompt("iris", 1n);
    expect(map.versions("iris")).toEqual([2n]);
  });
});

describe("re-aspired versions", () => {
  test("a list waits until a version it wants back is gone, then loads it with the new loader", async () => {
    const { aspirePrompt, map, states, log, loader } = core();
    await aspirePrompt("iris", 1n);
    const handle = map.acquire("iris")!;
    await aspirePrompt("iris");
    await aspirePrompt("iris", 1n, 2n);
    expect(states()).toEqual(["iris 1 quiescing un-aspired"]);
    handle.release();
    await settle();
    expect(states()).toEqual(["iris 1 ready", "iris 2 ready"]);
    expect(loader("iris", 1n, 0).calls).toEqual(["estimate", "load", "unload"]);
    expect(loader("iris", 1n, 1).calls).toEqual(["estimate", "load"]);
    expect(log.filter((line) => line.includes("iris 1"))).toEqual([
      "START iris 1",
      "LOADING iris 1",
      "AVAILABLE iris 1",
      "UNLOADING iris 1",
      "END iris 1",
      "START iris 1",
      "LOADING iris 1",
      "AVAILABLE iris 1",
    ]);
  });

  test("a later list replaces one that waits", async () => {
    const { aspirePrompt, map, states } = core();
    await aspirePrompt("iris", 1n);
    const handle = map.acquire("iris")!;
    await aspirePrompt("iris");
    await aspirePrompt("iris", 1n);
    await aspirePrompt("iris", 3n);
    expect(map.versions("iris")).toEqual([3n]);
    handle.release();
    await settle();
    expect(states()).toEqual(["iris 3 ready"]);
  });

  test("a load cancelled by un-aspiring may be wanted again once it has ended", async () => {
    const { aspire, loader, states } = core();
    await aspire("iris", 1n);
    await aspire("iris");
    await aspire("iris", 1n);
    expect(states()).toEqual(["iris 1 loading un-aspired"]);
    loader("iris", 1n).failLoad(broken);
    await settle();
    loader("iris", 1n, 1).finishLoad();
    await settle();
    expect(states()).toEqual(["iris 1 ready"]);
  });

  test("one name that waits holds up no other", async () => {
    const { aspirePrompt, map } = core();
    await aspirePrompt("iris", 1n);
    map.acquire("iris");
    await aspirePrompt("iris");
    await aspirePrompt("iris", 1n);
    await aspirePrompt("rose", 1n);
    expect(map.versions("rose")).toEqual([1n]);
  });
});

describe("versions in error", () => {
  test("an item that carries an error ends at once, beside good ones", async () => {
    const { manager, item, map, log } = core();
    manager.setAspiredVersions("iris", [{ id: { name: "iris", version: 2n }, error: broken }, item("iris", 1n, true)]);
    await settle();
    expect(map.versions("iris")).toEqual([1n]);
    expect(log.filter((line) => line.includes("iris 2"))).toEqual(["END iris 2: model.onnx is cut short"]);
  });

  test("a failed load touches no other name or version", async () => {
    const { aspire, aspirePrompt, loader, states } = core();
    await aspire("iris", 1n, 2n);
    await aspirePrompt("rose", 1n);
    loader("iris", 2n).failLoad(broken);
    loader("iris", 1n).finishLoad();
    await settle();
    expect(states()).toEqual(["iris 1 ready", "iris 2 error", "rose 1 ready"]);
  });

  test("stay in error while they stay aspired", async () => {
    const { aspire, aspirePrompt, loader, states, clock } = core();
    await aspire("iris", 1n);
    loader("iris", 1n).failLoad(broken);
    await aspirePrompt("iris", 1n);
    await clock.advance(1000);
    expect(states()).toEqual(["iris 1 error"]);
    expect(loader("iris", 1n, 1).calls).toEqual([]);
  });

  test("are tried anew after they were un-aspired", async () => {
    const { aspire, aspirePrompt, loader, states } = core();
    await aspire("iris", 1n);
    loader("iris", 1n).failLoad(broken);
    await aspire("iris");
    expect(states()).toEqual([]);
    await aspirePrompt("iris", 1n);
    expect(states()).toEqual(["iris 1 ready"]);
  });

  test("are tried anew by the next list when that is enabled, unless it has only an error for them", async () => {
    const { manager, aspire, aspirePrompt, loader, states, log } = core({ mayReload: () => true });
    await aspire("iris", 1n);
    loader("iris", 1n).failLoad(broken);
    await settle();
    manager.setAspiredVersions("iris", [{ id: { name: "iris", version: 1n }, error: broken }]);
    await settle();
    expect(states()).toEqual(["iris 1 error"]);
    await aspirePrompt("iris", 1n);
    expect(states()).toEqual(["iris 1 ready"]);
    expect(log.filter((line) => line.startsWith("END"))).toHaveLength(1);
  });

  test("a failed new version keeps the old one serving, and a further one takes over", async () => {
    const { aspire, aspirePrompt, loader, map, states } = core();
    await aspirePrompt("iris", 1n);
    await aspire("iris", 2n);
    loader("iris", 2n).failLoad(broken);
    await settle();
    expect(map.versions("iris")).toEqual([1n]);
    await aspirePrompt("iris", 3n);
    expect(states()).toEqual(["iris 3 ready"]);
  });
});

describe("un-aspiring a load", () => {
  test("cancels the retries", async () => {
    const { aspire, loader, clock, states, log } = core({ maxLoadRetries: 10, loadRetryIntervalMs: 1000 });
    await aspire("iris", 1n);
    loader("iris", 1n).failLoad(broken);
    await clock.advance(1000);
    expect(loader("iris", 1n).calls).toEqual(["estimate", "load", "load"]);
    loader("iris", 1n).failLoad(broken);
    await aspire("iris");
    expect(log.at(-1)).toBe("END iris 1: Loading of servable cancelled");
    expect(states()).toEqual([]);
    await clock.advance(10_000);
    expect(loader("iris", 1n).calls).toEqual(["estimate", "load", "load"]);
  });

  test("unloads what was loaded all the same, and never serves it", async () => {
    const { aspire, loader, map, log, states } = core();
    await aspire("iris", 1n);
    await aspire("iris");
    loader("iris", 1n).finishLoad();
    await settle();
    expect(map.names()).toEqual([]);
    loader("iris", 1n).finishUnload();
    await settle();
    expect(log).toEqual(["START iris 1", "LOADING iris 1", "END iris 1: Loading of servable cancelled"]);
    expect(states()).toEqual([]);
  });

  test("drops one that has not begun, with END", async () => {
    const { aspirePrompt, aspire, map, log, loader } = core({ policy: resourcePreservingPolicy });
    await aspirePrompt("iris", 1n);
    map.acquire("iris");
    await aspire("iris", 2n);
    await aspire("iris", 3n);
    expect(log.filter((line) => line.includes("iris 2"))).toEqual(["START iris 2", "END iris 2"]);
    expect(loader("iris", 2n).calls).toEqual([]);
  });
});

describe("policies", () => {
  test("availability preserving: the old version serves until the new one is ready", async () => {
    const { aspirePrompt, aspire, loader, map, log } = core();
    await aspirePrompt("iris", 1n);
    await aspire("iris", 2n);
    expect(map.versions("iris")).toEqual([1n]);
    loader("iris", 2n).finishLoad();
    await settle();
    expect(map.versions("iris")).toEqual([2n]);
    expect(log.slice(-3)).toEqual(["AVAILABLE iris 2", "UNLOADING iris 1", "END iris 1"]);
  });

  test("resource preserving: the old version is gone before the new one loads", async () => {
    const { aspirePrompt, map, log } = core({ policy: resourcePreservingPolicy });
    await aspirePrompt("iris", 1n);
    const handle = map.acquire("iris")!;
    await aspirePrompt("iris", 2n);
    expect(log.slice(-2)).toEqual(["START iris 2", "UNLOADING iris 1"]);
    handle.release();
    await settle();
    expect(log.slice(-3)).toEqual(["END iris 1", "LOADING iris 2", "AVAILABLE iris 2"]);
  });

  test("unloads come before loads over all names", async () => {
    const { manager, item, aspirePrompt, log } = core();
    await aspirePrompt("iris", 1n);
    log.length = 0;
    manager.setAspiredVersions("rose", [item("rose", 1n, true)]);
    manager.setAspiredVersions("iris", []);
    await settle();
    expect(log.indexOf("UNLOADING iris 1")).toBeLessThan(log.indexOf("LOADING rose 1"));
  });

  test("is asked again every 100 ms, for all names", async () => {
    let open = false;
    const { aspirePrompt, clock, states } = core({ policy: (views) => (open ? availabilityPreservingPolicy(views) : undefined) });
    await aspirePrompt("iris", 1n);
    await aspirePrompt("rose", 1n);
    open = true;
    await clock.advance(99);
    expect(states()).toEqual(["iris 1 new", "rose 1 new"]);
    await clock.advance(1);
    expect(states()).toEqual(["iris 1 ready", "rose 1 ready"]);
  });

  test("a version without room ends with an error and the old one stays", async () => {
    const { manager, item, map, log } = core({ ramLimitBytes: 100 });
    manager.setAspiredVersions("iris", [item("iris", 1n, true, 60)]);
    await settle();
    manager.setAspiredVersions("iris", [item("iris", 2n, true, 60)]);
    await settle();
    expect(map.versions("iris")).toEqual([1n]);
    expect(log.at(-1)).toBe("END iris 2: Insufficient resources to load servable {name: iris version: 2}");
  });

  test("a version of one name takes the room that another name leaves", async () => {
    const { manager, item, map } = core({ ramLimitBytes: 100 });
    manager.setAspiredVersions("iris", [item("iris", 1n, true, 60)]);
    await settle();
    manager.setAspiredVersions("rose", [item("rose", 1n, true, 60)]);
    manager.setAspiredVersions("iris", []);
    await settle();
    expect(map.names()).toEqual(["rose"]);
  });
});

describe("at once", () => {
  test("many names load side by side, and a slow one holds up none", async () => {
    const { aspire, aspirePrompt, loader, map } = core({ numLoadThreads: 2 });
    await aspire("slow", 1n);
    for (let number = 0; number < 50; number++) await aspirePrompt(`model-${number}`, 1n);
    expect(map.names()).toHaveLength(50);
    expect(loader("slow", 1n).loading).toBe(true);
  });

  test("thousands of names leave the thread free now and then, and still unload before they load", async () => {
    const { manager, item, aspirePrompt, map, clock, log } = core();
    await aspirePrompt("old", 1n);
    log.length = 0;
    for (let number = 0; number < 1000; number++) manager.setAspiredVersions(`m${number}`, [item(`m${number}`, 1n, true)]);
    manager.setAspiredVersions("old", []);
    await settle();
    expect(map.names().length).toBeLessThan(1000);
    await clock.advance(1);
    expect(map.names()).toHaveLength(1000);
    const unloaded = log.indexOf("UNLOADING old 1");
    expect(unloaded).toBeGreaterThan(-1);
    expect(unloaded).toBeLessThan(log.findIndex((line) => line.startsWith("LOADING")));
  });

  test("a request on one version holds up only that version's unload", async () => {
    const { aspirePrompt, map, states } = core();
    await aspirePrompt("iris", 1n);
    map.acquire("iris", 1n);
    await aspirePrompt("iris", 2n);
    await aspirePrompt("iris", 3n);
    expect(states()).toEqual(["iris 1 quiescing un-aspired", "iris 3 ready"]);
    expect(map.versions("iris")).toEqual([3n]);
  });
});

describe("stopping", () => {
  test("cancels loads, unloads everything after its handles, and ends the timer", async () => {
    const { manager, aspire, aspirePrompt, loader, map, clock, log } = core({ maxLoadRetries: 5 });
    await aspirePrompt("iris", 1n, 2n);
    await aspire("rose", 1n);
    await aspire("moss", 1n);
    loader("moss", 1n).failLoad(broken);
    const handle = map.acquire("iris", 2n)!;
    let stopped = false;
    const stop = manager.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(map.names()).toEqual([]);
    loader("rose", 1n).failLoad(broken);
    await settle();
    expect(stopped).toBe(false);
    handle.release();
    await stop;
    expect(manager.snapshots()).toEqual([]);
    expect(log.filter((line) => line.startsWith("END"))).toHaveLength(4);
    await manager.stop();

    let ticks = 0;
    const after = clock.after.bind(clock);
    clock.after = (...args) => {
      ticks++;
      return after(...args);
    };
    await clock.advance(1000);
    expect(ticks).toBe(0);
  });

  test("unloads the last version even when the policy would keep it", async () => {
    const { manager, aspirePrompt, states } = core({
      policy: (views) => views.filter((v) => v.state === "new").map((v) => ({ load: v.version }))[0],
    });
    await aspirePrompt("iris", 1n);
    await manager.stop();
    expect(states()).toEqual([]);
  });

  test("lists that come later, or that wait, are not taken", async () => {
    const { manager, aspirePrompt, map, states } = core();
    await aspirePrompt("iris", 1n);
    const handle = map.acquire("iris")!;
    await aspirePrompt("iris");
    await aspirePrompt("iris", 1n);
    const stop = manager.stop();
    await aspirePrompt("rose", 1n);
    handle.release();
    await stop;
    await settle();
    expect(states()).toEqual([]);
  });

  test("of an empty manager ends at once", async () => {
    await core().manager.stop();
  });
});

describe("lists, one after the other", () => {
  test("a version left out of a list goes, the others stay as they are", async () => {
    const { aspirePrompt, states, loader } = core();
    await aspirePrompt("iris", 1n, 2n, 3n);
    await aspirePrompt("iris", 1n, 3n);
    expect(states()).toEqual(["iris 1 ready", "iris 3 ready"]);
    expect(loader("iris", 2n).calls).toEqual(["estimate", "load", "unload"]);
  });

  test("a list with a lower version alone brings that in place of the higher one", async () => {
    const { aspirePrompt, map, log } = core();
    await aspirePrompt("iris", 9n);
    log.length = 0;
    await aspirePrompt("iris", 4n);
    expect(map.versions("iris")).toEqual([4n]);
    expect(log.indexOf("AVAILABLE iris 4")).toBeLessThan(log.indexOf("UNLOADING iris 9"));
  });

  test("an item that carries an error does not take the old version's place", async () => {
    const { manager, aspirePrompt, states, map } = core();
    await aspirePrompt("iris", 1n);
    manager.setAspiredVersions("iris", [{ id: { name: "iris", version: 2n }, error: broken }]);
    await settle();
    expect(states()).toEqual(["iris 1 ready un-aspired", "iris 2 error"]);
    expect(map.versions("iris")).toEqual([1n]);
  });

  test("a failed version that is wanted back at once is loaded by its new loader", async () => {
    const { manager, item, aspire, loader, states } = core();
    await aspire("iris", 1n);
    loader("iris", 1n).failLoad(broken);
    await settle();
    manager.setAspiredVersions("iris", []);
    await settle();
    manager.setAspiredVersions("iris", [item("iris", 1n, true)]);
    await settle();
    expect(states()).toEqual(["iris 1 ready"]);
    expect(loader("iris", 1n, 1).calls).toEqual(["estimate", "load"]);
  });

  test("an untouched version that was dropped and is wanted back begins anew", async () => {
    let idle = true;
    const policy: AspiredVersionPolicy = (versions) => (idle ? undefined : availabilityPreservingPolicy(versions));
    const { aspire, aspirePrompt, clock, states, log } = core({ policy });
    await aspire("iris", 1n);
    await aspire("iris");
    await aspirePrompt("iris", 1n);
    expect(log).toEqual(["START iris 1", "END iris 1", "START iris 1"]);
    idle = false;
    await clock.advance(100);
    expect(states()).toEqual(["iris 1 ready"]);
  });

  test("may come through an adapter that is connected to the manager", async () => {
    const { manager, item, map } = core();
    const adapter = new SourceAdapter<bigint, Loader<string>>((_data, { name, version }) => {
      const made = item(name, version, true);
      if (made.error) throw made.error;
      return made.data;
    });
    adapter.setAspiredVersions("iris", [{ id: { name: "iris", version: 7n }, data: 7n }]);
    adapter.connect(manager);
    await settle();
    expect(map.versions("iris")).toEqual([7n]);
  });
});

test("the policy is shown every managed version of a name, whatever its state", async () => {
  const shown: string[] = [];
  const policy: AspiredVersionPolicy = (versions) => {
    shown.push(versions.map(({ version, aspired, state }) => `${version} ${state}${aspired ? "" : " un-aspired"}`).join(", "));
    return availabilityPreservingPolicy(versions);
  };
  const { aspirePrompt, aspire, loader } = core({ policy });
  await aspirePrompt("iris", 1n);
  await aspire("iris", 2n, 3n);
  loader("iris", 3n).failLoad(broken);
  await settle();
  expect(shown).toContain("1 ready un-aspired, 2 new, 3 new");
  expect(shown.at(-1)).toBe("1 ready un-aspired, 2 loading, 3 error");
});
