// Above the usual length of a file: one subject, and every case uses the same pool of made-up threads.
import { existsSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Deferred, deferred } from "../base/deferred.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { createLog } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Announcement } from "../metrics/announcement.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { CallFigures } from "../metrics/version-figures.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { TlsMaterial } from "../transport/tls/tls-material.ts";
import type { ControlRequest, ThreadNotice, ThreadRequest } from "./messages.ts";
import type { ServingOptions } from "./serving-options.ts";
import type { ServingThreadLink, ThreadLinkHandlers } from "./thread-link.ts";
import { ThreadPool } from "./thread-pool.ts";

const MODEL: SharedModel = { runtime: "onnxruntime", signatures: new Map(), handle: 1n };
const ID = { name: "m", version: 1n };

/** One thing a thread was asked, to be answered by the test. */
interface Asked {
  readonly request: ThreadRequest;
  readonly answer: Deferred<unknown>;
}

/** A serving thread that notes what it is told and answers when the test says so, or at once. */
class FakeThread implements ServingThreadLink {
  readonly told: ThreadNotice[] = [];
  readonly asked: Asked[] = [];
  /** Answers at once with what this gives. */
  prompt: ((request: ThreadRequest) => unknown) | undefined = () => undefined;
  /** The number that the pool gave it. */
  readonly index: number;
  readonly #handlers: ThreadLinkHandlers;

  constructor(index: number, handlers: ThreadLinkHandlers) {
    this.index = index;
    this.#handlers = handlers;
  }

  announce(announcement: Announcement): void {
    this.#handlers.metric(announcement);
  }

  ask(request: ThreadRequest): Promise<unknown> {
    const answer = deferred<unknown>();
    this.asked.push({ request, answer });
    if (this.prompt !== undefined) answer.resolve(this.prompt(request));
    return answer.promise;
  }

  tell(notice: ThreadNotice): void {
    this.told.push(notice);
  }

  kinds(): string[] {
    return this.asked.map(({ request }) => request.kind);
  }

  latest<Kind extends ThreadNotice["kind"]>(kind: Kind): Extract<ThreadNotice, { kind: Kind }> | undefined {
    return this.told.findLast((notice): notice is Extract<ThreadNotice, { kind: Kind }> => notice.kind === kind);
  }

  perform(request: ControlRequest): unknown {
    return this.#handlers.perform(request);
  }

  fail(reason: unknown = new Error("killed")): void {
    for (const { answer } of this.asked) answer.reject(new ServingError("unavailable", "the serving thread has failed"));
    this.#handlers.failed(reason);
  }

  end(reason: unknown = new Error("killed")): void {
    for (const { answer } of this.asked) answer.reject(new ServingError("unavailable", "the serving thread has ended"));
    this.#handlers.ended(reason);
  }
}

let clock: FakeClock;
let threads: FakeThread[];
let pool: ThreadPool;
let catalog: MetricsCatalog;
/** What the thread that writes request logs was told. */
let requestLogMessages: string[];
/** What the next threads answer. */
let prompt: FakeThread["prompt"];

beforeEach(() => {
  clock = new FakeClock();
  threads = [];
  requestLogMessages = [];
  prompt = () => undefined;
  catalog = new MetricsCatalog([]);
  pool = poolOf({} as ServingOptions);
});

function poolOf(options: ServingOptions): ThreadPool {
  return new ThreadPool({
    threads: 2,
    options,
    control: {
      reload: async (config) => ({ code: "ok", message: `reload ${config.length}` }),
      admin: async () => ({ kind: "deleted" as const }),
      metrics: async (style) => [Buffer.from(style)],
      counters: async (names) => names.map(() => 7),
    },
    catalog,
    clock,
    log: createLog("silent"),
    startRequestLogThread: (_data, handlers) => ({
      post(message) {
        requestLogMessages.push(message.kind);
        if (message.kind === "stop") handlers.ended("exit code 0");
      },
    }),
    startThread: ({ index }, handlers) => {
      const thread = new FakeThread(index, handlers);
      thread.prompt = prompt;
      threads.push(thread);
      return thread;
    },
  });
}

