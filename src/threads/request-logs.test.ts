import { receiveMessageOnPort } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import { METRICS } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import type { RequestLogging } from "../model/request-logging.ts";
import type { RequestLogThreadHandlers, ToRequestLogThread } from "./request-log-thread-link.ts";
import { RequestLogs } from "./request-logs.ts";

const logging = (samplingRate: number, filenamePrefix = "/l/a"): RequestLogging => ({
  samplingRate,
  filenamePrefix,
  format: "tfrecord",
});

/** Request logs whose thread is the test. */
function setUp() {
  const clock = new FakeClock();
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const threads: { readonly told: ToRequestLogThread[]; readonly handlers: RequestLogThreadHandlers }[] = [];
  const logs = new RequestLogs({
    limits: { maxFileBytes: 100, maxFiles: 2 },
    logLevel: "info",
    catalog: new MetricsCatalog(METRICS),
    clock,
    log: { debugging: false, debug: note, info: note, warn: note, error: note },
    changed: () => events.push("changed"),
    startThread: (_data, handlers) => {
      const told: ToRequestLogThread[] = [];
      threads.push({ told, handlers });
      return { post: (message) => void told.push(message) };
    },
  });
  return { logs, clock, events, threads };
}

describe("the thread that writes request logs", () => {
  test("is not started while nothing is logged", async () => {
    const { logs, threads, events } = setUp();
    logs.configure(new Map());
    logs.configure(new Map([["a", logging(0)]]));
    expect(logs.notice()).toBeUndefined();
    await logs.stop();
    expect([threads, events]).toEqual([[], []]);
  });

  test("is started once, and told all streams before a serving thread is connected to it", () => {
    const { logs, threads } = setUp();
    logs.configure(new Map([["a", logging(0.5)]]));
    logs.configure(new Map([["b", logging(1)]]));
    const notice = logs.notice()!;
    expect(threads).toHaveLength(1);
    expect(threads[0]!.told.map(({ kind }) => kind)).toEqual(["configure", "configure", "connect"]);
    expect(notice.rules).toEqual(new Map([["b", { samplingRate: 1, stream: 1 }]]));
    const connected = threads[0]!.told[2]! as Extract<ToRequestLogThread, { kind: "connect" }>;
    notice.port.postMessage("batch");
    expect(receiveMessageOnPort(connected.port)).toEqual({ message: "batch" });
    notice.port.close();
    connected.port.close();
  });

  test("knows a stream by the same number again, whatever came between, and by another one with another prefix", () => {
    const { logs } = setUp();
    const streamOfA = () => logs.notice()!.rules.get("a")?.stream;
    logs.configure(new Map([["a", logging(1)]]));
    expect(streamOfA()).toBe(0);
    logs.configure(new Map([["a", logging(1, "/l/other")]]));
    expect(streamOfA()).toBe(1);
    logs.configure(new Map());
    expect(streamOfA()).toBeUndefined();
    logs.configure(new Map([["a", logging(0.1)]]));
    expect(streamOfA()).toBe(0);
  });

  test("is replaced a second after it died, and everybody is told anew", async () => {
    const { logs, clock, threads, events } = setUp();
    logs.configure(new Map([["a", logging(1)]]));
    const { pending } = logs.notice()!;
    events.length = 0;
    threads[0]!.handlers.ended(new Error("died"));
    await clock.advance(999);
    expect([threads.length, events]).toEqual([1, ["request_log_thread_ended"]]);
    await clock.advance(1);
    expect(events).toEqual(["request_log_thread_ended", "changed"]);
    expect(threads[1]!.told.map(({ kind }) => kind)).toEqual(["configure"]);
    expect(logs.notice()!.pending).not.toBe(pending);
  });

  test("is not written to while it is dead, and its successor has what was configured meanwhile", async () => {
    const { logs, clock, threads, events } = setUp();
    logs.configure(new Map([["a", logging(1)]]));
    threads[0]!.handlers.ended(new Error("died"));
    expect(logs.notice()).toBeUndefined();
    events.length = 0;
    logs.configure(new Map([["b", logging(1)]]));
    expect([threads.length, logs.notice(), events]).toEqual([1, undefined, []]);
    await clock.advance(1000);
    expect(threads[1]!.told).toEqual([
      { kind: "configure", streams: [{ number: 1, model: "b", filenamePrefix: "/l/a", format: "tfrecord" }] },
    ]);
    expect([events, logs.notice()!.rules.has("b"), threads.length]).toEqual([["changed"], true, 2]);
  });

  test("is waited for at the end, and not replaced then", async () => {
    const { logs, clock, threads, events } = setUp();
    logs.configure(new Map([["a", logging(1)]]));
    let stopped = false;
    const stopping = logs.stop().then(() => {
      stopped = true;
    });
    await clock.advance(5000);
    expect([stopped, threads[0]!.told.at(-1)]).toEqual([false, { kind: "stop" }]);
    threads[0]!.handlers.ended("exit code 0");
    await stopping;
    await clock.advance(5000);
    logs.configure(new Map([["a", logging(1)]]));
    expect([threads.length, events]).toEqual([1, ["changed"]]);
  });

  test("that died does not hold up the end", async () => {
    const { logs, threads } = setUp();
    logs.configure(new Map([["a", logging(1)]]));
    threads[0]!.handlers.ended("exit code 1");
    await expect(logs.stop()).resolves.toBeUndefined();
  });
});
