import { describe, expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { ServingError } from "../base/serving-error.ts";
import { BasicManager, type BasicManagerOptions } from "./basic-manager.ts";
import { EventBus } from "./event-bus.ts";
import { FakeLoader } from "./fake-loader.ts";
import type { ServableState } from "./servable-state.ts";
import { type Publisher, ServingMap } from "./serving-map.ts";

const id = (version: bigint, name = "iris") => ({ name, version });
const broken = new ServingError("data-loss", "model.onnx is cut short");

/** A manager over a serving map, with one log of everything that happens in order. */
function managed(options: Partial<BasicManagerOptions<string>> = {}) {
  const log: string[] = [];
  const map = new ServingMap<string>();
  const publisher: Publisher<string> = {
    publish: async (servableId, servable) => {
      log.push(`publish ${servableId.version}`);
      await map.publish(servableId, servable);
    },
    retire: async (servableId) => {
      log.push(`retire ${servableId.version}`);
      await map.retire(servableId);
      log.push(`retired ${servableId.version}`);
    },
  };
  const bus = new EventBus<ServableState>();
  bus.subscribe(({ id: { version }, managerState, health }) =>
    log.push(`${managerState} ${version}${health === undefined ? "" : `: ${health.message}`}`),
  );
  const clock = new FakeClock();
  const manager = new BasicManager<string>({ publisher, bus, clock, maxLoadRetries: 0, ...options });
  const loaders = new Map<bigint, FakeLoader>();
  const add = (version: bigint, loader = new FakeLoader(`servable ${version}`)) => {
    loaders.set(version, loader);
    manager.manage({ id: id(version), data: loader });
    return loader;
  };
  const addPrompt = (version: bigint, ramBytes = 0) =>
    add(version, new FakeLoader(`servable ${version}`, { prompt: true, ramBytes }));
  /** Starts an action whose outcome the test does not await. */
  const begin = async (action: Promise<void>) => {
    action.catch(() => undefined);
    await settle();
  };
  const states = () => manager.snapshots().map((each) => `${each.id.version} ${each.state}`);
  return { manager, map, bus, clock, log, add, addPrompt, begin, states };
}

describe("managing", () => {
  test("publishes START and calls nothing", async () => {
    const { manager, add, log, states } = managed();
    const loader = add(1n);
    await settle();
    expect(log).toEqual(["START 1"]);
    expect(loader.calls).toEqual([]);
    expect(states()).toEqual(["1 new"]);
    expect(manager.names()).toEqual(["iris"]);
  });

  test("sends a version that carries an error straight to END", () => {
    const { manager, log } = managed();
    manager.manage({ id: id(1n), error: broken });
    expect(log).toEqual(["END 1: model.onnx is cut short"]);
    expect(manager.snapshots("iris")).toEqual([{ id: id(1n), state: "error", error: broken }]);
  });

  test("refuses a version twice", () => {
    const { manager, add, log } = managed();
    add(1n);
    expect(() => manager.manage({ id: id(1n), error: broken })).toThrow("{name: iris version: 1} is already managed");
    expect(log).toEqual(["START 1"]);
  });

  test("lists versions lowest first, of one name or all", () => {
    const { manager, add, states } = managed();
    for (const version of [10n, 9n, 2n]) add(version);
    manager.manage({ id: id(5n, "rose"), error: broken });
    expect(states()).toEqual(["2 new", "9 new", "10 new", "5 error"]);
    expect(manager.snapshots("rose")).toHaveLength(1);
    expect(manager.snapshots("moss")).toEqual([]);
    expect(manager.state(id(9n))).toBe("new");
    expect(manager.state(id(8n))).toBeUndefined();
  });

  test("forgets an untouched version with END, and a finished one without a further word", async () => {
    const { manager, add, log } = managed();
    add(1n);
    manager.stopManaging(id(1n));
    manager.manage({ id: id(2n), error: broken });
    manager.stopManaging(id(2n));
    expect(log).toEqual(["START 1", "END 1", "END 2: model.onnx is cut short"]);
    expect(manager.names()).toEqual([]);
  });

  test("forgets none that is at work", async () => {
    const { manager, addPrompt } = managed();
    addPrompt(1n);
    await manager.load(id(1n));
    expect(() => manager.stopManaging(id(1n))).toThrow(expect.objectContaining({ code: "failed-precondition" }));
    expect(() => manager.stopManaging(id(2n))).toThrow(expect.objectContaining({ code: "not-found" }));
  });
});

describe("loading and unloading", () => {
  test("tells the states in order around the publisher", async () => {
    const { manager, map, addPrompt, log } = managed();
    const loader = addPrompt(1n);
    await manager.load(id(1n));
    expect(map.acquire("iris", 1n)?.servable).toBe("servable 1");
    expect(log).toEqual(["START 1", "LOADING 1", "publish 1", "AVAILABLE 1"]);
    expect(loader.calls).toEqual(["estimate", "load"]);
  });

  test("withdraws a version after UNLOADING, and unloads it after the last handle", async () => {
    const { manager, map, add, addPrompt, begin, log, states } = managed();
    const loader = addPrompt(1n);
    await manager.load(id(1n));
    const handle = map.acquire("iris")!;
    log.length = 0;
    const unload = manager.unload(id(1n));
    await begin(unload);
    expect(log).toEqual(["UNLOADING 1", "retire 1"]);
    expect(states()).toEqual(["1 quiescing"]);
    expect(map.acquire("iris")).toBeUndefined();
    expect(loader.calls).not.toContain("unload");

    // Meanwhile another version is not held up.
    const other = add(2n);
    await begin(manager.load(id(2n)));
    other.finishLoad();
    await settle();
    expect(states()).toEqual(["1 quiescing", "2 ready"]);

    handle.release();
    await unload;
    expect(loader.calls).toEqual(["estimate", "load", "unload"]);
    expect(log.slice(-2)).toEqual(["retired 1", "END 1"]);
    expect(manager.state(id(1n))).toBe("disabled");
  });

  test("the state has changed when load and unload return", async () => {
    const { manager, addPrompt, states } = managed();
    addPrompt(1n);
    const load = manager.load(id(1n));
    expect(states()).toEqual(["1 load-requested"]);
    await load;
    const unload = manager.unload(id(1n));
    expect(states()).toEqual(["1 quiescing"]);
    await unload;
    expect(states()).toEqual(["1 disabled"]);
  });

  test.each<[string, "load" | "unload", bigint, string]>([
    ["load an unknown version", "load", 9n, "not-found"],
    ["load one that is ready", "load", 1n, "failed-precondition"],
    ["load one in error", "load", 3n, "failed-precondition"],
    ["unload an unknown version", "unload", 9n, "not-found"],
    ["unload one that is new", "unload", 2n, "failed-precondition"],
    ["unload one in error", "unload", 3n, "failed-precondition"],
  ])("refuses to %s, and changes nothing", async (_title, action, version, code) => {
    const { manager, add, addPrompt, states, log } = managed();
    addPrompt(1n);
    await manager.load(id(1n));
    add(2n);
    manager.manage({ id: id(3n), error: broken });
    const before = [...log];
    await expect(manager[action](id(version))).rejects.toMatchObject({ code });
    expect(states()).toEqual(["1 ready", "2 new", "3 error"]);
    expect(log).toEqual(before);
  });

  test("a failing load ends with its error and touches no other version", async () => {
    const { manager, map, add, addPrompt, log } = managed({ numLoadThreads: 2 });
    const loader = add(2n);
    const load = manager.load(id(2n));
    addPrompt(1n);
    await manager.load(id(1n));
    loader.failLoad(broken);
    await expect(load).rejects.toBe(broken);
    expect(log).toContain("END 2: model.onnx is cut short");
    expect(manager.snapshots().map(({ error }) => error)).toEqual([undefined, broken]);
    expect(map.versions("iris")).toEqual([1n]);
    expect(loader.calls).toEqual(["estimate", "load"]);
  });

  test("retries a failing load, LOADING all the while", async () => {
    const { manager, add, begin, clock, log } = managed({ maxLoadRetries: 1, loadRetryIntervalMs: 1000 });
    const loader = add(1n);
    const load = manager.load(id(1n));
    await begin(load);
    loader.failLoad(broken);
    await clock.advance(1000);
    expect(log).toEqual(["START 1", "LOADING 1"]);
    loader.finishLoad();
    await load;
    expect(log.at(-1)).toBe("AVAILABLE 1");
    expect(loader.calls).toEqual(["estimate", "load", "load"]);
  });

  test("a cancelled load ends with CANCELLED once the loader is done, and is unloaded", async () => {
    const { manager, map, add, begin, log } = managed();
    const loader = add(1n);
    const load = manager.load(id(1n));
    await begin(load);
    manager.cancelLoad(id(1n));
    loader.finishLoad();
    await settle();
    expect(log).toEqual(["START 1", "LOADING 1"]);
    loader.finishUnload();
    await expect(load).rejects.toMatchObject({ code: "cancelled" });
    expect(log.at(-1)).toBe("END 1: Loading of servable cancelled");
    expect(map.names()).toEqual([]);
  });

  test("a load cancelled while it waits for its turn ends at once, its loader untouched", async () => {
    const { manager, add, begin, log } = managed({ numLoadThreads: 1 });
    add(1n);
    const waiting = add(2n);
    await begin(manager.load(id(1n)));
    const load = manager.load(id(2n));
    await begin(load);
    manager.cancelLoad(id(2n));
    await expect(load).rejects.toMatchObject({ code: "cancelled" });
    expect(waiting.calls).toEqual([]);
    expect(log).toEqual(["START 1", "START 2", "LOADING 1", "END 2: Loading of servable cancelled"]);
  });

  test("an estimate that fails ends the version", async () => {
    const { manager, add, log } = managed();
    const loader = new FakeLoader("never");
    loader.estimate = () => Promise.reject(broken);
    add(1n, loader);
    await expect(manager.load(id(1n))).rejects.toBe(broken);
    expect(log).toEqual(["START 1", "END 1: model.onnx is cut short"]);
  });

  test("an unload that fails ends the version with its error", async () => {
    const { manager, addPrompt, log } = managed({ ramLimitBytes: 10 });
    const loader = addPrompt(1n, 10);
    await manager.load(id(1n));
    loader.unload = () => Promise.reject(broken);
    await expect(manager.unload(id(1n))).rejects.toBe(broken);
    expect(log.at(-1)).toBe("END 1: model.onnx is cut short");
    expect(manager.reservedBytes).toBe(0);
  });
});

describe("publisher", () => {
  test("AVAILABLE waits until every place has the version", async () => {
    const gate = deferred<void>();
    const publisher: Publisher<string> = { publish: () => gate.promise, retire: async () => undefined };
    const { manager, addPrompt, begin, log, states } = managed({ publisher });
    addPrompt(1n);
    await begin(manager.load(id(1n)));
    expect(log).toEqual(["START 1", "LOADING 1"]);
    expect(states()).toEqual(["1 loading"]);
    gate.resolve();
    await settle();
    expect(log.at(-1)).toBe("AVAILABLE 1");
  });

  test("a version that cannot be published is unloaded and ends with that error", async () => {
    const refused = new ServingError("internal", "a thread could not attach");
    const publisher: Publisher<string> = { publish: () => Promise.reject(refused), retire: async () => undefined };
    const { manager, addPrompt, log } = managed({ publisher, ramLimitBytes: 10 });
    const loader = addPrompt(1n, 10);
    await expect(manager.load(id(1n))).rejects.toBe(refused);
    expect(loader.calls).toEqual(["estimate", "load", "unload"]);
    expect(log).toEqual(["START 1", "LOADING 1", "END 1: a thread could not attach"]);
    expect(manager.reservedBytes).toBe(0);
  });

  test("a version that cannot be retired is never unloaded, and its RAM stays counted", async () => {
    const stuck = new ServingError("internal", "a thread did not answer");
    const publisher: Publisher<string> = { publish: async () => undefined, retire: () => Promise.reject(stuck) };
    const { manager, addPrompt, log } = managed({ publisher, ramLimitBytes: 10 });
    const loader = addPrompt(1n, 6);
    await manager.load(id(1n));
    await expect(manager.unload(id(1n))).rejects.toBe(stuck);
    expect(log.at(-1)).toBe("END 1: a thread did not answer");
    expect(loader.calls).not.toContain("unload");
    expect(manager.reservedBytes).toBe(6);
    addPrompt(2n, 6);
    await expect(manager.load(id(2n))).rejects.toMatchObject({ code: "resource-exhausted" });
  });
});

describe("limits", () => {
  test.each([
    [0, 1],
    [1, 1],
    [3, 3],
  ])("with %i load threads %i loads run at once", async (numLoadThreads, expected) => {
    const { manager, add, begin } = managed({ numLoadThreads });
    const loaders = [1n, 2n, 3n, 4n].map((version) => add(version));
    for (const version of [1n, 2n, 3n, 4n]) await begin(manager.load(id(version)));
    expect(loaders.filter(({ loading }) => loading)).toHaveLength(expected);
    loaders[0]!.finishLoad();
    await settle();
    expect(loaders.filter(({ loading }) => loading)).toHaveLength(Math.min(3, expected));
    expect(loaders.filter(({ calls }) => calls.includes("load"))).toHaveLength(expected + 1);
  });

  test("the number of loads at once can be changed later", async () => {
    const { manager, add, begin } = managed({ numLoadThreads: 4 });
    const loaders = [1n, 2n, 3n].map((version) => add(version));
    manager.setLoadConcurrency(0);
    for (const version of [1n, 2n, 3n]) await begin(manager.load(id(version)));
    expect(loaders.map(({ loading }) => loading)).toEqual([true, false, false]);
    manager.setLoadConcurrency(2);
    await settle();
    expect(loaders.map(({ loading }) => loading)).toEqual([true, true, false]);
  });

  test.each([
    [0, 1],
    [2, 2],
  ])("with %i unload threads %i unloads run at once, waits for handles aside", async (numUnloadThreads, expected) => {
    const { manager, map, add, begin } = managed({ numUnloadThreads, numLoadThreads: 4 });
    const versions = [1n, 2n, 3n, 4n];
    const loaders = versions.map((version) => add(version));
    for (const version of versions) await begin(manager.load(id(version)));
    for (const loader of loaders) loader.finishLoad();
    await settle();
    map.acquire("iris", 1n);
    for (const version of versions) await begin(manager.unload(id(version)));
    expect(manager.state(id(1n))).toBe("quiescing");
    expect(loaders.filter(({ unloading }) => unloading)).toHaveLength(expected);
  });

  test("a version that does not fit ends with RESOURCE_EXHAUSTED before it is loaded", async () => {
    const { manager, addPrompt, log } = managed({ ramLimitBytes: 100 });
    addPrompt(1n, 60);
    await manager.load(id(1n));
    const loader = addPrompt(2n, 60);
    const message = "Insufficient resources to load servable {name: iris version: 2}";
    await expect(manager.load(id(2n))).rejects.toMatchObject({ code: "resource-exhausted", message });
    expect(log.slice(-2)).toEqual(["START 2", `END 2: ${message}`]);
    expect(loader.calls).toEqual(["estimate"]);
    expect(manager.reservedBytes).toBe(60);
  });

  test("a version that does not fit yet waits for an unload in progress", async () => {
    const { manager, map, addPrompt, begin, states } = managed({ ramLimitBytes: 100, numLoadThreads: 2 });
    addPrompt(1n, 60);
    await manager.load(id(1n));
    const handle = map.acquire("iris")!;
    await begin(manager.unload(id(1n)));
    addPrompt(2n, 60);
    const load = manager.load(id(2n));
    await begin(load);
    expect(states()).toEqual(["1 quiescing", "2 load-requested"]);
    handle.release();
    await load;
    expect(states()).toEqual(["1 disabled", "2 ready"]);
  });

  test("a version that does not fit yet waits for a load in progress, which may fail", async () => {
    const { manager, add, begin } = managed({ ramLimitBytes: 100, numLoadThreads: 2 });
    const first = add(1n, new FakeLoader("servable 1", { ramBytes: 60 }));
    await begin(manager.load(id(1n)));
    add(2n, new FakeLoader("servable 2", { ramBytes: 60, prompt: true }));
    const load = manager.load(id(2n));
    await begin(load);
    first.failLoad(broken);
    await load;
    expect(manager.state(id(2n))).toBe("ready");
    expect(manager.reservedBytes).toBe(60);
  });

  test("a version cancelled while it waits for room ends at once", async () => {
    const { manager, add, begin } = managed({ ramLimitBytes: 100, numLoadThreads: 2 });
    add(1n, new FakeLoader("servable 1", { ramBytes: 60 }));
    await begin(manager.load(id(1n)));
    const second = add(2n, new FakeLoader("servable 2", { ramBytes: 60 }));
    const load = manager.load(id(2n));
    await begin(load);
    manager.cancelLoad(id(2n));
    await expect(load).rejects.toMatchObject({ code: "cancelled" });
    expect(second.calls).toEqual(["estimate"]);
    expect(manager.reservedBytes).toBe(60);
  });
});

describe("TensorFlow Serving's order of things", () => {
  test("refuses to forget a version it does not know", () => {
    const { manager } = managed();
    expect(() => manager.stopManaging(id(4n))).toThrow(expect.objectContaining({ code: "not-found" }));
  });

  test("a failed version stays, with its error, until it is told to forget it", async () => {
    const { manager, add, begin } = managed();
    const loader = add(1n);
    await begin(manager.load(id(1n)));
    loader.failLoad(broken);
    await settle();
    expect(manager.snapshots()).toEqual([{ id: id(1n), state: "error", error: broken }]);
    manager.stopManaging(id(1n));
    expect(manager.snapshots()).toEqual([]);
  });

  test("versions load in whatever order they are told to, and the highest is the latest", async () => {
    const { manager, map, addPrompt } = managed();
    for (const version of [3n, 1n, 2n]) addPrompt(version);
    for (const version of [2n, 3n, 1n]) await manager.load(id(version));
    expect(map.versions("iris")).toEqual([3n, 2n, 1n]);
    expect(map.acquire("iris")?.id.version).toBe(3n);
  });

  test("a version is loaded while another one is unloaded", async () => {
    const { manager, add, addPrompt, begin, states } = managed({ numLoadThreads: 2, numUnloadThreads: 2 });
    const leaving = add(1n);
    await begin(manager.load(id(1n)));
    leaving.finishLoad();
    await settle();
    await begin(manager.unload(id(1n)));
    addPrompt(2n);
    await manager.load(id(2n));
    expect(states()).toEqual(["1 unloading", "2 ready"]);
    leaving.finishUnload();
    await settle();
    expect(states()).toEqual(["1 disabled", "2 ready"]);
  });

  test("of two loads, or two unloads, of one version only the first counts", async () => {
    const { manager, addPrompt } = managed();
    const loader = addPrompt(1n);
    const loads = await Promise.allSettled([manager.load(id(1n)), manager.load(id(1n))]);
    expect(loads.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    const unloads = await Promise.allSettled([manager.unload(id(1n)), manager.unload(id(1n))]);
    expect(unloads.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(loader.calls).toEqual(["estimate", "load", "unload"]);
  });

  test("a version that is refused for want of room does not keep a smaller one out", async () => {
    const { manager, addPrompt, states } = managed({ ramLimitBytes: 100 });
    addPrompt(1n, 101);
    await expect(manager.load(id(1n))).rejects.toMatchObject({ code: "resource-exhausted" });
    addPrompt(2n, 100);
    await manager.load(id(2n));
    expect(states()).toEqual(["1 error", "2 ready"]);
  });

  test("the room of a load that failed, and of a version that was unloaded, is free again", async () => {
    const { manager, add, addPrompt, begin } = managed({ ramLimitBytes: 100 });
    const failing = add(1n, new FakeLoader("servable 1", { ramBytes: 80 }));
    await begin(manager.load(id(1n)));
    expect(manager.reservedBytes).toBe(80);
    failing.failLoad(broken);
    await settle();
    expect(manager.reservedBytes).toBe(0);
    addPrompt(2n, 80);
    await manager.load(id(2n));
    await manager.unload(id(2n));
    expect(manager.reservedBytes).toBe(0);
  });
});

describe("memory for another content of a version", () => {
  const NEVER = new AbortController().signal;

  test("is counted beside what the version has, and in its place once it is taken", async () => {
    const { manager, addPrompt } = managed({ ramLimitBytes: 100 });
    addPrompt(1n, 40);
    await manager.load(id(1n));
    const room = await manager.reserveBeside(id(1n), 60, NEVER);
    expect(manager.reservedBytes).toBe(100);
    room.taken();
    expect(manager.reservedBytes).toBe(60);
    await manager.unload(id(1n));
    expect(manager.reservedBytes).toBe(0);
  });

  test("is given back when the content does not come", async () => {
    const { manager, addPrompt } = managed({ ramLimitBytes: 100 });
    addPrompt(1n, 40);
    await manager.load(id(1n));
    (await manager.reserveBeside(id(1n), 60, NEVER)).dropped();
    expect(manager.reservedBytes).toBe(40);
  });

  test("is refused when there is not so much", async () => {
    const { manager, addPrompt } = managed({ ramLimitBytes: 100 });
    addPrompt(1n, 40);
    await manager.load(id(1n));
    await expect(manager.reserveBeside(id(1n), 61, NEVER)).rejects.toMatchObject({ code: "resource-exhausted" });
    await expect(manager.reserveBeside(id(2n), 1, NEVER)).rejects.toMatchObject({ code: "not-found" });
  });

  test("of a version on its way out is waited for by those who need it, whichever content it has", async () => {
    const { manager, map, addPrompt, begin, states } = managed({ ramLimitBytes: 100 });
    addPrompt(1n, 40);
    await manager.load(id(1n));
    const room = await manager.reserveBeside(id(1n), 60, NEVER);
    const handle = map.acquire("iris")!;
    await begin(manager.unload(id(1n)));
    room.taken();
    addPrompt(2n, 80);
    await begin(manager.load(id(2n)));
    expect(states()).toEqual(["1 quiescing", "2 load-requested"]);
    handle.release();
    await settle();
    expect(states()).toEqual(["1 disabled", "2 ready"]);
  });
});
