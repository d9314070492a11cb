import { expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import type { ModelSet } from "./model-set.ts";
import { ModelWatch } from "./model-watch.ts";

const plain = (name: string): ModelConfig => ({
  name,
  basePath: `/${name}`,
  versionPolicy: LATEST_VERSION,
  labels: new Map(),
  trafficSplit: NO_TRAFFIC_SPLIT,
});

/** A watch over a set that the test changes; `events` has what was applied, refused and logged. */
function watched({ pollIntervalMs = 1000 as number | undefined, discovers = false, keepEmptied = false, placed = false } = {}) {
  const clock = new FakeClock();
  const events: string[] = [];
  const state = {
    models: [plain("a")] as readonly ModelConfig[],
    fault: undefined as Error | undefined,
    refused: false,
    /** What is in force. */
    current: [plain("a")] as readonly ModelConfig[],
    /** What comes while the set is read. */
    reading: undefined as (() => void) | undefined,
  };
  const set: ModelSet = {
    read: async () => {
      state.reading?.();
      if (state.fault) throw state.fault;
      return state.models;
    },
    pollIntervalMs,
    discovers,
    ...(placed && {
      placed: async (reason) => new ServingError("failed-precondition", `models.yaml:1:2: ${(reason as Error).message}`),
    }),
  };
  const log: Log = {
    debugging: false,
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (event, fields) => events.push(`${event}: ${(fields as { error: string }).error}`),
  };
  const watch = new ModelWatch({
    models: set,
    initial: state.models,
    keepEmptied,
    clock,
    log,
    current: () => state.current,
    apply: async (models, demanded) => {
      if (state.refused) throw new ServingError("failed-precondition", "not now");
      state.current = models;
      events.push(`${demanded ? "demanded" : "found"} ${models.map(({ name }) => name).join()}`);
    },
    unreadable: () => events.push("unreadable"),
  });
  const poll = async () => {
    await clock.advance(1000);
  };
  return { clock, events, state, watch, poll };
}

test("a set is applied when a look finds it changed, and only then", async () => {
  const { events, state, poll, watch } = watched();
  await poll();
  state.models = [plain("a"), plain("b")];
  await poll();
  await poll();
  expect(events).toEqual(["found a,b"]);
  watch.stop();
});

test("a set that cannot be read is logged once, changes nothing, and is looked at again", async () => {
  const { events, state, poll, watch } = watched();
  state.fault = new ServingError("invalid-argument", "models.yaml:1:1: no");
  await poll();
  await poll();
  state.fault = undefined;
  state.models = [plain("b")];
  await poll();
  expect(events).toEqual(["unreadable", "models_not_reloaded: models.yaml:1:1: no", "unreadable", "found b"]);
  watch.stop();
});

test("a set that is refused stays to be done", async () => {
  const { events, state, poll, watch } = watched();
  state.models = [plain("b")];
  state.refused = true;
  await poll();
  state.refused = false;
  await poll();
  expect(events).toEqual(["models_not_reloaded: not now", "found b"]);
  watch.stop();
});

test("on demand a set is applied in any case, without polling too, and each failure is logged", async () => {
  const { events, state, watch } = watched({ pollIntervalMs: undefined });
  await watch.reload();
  state.fault = new ServingError("not-found", "gone");
  await watch.reload();
  await watch.reload();
  const gone = ["unreadable", "models_not_reloaded: gone"];
  expect(events).toEqual(["demanded a", ...gone, ...gone]);
});

test("what was written here is no change by somebody else", async () => {
  const { events, state, poll, watch } = watched();
  state.current = [plain("c")];
  const written = watch.write(async (models, known) => {
    expect([models, known]).toEqual([[plain("c")], [plain("a")]]);
    state.models = models;
  });
  await poll();
  expect(await written).toEqual([plain("c")]);
  await poll();
  expect(events).toEqual([]);
  watch.stop();
});

test("what is written is what is in force after a reading that was under way", async () => {
  const { state, watch } = watched({ pollIntervalMs: undefined });
  state.models = [plain("b")];
  const read = watch.reload();
  const written = watch.write(async () => undefined);
  await read;
  expect(await written).toEqual([plain("b")]);
});

test("a refusal of what was read has its place", async () => {
  const { events, state, watch } = watched({ pollIntervalMs: undefined, placed: true });
  state.refused = true;
  await watch.reload();
  expect(events).toEqual(["models_not_reloaded: models.yaml:1:2: not now"]);
});

test("a set that is read while the watch is stopped is not applied", async () => {
  const { events, state, watch } = watched({ pollIntervalMs: undefined });
  state.reading = () => watch.stop();
  await watch.reload();
  expect(events).toEqual([]);
});

test("what could not be written is the writer's to know, and the watch goes on", async () => {
  const { events, watch } = watched();
  await expect(watch.write(() => Promise.reject(new ServingError("failed-precondition", "read-only")))).rejects.toThrow(
    "read-only",
  );
  await watch.reload();
  expect(events).toEqual(["demanded a"]);
  watch.stop();
});

test("a model that a look finds no more stays when emptied ones are kept", async () => {
  const { events, state, poll, watch } = watched({ discovers: true, keepEmptied: true });
  state.models = [plain("b")];
  await poll();
  expect(events).toEqual(["found b,a"]);
  watch.stop();
});

test("nothing is read any more once it was stopped", async () => {
  const { events, state, poll, watch } = watched();
  watch.stop();
  state.models = [];
  await poll();
  await watch.reload();
  expect(events).toEqual([]);
});
