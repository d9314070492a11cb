import { describe, expect, test } from "vitest";
import { ServingError } from "../base/serving-error.ts";
import { EventBus } from "./event-bus.ts";
import type { ManagerState, ServableState } from "./servable-state.ts";
import { ServableStateMonitor } from "./servable-state-monitor.ts";

function watched(endedKept?: number) {
  const bus = new EventBus<ServableState>();
  const monitor = new ServableStateMonitor(bus, endedKept);
  const publish = (name: string, version: bigint, managerState: ManagerState, health?: ServingError) =>
    bus.publish({ id: { name, version }, managerState, health });
  const table = (name: string) => monitor.states(name).map(({ id, managerState }) => `${id.version} ${managerState}`);
  return { bus, monitor, publish, table };
}

const never = new AbortController().signal;

describe("states", () => {
  test("knows nothing of a name never seen", () => {
    const { monitor, table } = watched();
    expect(table("iris")).toEqual([]);
    expect(monitor.state("iris", 1n)).toBeUndefined();
    expect(monitor.all().size).toBe(0);
  });

  test("keeps the latest state of every version, highest first, ended ones too", () => {
    const { monitor, publish, table } = watched();
    const health = new ServingError("internal", "broken");
    publish("iris", 2n, "START");
    publish("iris", 10n, "START");
    publish("iris", 2n, "LOADING");
    publish("iris", 2n, "END", health);
    publish("iris", 10n, "AVAILABLE");
    publish("__proto__", 1n, "START");
    expect(table("iris")).toEqual(["10 AVAILABLE", "2 END"]);
    expect(monitor.state("iris", 2n)?.health).toBe(health);
    expect([...monitor.all().keys()]).toEqual(["iris", "__proto__"]);
  });

  test("ignores a move back, but lets an ended version begin again", () => {
    const { publish, table } = watched();
    publish("iris", 1n, "AVAILABLE");
    publish("iris", 1n, "LOADING");
    expect(table("iris")).toEqual(["1 AVAILABLE"]);
    publish("iris", 1n, "END");
    publish("iris", 1n, "START");
    expect(table("iris")).toEqual(["1 START"]);
  });

  test("remembers of each name the versions that ended last, and all that have not ended", () => {
    const { publish, table } = watched(2);
    publish("iris", 1n, "AVAILABLE");
    for (const version of [5n, 4n, 3n, 2n]) publish("iris", version, "END");
    expect(table("iris")).toEqual(["3 END", "2 END", "1 AVAILABLE"]);
    publish("iris", 3n, "START");
    publish("iris", 6n, "END");
    expect(table("iris")).toEqual(["6 END", "3 START", "2 END", "1 AVAILABLE"]);
  });

  test("holds 100 ended versions by default", () => {
    const { publish, table } = watched();
    for (let version = 1n; version <= 1000n; version++) publish("iris", version, "END");
    expect(table("iris")).toHaveLength(100);
    expect(table("iris")[99]).toBe("901 END");
  });

  test("tells subscribers after it knows, and stops when asked or closed", () => {
    const { monitor, publish } = watched();
    const heard: string[] = [];
    const stop = monitor.subscribe(({ id }) => heard.push(monitor.state(id.name, id.version)!.managerState));
    publish("iris", 1n, "START");
    publish("iris", 1n, "START");
    stop();
    publish("iris", 1n, "LOADING");
    monitor.close();
    publish("iris", 1n, "AVAILABLE");
    expect(heard).toEqual(["START"]);
    expect(monitor.state("iris", 1n)?.managerState).toBe("LOADING");
  });
});

describe("waiting", () => {
  test("for nothing ends at once", async () => {
    const { monitor } = watched();
    expect((await monitor.waitUntilReached([], "AVAILABLE", never)).size).toBe(0);
  });

  test("ends at once for what is reached already", async () => {
    const { monitor, publish } = watched();
    publish("iris", 1n, "AVAILABLE");
    const request = { name: "iris", version: 1n };
    const outcome = await monitor.waitUntilReached([request], "AVAILABLE", never);
    expect(outcome.get(request)?.managerState).toBe("AVAILABLE");
  });

  test("lasts until every request is met, and tells each state in the order asked", async () => {
    const { monitor, publish } = watched();
    const requests = [{ name: "iris", version: 1n }, { name: "rose" }, { name: "iris", version: 2n }];
    let ended = false;
    const waiting = monitor.waitUntilReached(requests, "AVAILABLE", never).finally(() => {
      ended = true;
    });
    publish("iris", 2n, "END", new ServingError("internal", "broken"));
    publish("rose", 7n, "LOADING");
    publish("rose", 7n, "AVAILABLE");
    publish("iris", 1n, "LOADING");
    await Promise.resolve();
    expect(ended).toBe(false);
    publish("iris", 1n, "AVAILABLE");
    const outcome = [...(await waiting)].map(([request, { id, managerState }]) => [request, id.version, managerState]);
    expect(outcome).toEqual([
      [requests[0], 1n, "AVAILABLE"],
      [requests[1], 7n, "AVAILABLE"],
      [requests[2], 2n, "END"],
    ]);
  });

  test.each<[ManagerState, ManagerState[], number]>([
    ["START", ["START"], 1],
    ["LOADING", ["START", "LOADING"], 2],
    ["UNLOADING", ["START", "LOADING", "AVAILABLE", "UNLOADING"], 4],
    ["AVAILABLE", ["START", "END"], 2],
    ["END", ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"], 5],
  ])("for %s is met by the last of %j", async (goal, states, count) => {
    const { monitor, publish } = watched();
    let published = 0;
    const waiting = monitor.waitUntilReached([{ name: "iris", version: 1n }], goal, never).then(() => published);
    for (const state of states) {
      published++;
      publish("iris", 1n, state);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
    expect(await waiting).toBe(count);
  });

  test("for the latest is met by any version, a failed higher one too", async () => {
    const { monitor, publish } = watched();
    const request = { name: "iris" };
    const waiting = monitor.waitUntilReached([request], "AVAILABLE", never);
    publish("iris", 1n, "LOADING");
    publish("iris", 2n, "END", new ServingError("internal", "broken"));
    publish("iris", 1n, "AVAILABLE");
    expect((await waiting).get(request)?.id.version).toBe(2n);
  });

  test("for the latest prefers a version at the goal over one that ended", async () => {
    const { monitor, publish } = watched();
    publish("iris", 2n, "END");
    publish("iris", 1n, "AVAILABLE");
    const request = { name: "iris" };
    expect((await monitor.waitUntilReached([request], "AVAILABLE", never)).get(request)?.id.version).toBe(1n);
  });

  test("notices an end although the version is forgotten at once", async () => {
    const { monitor, publish } = watched(0);
    const request = { name: "iris", version: 1n };
    const waiting = monitor.waitUntilReached([request], "END", never);
    publish("iris", 1n, "END");
    expect((await waiting).get(request)?.managerState).toBe("END");
    expect(monitor.state("iris", 1n)).toBeUndefined();
  });

  test("rejects when its signal aborts, before or meanwhile, with the signal's own error if it has one", async () => {
    const { monitor } = watched();
    const plain = new AbortController();
    const waiting = monitor.waitUntilReached([{ name: "iris" }], "AVAILABLE", plain.signal);
    plain.abort();
    await expect(waiting).rejects.toMatchObject({ name: "ServingError", code: "cancelled" });

    const late = new ServingError("deadline-exceeded", "took too long");
    const aborted = AbortSignal.abort(late);
    await expect(monitor.waitUntilReached([{ name: "iris" }], "AVAILABLE", aborted)).rejects.toBe(late);
  });
});