const splits = new Map([["m", new Map([["stable", 1]])]]);

describe("a version's content that is replaced", () => {
  const OTHER = { ...MODEL };

  test("is another one on every thread, on those that start later too, and is no other version", async () => {
    await pool.publish(ID, MODEL);
    await pool.replace(ID, OTHER);
    expect(threads.map((thread) => thread.kinds())).toEqual([
      ["publish", "replace"],
      ["publish", "replace"],
    ]);
    threads[0].end();
    await clock.advance(1000);
    expect(threads[2].asked[0]?.request).toEqual({ kind: "publish", id: ID, model: OTHER });
    expect((threads[2].asked[0]!.request as { model: unknown }).model).toBe(OTHER);
  });

  test("is the old one again on every thread when one cannot take the new one", async () => {
    await pool.publish(ID, MODEL);
    threads[1].prompt = (request) =>
      request.kind === "replace" && request.model === OTHER ? Promise.reject(new ServingError("internal", "no room")) : undefined;
    await expect(pool.replace(ID, OTHER)).rejects.toMatchObject({ message: "no room" });
    for (const thread of threads) {
      const last = thread.asked.at(-1)?.request;
      expect(last).toMatchObject({ kind: "replace", id: ID });
      expect((last as { readonly model: unknown }).model).toBe(MODEL);
    }
  });

  test("cannot be had of a version that is not published", async () => {
    await expect(pool.replace(ID, OTHER)).rejects.toMatchObject({ code: "failed-precondition" });
  });
});

describe("what the pool is told", () => {
  test("reaches every thread, in order", async () => {
    const labels = new Map([["m", new Map([["stable", 1n]])]]);
    await pool.publish(ID, MODEL);
    pool.setLabels(labels, splits);
    pool.setStatuses("m", [{ version: 1n, state: "AVAILABLE" }]);
    pool.setReady(true);
    await pool.retire(ID);
    for (const thread of threads) {
      expect(thread.kinds()).toEqual(["publish", "retire"]);
      expect(thread.told.slice(2)).toEqual([
        { kind: "labels", labels, splits },
        { kind: "statuses", model: "m", statuses: [{ version: 1n, state: "AVAILABLE" }] },
        { kind: "ready", ready: true },
      ]);
    }
  });

  test("is done once every thread says so", async () => {
    for (const thread of threads) thread.prompt = undefined;
    let published = false;
    const publishing = pool.publish(ID, MODEL).then(() => (published = true));
    threads[0].asked[0].answer.resolve(undefined);
    await settle();
    expect(published).toBe(false);
    threads[1].asked[0].answer.resolve(undefined);
    await publishing;
    expect(published).toBe(true);
  });

  test("a version that one thread refuses is retired on all, and the refusal passed on", async () => {
    const refusal = new ServingError("internal", "no room");
    threads[1].prompt = (request) => (request.kind === "publish" ? Promise.reject(refusal) : undefined);
    await expect(pool.publish(ID, MODEL)).rejects.toBe(refusal);
    expect(threads.map((thread) => thread.kinds())).toEqual([
      ["publish", "retire"],
      ["publish", "retire"],
    ]);
  });
});

