import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DashboardFigures, DashboardState, FiguresHistory } from "../api/dashboard/dashboard-messages.ts";
import { FakeClock } from "../base/fake-clock.ts";
import type { DashboardEvents } from "../serving/dashboard-call.ts";
import { DashboardFeed } from "./dashboard-feed.ts";
import type { KnownEvent, KnownVersion } from "./dashboard-state.ts";
import type { VersionReading } from "./published-figures.ts";

const SERVER = { version: "1.2.3", nodeVersion: "v20", startedAtMs: 5, servingThreads: 2 };

let clock: FakeClock;
let rows: KnownVersion[];
let versions: readonly VersionReading[];
let cpuSeconds: number;
let told: { readonly thread: number; readonly topic: string; readonly text: string; readonly at: number }[];
let feed: DashboardFeed;
let ready: boolean;
let history: readonly KnownEvent[] | undefined;

beforeEach(() => {
  clock = new FakeClock();
  rows = [];
  versions = [];
  cpuSeconds = 0;
  told = [];
  ready = false;
  history = undefined;
  feed = new DashboardFeed({
    models: {
      models: [{ name: "m", labels: new Map([["stable", 1n]]) }],
      get ready() {
        return ready;
      },
      rows: () => rows,
      history: (model) => (model === "m" ? history : undefined),
    },
    server: SERVER,
    versions: () => versions,
    process: () => ({ rssBytes: 1000, cpuSeconds, openConnections: 3 }),
    tell: (thread: number, { topic, chunk }: DashboardEvents) =>
      told.push({ thread, topic, text: Buffer.from(chunk).toString(), at: clock.now() }),
    clock,
    time: () => 1_000_000 + clock.now(),
  });
});

afterEach(() => feed.stop());

function watch(thread: number, all: number, figures = all): void {
  expect(feed.answer({ kind: "watchers", all, figures }, thread)).toBeUndefined();
}

function json<T>(call: Parameters<DashboardFeed["answer"]>[0]): T {
  return JSON.parse(Buffer.from(feed.answer(call, 0)!).toString()) as T;
}

/** The data of the events that a thread was told of a topic, in order. */
function data<T>(thread: number, topic: string): T[] {
  return told
    .filter((one) => one.thread === thread && one.topic === topic)
    .flatMap(({ text }) => [...text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)])
    .map(([, event, line]) => {
      expect(event).toBe(topic);
      return JSON.parse(line!) as T;
    });
}

describe("figures", () => {
  test("are sampled every second, and sent to threads that have somebody to send them to", async () => {
    watch(0, 2);
    watch(1, 1, 0);
    versions = [{ id: { name: "m", version: 7n }, requests: 3, errors: 1, p50: 10, p95: 20, p99: 30 }];
    cpuSeconds = 0.5;
    await clock.advance(1000);
    versions = [];
    await clock.advance(1000);
    expect(data<DashboardFigures>(0, "figures")).toEqual([
      {
        atMs: 1_001_000,
        seconds: 1,
        rssBytes: 1000,
        cpu: 0.5,
        openConnections: 3,
        versions: [{ model: "m", version: "7", requests: 3, errors: 1, p50: 10, p95: 20, p99: 30 }],
      },
      { atMs: 1_002_000, seconds: 1, rssBytes: 1000, cpu: 0, openConnections: 3, versions: [] },
    ]);
    expect(data(1, "figures")).toEqual([]);
  });

  test("of five minutes are there for who comes, watched or not", async () => {
    await clock.advance(400_000);
    const { figures } = json<FiguresHistory>({ kind: "figures" });
    expect([figures.length, figures[0]!.atMs, figures.at(-1)!.atMs]).toEqual([300, 1_101_000, 1_400_000]);
    expect(told).toEqual([]);
  });

  test("name the busiest versions only where there are very many", async () => {
    versions = Array.from({ length: 500 }, (_, index) => ({
      id: { name: `m${index}`, version: 1n },
      requests: index,
      errors: 0,
    }));
    await clock.advance(1000);
    const [{ versions: named } = { versions: [] }] = json<FiguresHistory>({ kind: "figures" }).figures;
    expect([named.length, named[0]!.model, named.at(-1)!.model]).toEqual([100, "m499", "m400"]);
  });

  test("come together, and none is lost, the rarer the more streams there are", async () => {
    const messages = async (streams: number) => {
      watch(0, streams);
      await clock.advance(120_000);
      const sent = told.filter(({ topic }) => topic === "figures");
      const times = data<DashboardFigures>(0, "figures").map(({ atMs }) => atMs);
      expect(times).toEqual(times.map((_, index) => times[0]! + index * 1000));
      watch(0, 0);
      told = [];
      return sent.length;
    };
    expect(await messages(100)).toBe(120);
    expect(await messages(300)).toBe(120);
    expect(await messages(900)).toBe(40);
    const [some, many] = [await messages(5000), await messages(1_000_000)];
    expect(some).toBeGreaterThan(6);
    expect(some).toBeLessThan(26);
    expect(many).toBe(2);
  });

  test("stop where nobody is left, and with the server", async () => {
    watch(0, 1);
    watch(1, 1);
    await clock.advance(1000);
    watch(0, 0);
    feed.forget(1);
    told = [];
    await clock.advance(5000);
    expect(told).toEqual([]);
    watch(0, 1);
    feed.stop();
    told = [];
    await clock.advance(5000);
    expect(told).toEqual([]);
  });
});

