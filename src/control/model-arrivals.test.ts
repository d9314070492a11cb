import { describe, expect, test } from "vitest";
import { settle } from "../base/fake-clock.ts";
import { ServingError, type StatusCode } from "../base/serving-error.ts";
import { EventBus } from "../core/event-bus.ts";
import type { ManagerState, ServableState } from "../core/servable-state.ts";
import { ServableStateMonitor } from "../core/servable-state-monitor.ts";
import { ModelArrivals } from "./model-arrivals.ts";

function setUp() {
  const bus = new EventBus<ServableState>();
  const arrivals = new ModelArrivals(new ServableStateMonitor(bus));
  const publish = (version: bigint, managerState: ManagerState, code?: StatusCode, name = "m") =>
    bus.publish({ id: { name, version }, managerState, health: code && new ServingError(code, "why") });
  /** How the wait for a name ends; "open" while it has not. */
  const watch = (name = "m") => {
    const outcome = { is: "open" };
    arrivals.expect(name).then(
      ({ id, managerState }) => (outcome.is = `${id.version} ${managerState}`),
      (reason: ServingError) => (outcome.is = reason.code),
    );
    return outcome;
  };
  return { arrivals, publish, watch };
}

describe("a model has arrived", () => {
  test("with its first available version", async () => {
    const { publish, watch, arrivals } = setUp();
    const outcome = watch();
    publish(1n, "START");
    publish(1n, "LOADING");
    await settle();
    expect([outcome.is, arrivals.isExpected("m")]).toEqual(["open", true]);
    publish(1n, "AVAILABLE");
    await settle();
    expect([outcome.is, arrivals.isExpected("m")]).toEqual(["1 AVAILABLE", false]);
  });

  test("when its only version failed", async () => {
    const { publish, watch } = setUp();
    const outcome = watch();
    publish(1n, "START");
    publish(1n, "END", "data-loss");
    await settle();
    expect(outcome.is).toBe("1 END");
  });

  test("with the version that came up although a higher one failed first", async () => {
    const { publish, watch } = setUp();
    const outcome = watch();
    for (const version of [1n, 2n]) publish(version, "START");
    publish(2n, "END", "data-loss");
    await settle();
    expect(outcome.is).toBe("open");
    publish(1n, "AVAILABLE");
    await settle();
    expect(outcome.is).toBe("1 AVAILABLE");
  });
});

describe("a model has not arrived", () => {
  test.each<[string, bigint, ManagerState, StatusCode | undefined]>([
    ["with a version of its last life that goes", 1n, "END", undefined],
    ["with a load of its last life that was cancelled", 1n, "END", "cancelled"],
    ["while a version loads", 2n, "LOADING", undefined],
  ])("%s", async (_case, version, state, code) => {
    const { publish, watch } = setUp();
    publish(1n, "AVAILABLE");
    const outcome = watch();
    publish(version, state, code);
    publish(1n, "AVAILABLE", undefined, "another");
    await settle();
    expect(outcome.is).toBe("open");
  });
});

test("what is given up rejects with the reason, the rest goes on", async () => {
  const { arrivals, publish, watch } = setUp();
  const [gone, kept] = [watch("gone"), watch("kept")];
  arrivals.giveUp(
    (name) => name === "kept",
    (name) => new ServingError("aborted", name),
  );
  await settle();
  expect([gone.is, kept.is]).toEqual(["aborted", "open"]);
  publish(1n, "AVAILABLE", undefined, "kept");
  await settle();
  expect(kept.is).toBe("1 AVAILABLE");
});

test("after the end nothing is waited for any more", async () => {
  const { arrivals, watch } = setUp();
  const early = watch("early");
  arrivals.close(new ServingError("unavailable", "the server stops"));
  const late = watch("late");
  await settle();
  expect([early.is, late.is, arrivals.isExpected("late")]).toEqual(["unavailable", "unavailable", false]);
});

test("all who expect a name get the same answer", async () => {
  const { publish, watch } = setUp();
  const both = [watch(), watch()];
  publish(1n, "AVAILABLE");
  await settle();
  expect(both.map(({ is }) => is)).toEqual(["1 AVAILABLE", "1 AVAILABLE"]);
});