describe("the calls of each version, where there is a dashboard", () => {
  const OTHER = { ...MODEL };
  let counted: ThreadPool;

  beforeEach(() => {
    threads = [];
    counted = poolOf({ dashboard: true } as ServingOptions);
  });

  /** The memory that a thread was last sent. */
  function memory(thread: FakeThread): SharedArrayBuffer {
    return (thread.asked.findLast(({ request }) => "figures" in request)!.request as { readonly figures: SharedArrayBuffer })
      .figures;
  }

  test("are counted in one memory by every thread, its successor and the next content", async () => {
    await counted.publish(ID, MODEL);
    const published = memory(threads[0]);
    expect(memory(threads[1])).toBe(published);
    new CallFigures(published, 0).answered(10);
    new CallFigures(published, 1).failed();
    threads[0].end();
    await clock.advance(1000);
    expect(memory(threads[2])).toBe(published);
    await counted.replace(ID, OTHER);
    expect(memory(threads[2])).toBe(published);
    expect(counted.readFigures()).toMatchObject([{ id: ID, requests: 2, errors: 1 }]);
  });

  test("are let go with the version, told once more", async () => {
    await counted.publish(ID, MODEL);
    new CallFigures(memory(threads[0]), 0).answered(10);
    await counted.retire(ID);
    expect(counted.readFigures()).toMatchObject([{ id: ID, requests: 1 }]);
    expect(counted.readFigures()).toEqual([]);
    const before = memory(threads[0]);
    await counted.publish(ID, MODEL);
    expect(memory(threads[0])).not.toBe(before);
  });

  test("are not counted for nobody", async () => {
    threads = [];
    const plain = poolOf({} as ServingOptions);
    await plain.publish(ID, MODEL);
    expect(threads[0].asked[0]?.request).toEqual({ kind: "publish", id: ID, model: MODEL });
    expect(plain.readFigures()).toEqual([]);
  });
});

describe("the dashboards of a thread", () => {
  test("are answered by who was set, which hears when the thread ends", async () => {
    const heard: unknown[] = [];
    const ask = (thread: FakeThread) => thread.perform({ kind: "dashboard", call: { kind: "state" } });
    expect(() => ask(threads[1])).toThrow("starting");
    pool.setDashboards({
      answer: (call, thread) => {
        heard.push([call.kind, thread]);
        return undefined;
      },
      forget: (thread) => heard.push(["gone", thread]),
    });
    ask(threads[1]);
    const chunk = Buffer.from("x");
    pool.tellDashboards(1, { topic: "state", chunk });
    pool.tellDashboards(7, { topic: "state", chunk });
    expect(threads[1].told.at(-1)).toEqual({ kind: "dashboard", topic: "state", chunk });
    expect(threads[0].latest("dashboard")).toBeUndefined();
    threads[1].end();
    await clock.advance(1000);
    ask(threads[2]);
    expect(heard).toEqual([
      ["state", 1],
      ["gone", 1],
      ["state", 2],
    ]);
  });
});

describe("what requests are logged", () => {
  const LOGGING = { samplingRate: 0.5, filenamePrefix: "/l/m", format: "jsonl" } as const;

  test("is told to every thread with a way of its own to the files, and to one that starts later", async () => {
    expect(requestLogMessages).toEqual([]);
    pool.setRequestLogs(new Map([["m", LOGGING]]));
    threads[0]!.end();
    await clock.advance(1000);
    const told = threads.map((thread) => thread.latest("request-logs")!);
    expect(told.map(({ rules }) => rules)).toEqual(Array(3).fill(new Map([["m", { samplingRate: 0.5, stream: 0 }]])));
    expect(new Set(told.map(({ port }) => port)).size).toBe(3);
    for (const { port } of told) port.close();
  });

  test("is told anew when it changes, also when nothing is any more", () => {
    pool.setRequestLogs(new Map([["m", LOGGING]]));
    pool.setRequestLogs(new Map());
    for (const thread of threads) expect(thread.latest("request-logs")!.rules.size).toBe(0);
    for (const { told } of threads) for (const notice of told) if (notice.kind === "request-logs") notice.port.close();
  });

  test("is written to the end when the threads have drained", async () => {
    pool.setRequestLogs(new Map([["m", LOGGING]]));
    const draining = pool.drain(1000);
    await clock.advance(0);
    expect(requestLogMessages.at(-1)).toBe("connect");
    for (const thread of threads) thread.end();
    await draining;
    expect(requestLogMessages.at(-1)).toBe("stop");
    for (const thread of threads) thread.latest("request-logs")!.port.close();
  });
});