describe("the state", () => {
  test("is told a thread with its first stream, and again when something changes", async () => {
    watch(0, 1);
    watch(0, 2);
    expect(data<DashboardState>(0, "state")).toEqual([
      { server: { ...SERVER, ready: false }, models: [{ name: "m", labels: { stable: "1" }, versions: [] }] },
    ]);
    ready = true;
    rows = [{ name: "m", version: 1n, state: "AVAILABLE" }];
    feed.changed();
    await clock.advance(20);
    expect(data<DashboardState>(0, "state").at(-1)).toMatchObject({
      server: { ready: true },
      models: [{ versions: [{ version: "1", state: "AVAILABLE" }] }],
    });
    watch(1, 1, 0);
    expect(data(1, "state")).toHaveLength(1);
  });

  test("is told at most four times a second, with the latest at the end", async () => {
    watch(0, 1);
    told = [];
    for (let change = 1; change <= 200; change++) {
      rows = [{ name: "m", version: BigInt(change), state: "LOADING" }];
      feed.changed();
      await clock.advance(10);
    }
    await clock.advance(1000);
    const times = told.filter(({ topic }) => topic === "state").map(({ at }) => at);
    expect(times.length).toBeGreaterThan(7);
    expect(times.length).toBeLessThan(10);
    for (const [index, at] of times.entries()) if (index > 0) expect(at - times[index - 1]!).toBeGreaterThanOrEqual(250);
    expect(data<DashboardState>(0, "state").at(-1)!.models[0]!.versions).toEqual([{ version: "200", state: "LOADING" }]);
  });

  test("is told the more rarely the more streams there are", async () => {
    watch(0, 10_000);
    told = [];
    for (let change = 0; change < 200; change++) {
      feed.changed();
      await clock.advance(100);
    }
    const states = told.filter(({ topic }) => topic === "state");
    expect(states.length).toBeLessThanOrEqual(3);
    expect(states.length).toBeGreaterThan(0);
  });

  test("is made for who asks, and is what it is by then", () => {
    expect(json<DashboardState>({ kind: "state" }).server.ready).toBe(false);
    ready = true;
    feed.changed();
    expect(json<DashboardState>({ kind: "state" }).server.ready).toBe(true);
  });
});

test("a model's history is told in the order it is known in", () => {
  history = [
    { atMs: 2, version: 1n, state: "END", error: { code: "internal", message: "broken" } },
    { atMs: 1, version: 1n, state: "START" },
  ];
  expect(json({ kind: "history", model: "m" })).toEqual({
    events: [
      { atMs: 2, version: "1", state: "END", error: { code: "internal", message: "broken" } },
      { atMs: 1, version: "1", state: "START" },
    ],
  });
  expect(feed.answer({ kind: "history", model: "never" }, 0)).toBeUndefined();
});