describe("a thread that ends", () => {
  test("leaves its number to the next one, so that metrics by thread do not become more with every death", async () => {
    for (let death = 0; death < 3; death++) {
      threads.at(-1)!.end();
      await clock.advance(1000);
    }
    expect(threads.map(({ index }) => index)).toEqual([0, 1, 1, 1, 1]);
    threads[0].end();
    threads.at(-1)!.end();
    await clock.advance(1000);
    expect(threads.slice(-2).map(({ index }) => index)).toEqual([0, 1]);
  });

  test("may tell of a metric while it dies, which ends nothing else", () => {
    const cell: Announcement = { kind: "cell", metric: "modelport_serving_threads", labelValues: [], buffer: 0, offset: 0 };
    threads[0].announce({ kind: "buffer", index: 0, buffer: new SharedArrayBuffer(8) });
    threads[0].fail();
    expect(() => threads[0].announce(cell)).not.toThrow();
  });

  test("at once after its start is replaced a second later", async () => {
    threads[0].end();
    await clock.advance(999);
    expect(threads).toHaveLength(2);
    await clock.advance(1);
    expect(threads).toHaveLength(3);
  });

  test("is replaced as soon as it has failed, and a model that its last runs may use is not let go before it has ended", async () => {
    await clock.advance(1000);
    threads[0]!.fail();
    await clock.advance(0);
    expect(threads.length).toBe(3);
    let retired = false;
    const retiring = pool.retire({ name: "m", version: 1n }).then(() => (retired = true));
    await clock.advance(0);
    expect([retired, threads[1]!.kinds().at(-1), threads[2]!.kinds().at(-1)]).toEqual([false, "retire", "retire"]);
    threads[0]!.end();
    await retiring;
    await clock.advance(2000);
    expect(threads.length).toBe(3);
  });

  test("fails while it is asked to let a model go: the model is not let go before its last runs are over", async () => {
    await pool.publish(ID, MODEL);
    threads[0]!.prompt = undefined;
    let retired = false;
    const retiring = pool.retire(ID).then(() => (retired = true));
    await settle();
    threads[0]!.fail();
    await settle();
    expect(retired).toBe(false);
    threads[0]!.end();
    await retiring;
  });

  test("later is replaced at once", async () => {
    await clock.advance(5000);
    threads[0].end();
    await clock.advance(0);
    expect(threads).toHaveLength(3);
  });

  test("is replaced again and again", async () => {
    for (let round = 0; round < 5; round++) {
      threads.at(-1)!.end();
      await clock.advance(1000);
    }
    expect(threads).toHaveLength(7);
  });

  test("is missing from the metrics until it is replaced, and counted there", async () => {
    const figures = () => catalog.render("prometheus").match(/^modelport_\w+ \d+$/gm);
    expect(figures()).toEqual(["modelport_serving_thread_restarts_total 0", "modelport_serving_threads 2"]);
    threads[0]!.end();
    expect(figures()).toEqual(["modelport_serving_thread_restarts_total 1", "modelport_serving_threads 1"]);
    await clock.advance(1000);
    expect(figures()).toEqual(["modelport_serving_thread_restarts_total 1", "modelport_serving_threads 2"]);
  });

  test("its successor is told everything that holds, and nothing that does not any more", async () => {
    const labels = new Map([["m", new Map([["stable", 2n]])]]);
    await pool.publish(ID, MODEL);
    await pool.publish({ name: "m", version: 2n }, MODEL);
    await pool.retire(ID);
    pool.setLabels(labels, splits);
    pool.setStatuses("m", [{ version: 2n, state: "LOADING" }]);
    pool.setStatuses("m", [{ version: 2n, state: "AVAILABLE" }]);
    pool.setReady(true);
    threads[0].end();
    await clock.advance(1000);
    const [, , successor] = threads;
    expect(successor.asked.map(({ request }) => request)).toEqual([
      { kind: "publish", id: { name: "m", version: 2n }, model: MODEL },
    ]);
    expect(successor.told).toEqual([
      { kind: "labels", labels, splits },
      { kind: "statuses", model: "m", statuses: [{ version: 2n, state: "AVAILABLE" }] },
      { kind: "ready", ready: true },
    ]);
  });

  test.each(["publish", "retire"] as const)("while it is asked to %s does not fail the others", async (call) => {
    if (call === "retire") await pool.publish(ID, MODEL);
    threads[0].prompt = undefined;
    const done = call === "publish" ? pool.publish(ID, MODEL) : pool.retire(ID);
    threads[0].end();
    await done;
    await clock.advance(1000);
    expect(threads[2].kinds()).toEqual(call === "publish" ? ["publish"] : []);
  });

  test("its successor that starts while a version is published gets it once", async () => {
    threads[1].prompt = undefined;
    threads[0].end();
    const publishing = pool.publish(ID, MODEL);
    await clock.advance(1000);
    threads[1].asked[0].answer.resolve(undefined);
    await publishing;
    expect(threads[2].kinds()).toEqual(["publish"]);
  });

  test("with all the others leaves a pool that can still be told things", async () => {
    for (const thread of threads) thread.end();
    await pool.publish(ID, MODEL);
    pool.setReady(true);
    await clock.advance(1000);
    for (const thread of threads.slice(2)) {
      expect(thread.kinds()).toEqual(["publish"]);
      expect(thread.latest("ready")).toEqual({ kind: "ready", ready: true });
    }
  });
});

describe("the material of TLS", () => {
  const material = (certificate: string): TlsMaterial => ({
    certificate,
    key: "",
    clientAuthorities: undefined,
    clientCertificate: "none",
    minVersion: "TLSv1.2",
    ticketKeys: new Uint8Array(48),
  });

  test("reaches every thread, and a successor before anything else", async () => {
    pool.setTls(material("first"));
    pool.setTls(material("second"));
    threads[0].end();
    await clock.advance(1000);
    for (const thread of threads) expect(thread.latest("tls")?.material.certificate).toBe("second");
    expect(threads[2].told[0]).toEqual({ kind: "tls", material: material("second") });
  });
});

describe("a thread that asks", () => {
  test.each<[ControlRequest, unknown]>([
    [
      { kind: "reload", config: new Uint8Array(3) },
      { code: "ok", message: "reload 3" },
    ],
    [{ kind: "metrics", style: "prometheus" }, [Buffer.from("prometheus")]],
    [{ kind: "counters", names: ["a", "b"] }, [7, 7]],
  ])("is answered by the control thread: %j", async (request, answer) => {
    expect(await threads[0].perform(request)).toEqual(answer);
  });
});

describe("draining", () => {
  test("asks every thread, and is over when all have ended", async () => {
    let over = false;
    const draining = pool.drain(5000).then(() => (over = true));
    await settle();
    expect(threads.map(({ asked }) => asked.at(-1)?.request)).toEqual([
      { kind: "drain", timeoutMs: 5000 },
      { kind: "drain", timeoutMs: 5000 },
    ]);
    threads[0].end();
    await settle();
    expect(over).toBe(false);
    threads[1].end();
    await draining;
    await clock.advance(10_000);
    expect(threads).toHaveLength(2);
  });

  test("makes the server not ready for good, whatever becomes of the models meanwhile", async () => {
    pool.setReady(true);
    const draining = pool.drain(5000);
    for (const thread of threads) thread.told.length = 0;
    pool.setReady(true);
    expect(threads.flatMap(({ told }) => told)).toEqual([]);
    for (const thread of threads) thread.end();
    await draining;
  });

  test("takes no replacement for a thread that ended just before", async () => {
    threads[0].end();
    const draining = pool.drain(5000);
    await clock.advance(2000);
    expect(threads).toHaveLength(2);
    threads[1].end();
    await draining;
  });

  test("does not wait for a thread that dies of it", async () => {
    for (const thread of threads) thread.prompt = undefined;
    const draining = pool.drain(5000);
    for (const thread of threads) thread.end();
    await expect(draining).resolves.toBeUndefined();
  });
});

describe("an endpoint", () => {
  let socket: Server;
  let fd: number;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "modelport-"));
    socket = createServer();
    await new Promise<void>((resolve) => socket.listen(0, "127.0.0.1", resolve));
    fd = (socket as unknown as { _handle: { fd: number } })._handle.fd;
  });
  afterEach(async () => {
    for (const thread of threads) thread.prompt = () => undefined;
    const draining = pool.drain(0);
    for (const thread of threads) thread.end();
    await draining;
    await new Promise((resolve) => socket.close(resolve));
    rmSync(folder, { recursive: true });
  });

  const listens = (thread: FakeThread) =>
    thread.asked.flatMap(({ request }) => (request.kind === "listen" ? [request.endpoint.kind] : []));

  test("is bound by one thread and shared with the others and with a successor", async () => {
    const bound = { host: "127.0.0.1", port: (socket.address() as AddressInfo).port, fd };
    threads[0].prompt = (request) => (request.kind === "listen" ? bound : undefined);
    expect(await pool.listen({ kind: "tcp", host: "127.0.0.1", port: 0 })).toEqual(bound);
    expect(threads.map(listens)).toEqual([["tcp"], ["descriptor"]]);
    threads[0].end();
    await clock.advance(1000);
    expect(listens(threads[2])).toEqual(["descriptor"]);
  });

  test("is used in the same way by every thread that shares it", async () => {
    const use = { tls: true, grpc: false };
    threads[0].prompt = (request) => (request.kind === "listen" ? { port: 1, fd } : undefined);
    await pool.listen({ kind: "tcp", host: "127.0.0.1", port: 0, ...use });
    threads[0].end();
    await clock.advance(1000);
    for (const thread of threads) {
      const listened = thread.asked.flatMap(({ request }) => (request.kind === "listen" ? [request.endpoint] : []));
      expect(listened).toEqual([expect.objectContaining(use)]);
    }
    expect(threads).toHaveLength(3);
  });

  test("that cannot be had rejects", async () => {
    const inUse = new ServingError("already-exists", "127.0.0.1:1 is in use");
    threads[0].prompt = () => Promise.reject(inUse);
    await expect(pool.listen({ kind: "tcp", host: "127.0.0.1", port: 1 })).rejects.toBe(inUse);
  });

  test("reaches a thread that starts while it is being bound", async () => {
    threads[0].prompt = undefined;
    const listening = pool.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    threads[1].end();
    await clock.advance(1000);
    threads[0].asked.at(-1)!.answer.resolve({ port: 1, fd });
    await listening;
    expect(listens(threads[2])).toEqual(["descriptor"]);
  });

  test("does not fail because a thread ends that was to share it", async () => {
    threads[0].prompt = () => ({ port: 1, fd });
    threads[1].prompt = undefined;
    const listening = pool.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    await settle();
    threads[1].end();
    await expect(listening).resolves.toMatchObject({ port: 1 });
  });

  test("that is a socket file is bound anew by another thread when its file went with the one that bound it", async () => {
    const path = join(folder, "s.sock");
    const bind = (request: ThreadRequest) => {
      if (request.kind === "listen" && request.endpoint.kind === "unix") writeFileSync(path, "");
      return request.kind === "listen" ? { path, fd } : undefined;
    };
    for (const thread of threads) thread.prompt = bind;
    prompt = bind;
    await pool.listen({ kind: "unix", path });
    expect(threads.map(listens)).toEqual([["unix"], ["descriptor"]]);
    unlinkSync(path);
    threads[0].end();
    await settle();
    expect([existsSync(path), listens(threads[1])]).toEqual([true, ["descriptor", "unix"]]);
    // With nobody left, the first successor does it.
    unlinkSync(path);
    threads[1].end();
    await clock.advance(1000);
    expect(existsSync(path)).toBe(true);
  });
});
