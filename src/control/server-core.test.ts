import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Deferred, deferred } from "../base/deferred.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { createLog } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import { formatServableId, type ServableId } from "../core/servable-id.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { RequestLogging } from "../model/request-logging.ts";
import type { Runtime } from "../model/runtime.ts";
import { createRuntimes, type RuntimeRegistry } from "../runtimes/registry.ts";
import type { TrafficSplits } from "../serving/traffic-split.ts";
import type { VersionStatus } from "../serving/version-status.ts";
import { modelsOf, rebased, withModel, withoutModel } from "./model-layers.ts";
import { ServerCore } from "./server-core.ts";
import type { ServerCoreOptions } from "./server-core-options.ts";
import type { ServingThreads } from "./serving-threads.ts";

const MODEL = new URL("../../test/fixtures/onnx/bool_where/model.onnx", import.meta.url).pathname;
const NEVER = new AbortController().signal;

/** Serving threads that note what they are told. */
class FakeThreads implements ServingThreads {
  /** Published and retired versions, in order. */
  readonly calls: string[] = [];
  readonly readiness: boolean[] = [];
  readonly labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>[] = [];
  readonly splits: TrafficSplits[] = [];
  readonly loggings: ReadonlyMap<string, RequestLogging>[] = [];
  readonly statuses = new Map<string, readonly VersionStatus[]>();
  readonly #refusals = new Map<string, ServingError>();
  readonly #held = new Map<string, Deferred<void>>();
  #waiting: { readonly holds: () => boolean; readonly done: Deferred<void> }[] = [];

  async publish(id: ServableId): Promise<void> {
    const refusal = this.#refusals.get(id.name);
    if (refusal !== undefined) throw refusal;
    await this.#held.get(id.name)?.promise;
    this.calls.push(`publish ${id.name} ${id.version}`);
  }

  async replace(id: ServableId): Promise<void> {
    const refusal = this.#refusals.get(id.name);
    if (refusal !== undefined) throw refusal;
    this.calls.push(`replace ${id.name} ${id.version}`);
  }

  async retire(id: ServableId): Promise<void> {
    this.calls.push(`retire ${id.name} ${id.version}`);
  }

  setLabels(labels: ReadonlyMap<string, ReadonlyMap<string, bigint>>, splits: TrafficSplits): void {
    this.labels.push(labels);
    this.splits.push(splits);
  }

  setRequestLogs(loggings: ReadonlyMap<string, RequestLogging>): void {
    this.loggings.push(loggings);
  }

  setStatuses(model: string, statuses: readonly VersionStatus[]): void {
    const versions = statuses.map(({ version }) => version);
    expect(versions).toEqual(versions.toSorted((a, b) => Number(a - b)));
    this.statuses.set(model, statuses);
    this.#waiting = this.#waiting.filter(({ holds, done }) => !holds() || done.resolve());
  }

  setReady(ready: boolean): void {
    if (this.readiness.at(-1) !== ready) this.readiness.push(ready);
  }

  /** Refuses a model's versions from now on. */
  refuse(name: string, error: ServingError): void {
    this.#refusals.set(name, error);
  }

  /** Lets the publishing of a model's versions wait; returns the means to go on. */
  hold(name: string): () => void {
    const held = deferred<void>();
    this.#held.set(name, held);
    return () => held.resolve();
  }

  /** `1:END 2:AVAILABLE` */
  states(model: string): string {
    return (this.statuses.get(model) ?? []).map(({ version, state }) => `${version}:${state}`).join(" ");
  }

  /** Resolves once a model's versions are in these states. */
  async reached(model: string, states: string): Promise<void> {
    if (this.states(model) === states) return;
    const done = deferred<void>();
    this.#waiting.push({ holds: () => this.states(model) === states, done });
    await done.promise;
  }
}

const OPTIONS: ServerCoreOptions = {
  pollIntervalMs: 1000,
  maxLoadRetries: 1,
  loadRetryIntervalMs: 60_000,
  initialLoadThreads: 4,
  loadThreads: 0,
  unloadThreads: 0,
  allowLabelsForUnavailable: false,
  forceLabelsForUnavailable: false,
  aspiredVersionPolicy: "availability_preserving",
  reloadServablesWithError: false,
  versionsAlwaysPresent: false,
  warmUp: { enabled: true, iterations: 1, automatic: "off" },
};

let root: string;
let clock: FakeClock;
let threads: FakeThreads;
let core: ServerCore;
/** Loads and unloads of the runtime. */
let loads: number;
let unloads: number;
/** Thrown by the next load, then forgotten. */
let failNext: Error | undefined;

/** The real runtime, counted. */
function countedRuntimes(): RuntimeRegistry {
  const real = createRuntimes({ onnxruntime: {} }).get("onnxruntime")!;
  const counted: Runtime = {
    name: "onnxruntime",
    load: async (program, signal) => {
      loads++;
      const failure = failNext;
      failNext = undefined;
      if (failure) throw failure;
      return await real.load(program, signal);
    },
    attach: (model) => real.attach(model),
    unload: async (model) => {
      unloads++;
      await real.unload(model);
    },
  };
  return new Map([["onnxruntime", counted]]);
}

function makeCore(options: Partial<ServerCoreOptions> = {}): ServerCore {
  core = new ServerCore(
    { threads, runtimes: countedRuntimes(), shard: new MetricsShard(() => {}), clock, log: createLog("silent") },
    { ...OPTIONS, ...options },
  );
  return core;
}

/** Lets time pass until a promise settles: files that were just written are left alone for a while. */
async function driven<T>(promise: Promise<T>): Promise<T> {
  let over = false;
  const end = () => {
    over = true;
  };
  promise.then(end, end);
  while (!over) await clock.advance(100);
  return await promise;
}

/** Resolves once a condition holds that only the core's own work brings about. */
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await settle();
}

/** Lets all be done that waits for files only. */
async function withoutTime(): Promise<void> {
  // Each of these waits behind what was asked of the file system before.
  for (let turn = 0; turn < 1000; turn++) await stat(root);
}

/** More models, none with a version, than are looked at without letting other work go first. */
const crowd = () => Array.from({ length: 300 }, (_, index) => model(`crowd${index}`));

const settled = () => driven(core.settled(NEVER));
const reached = (name: string, states: string) => driven(threads.reached(name, states));
const reload = (...models: readonly ModelConfig[]) => driven(core.reload(models));

/** Moves a version into place whole. */
function publishVersion(model: string, version: number, content?: string): void {
  const staging = mkdtempSync(join(root, ".staging-"));
  if (content === undefined) cpSync(MODEL, join(staging, "model.onnx"));
  else writeFileSync(join(staging, "model.onnx"), content);
  mkdirSync(join(root, model), { recursive: true });
  renameSync(staging, join(root, model, String(version)));
}

/** Moves a version into place once more, at a later tick of the file system's clock than it was written: it need not settle. */
function moveAgain(model: string, version: number): void {
  const [path, aside] = [join(root, model, String(version)), join(root, ".aside")];
  const changed = (name: string) => statSync(name, { bigint: true }).ctimeNs;
  do {
    renameSync(path, aside);
    renameSync(aside, path);
  } while (changed(path) <= changed(join(path, "model.onnx")));
}

function model(name: string, labels: Record<string, bigint> = {}): ModelConfig {
  return {
    name,
    basePath: join(root, name),
    versionPolicy: LATEST_VERSION,
    labels: new Map(Object.entries(labels)),
    trafficSplit: NO_TRAFFIC_SPLIT,
  };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "modelport-"));
  clock = new FakeClock();
  threads = new FakeThreads();
  [loads, unloads, failNext] = [0, 0, undefined];
});

afterEach(async () => {
  await driven(core.stop());
  rmSync(root, { recursive: true });
});

describe("a start", () => {
  test("serves the models, tells the threads their states, and becomes ready with the last of them", async () => {
    publishVersion("a", 1);
    publishVersion("b", 7);
    makeCore().start([model("a"), model("b")]);
    expect([core.ready, threads.readiness]).toEqual([false, [false]]);
    await settled();
    expect([threads.states("a"), threads.states("b")]).toEqual(["1:AVAILABLE", "7:AVAILABLE"]);
    expect([core.ready, threads.readiness]).toEqual([true, [false, true]]);
    expect(core.models.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("with no model at all is ready", async () => {
    makeCore().start([]);
    await settled();
    expect(core.ready).toBe(true);
  });

  test("is settled although a model failed, which harms no other", async () => {
    publishVersion("good", 1);
    publishVersion("bad", 1, "not a model");
    makeCore().start([model("bad"), model("good")]);
    await settled();
    await reached("good", "1:AVAILABLE");
    expect(threads.states("bad")).toBe("1:END");
    expect(threads.statuses.get("bad")![0].error).toMatchObject({
      code: "data-loss",
      message: expect.stringContaining("model.onnx"),
    });
    expect(core.ready).toBe(false);
  });

  test("shows every version with what its load found out", async () => {
    publishVersion("b", 1);
    publishVersion("a", 2, "not a model");
    makeCore().start([model("b"), model("a")]);
    await settled();
    await reached("b", "1:AVAILABLE");
    expect(core.rows()).toMatchObject([
      { name: "a", version: 2n, state: "END", error: { code: "data-loss" } },
      { name: "b", version: 1n, state: "AVAILABLE", load: { platform: "onnx", why: "holds model.onnx" } },
    ]);
  });

  test("waits for a version that is not there yet", async () => {
    makeCore().start([model("late")]);
    await clock.advance(5000);
    publishVersion("late", 3);
    await settled();
    expect([threads.states("late"), core.ready]).toEqual(["3:AVAILABLE", true]);
  });

  test("is given up when it is told to", async () => {
    makeCore().start([model("never")]);
    const stopping = new AbortController();
    const waiting = core.settled(stopping.signal);
    stopping.abort(new ServingError("cancelled", "the server stops"));
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("versions", () => {
  test("a new one takes over and only then the old one goes", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    publishVersion("m", 2);
    await reached("m", "1:END 2:AVAILABLE");
    expect(threads.calls).toEqual(["publish m 1", "publish m 2", "retire m 1"]);
    expect([loads, unloads]).toEqual([2, 1]);
  });

  test("a broken new one leaves the old one serving and the server ready", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    publishVersion("m", 2, "not a model");
    await reached("m", "1:AVAILABLE 2:END");
    expect([core.ready, threads.readiness]).toEqual([true, [false, true]]);
  });

  test("the last one that is taken away makes the server not ready", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    rmSync(join(root, "m", "1"), { recursive: true });
    await reached("m", "1:END");
    expect(threads.readiness).toEqual([false, true, false]);
  });

  test("one that the threads refuse ends with their reason and is unloaded", async () => {
    publishVersion("m", 1);
    threads.refuse("m", new ServingError("internal", "no room in a thread"));
    makeCore().start([model("m")]);
    await settled();
    expect(threads.statuses.get("m")).toMatchObject([{ state: "END", error: { message: "no room in a thread" } }]);
    expect([loads, unloads]).toEqual([1, 1]);
  });

  test("one that may load at the next try is tried again after the interval", async () => {
    publishVersion("m", 1);
    failNext = new ServingError("unavailable", "the disk is busy");
    makeCore().start([model("m")]);
    await reached("m", "1:LOADING");
    const failed = clock.now();
    await settled();
    expect([threads.states("m"), loads]).toEqual(["1:AVAILABLE", 2]);
    expect(clock.now()).toBeGreaterThanOrEqual(failed + 60_000);
  });

  test("one whose files are at fault is not tried again", async () => {
    publishVersion("m", 1);
    failNext = new ServingError("data-loss", "model.onnx is cut off");
    makeCore().start([model("m")]);
    await settled();
    expect([threads.states("m"), loads]).toEqual(["1:END", 1]);
  });

  test("one that does not fit is refused before it is read", async () => {
    publishVersion("m", 1);
    makeCore({ ramLimitBytes: 10 }).start([model("m")]);
    await settled();
    expect(threads.statuses.get("m")).toMatchObject([{ state: "END", error: { code: "resource-exhausted" } }]);
    expect(loads).toBe(0);
  });
});

describe("a reload", () => {
  test("adds what is new, takes away what is not listed, and leaves the rest alone", async () => {
    for (const name of ["old", "kept", "fresh"]) publishVersion(name, 1);
    makeCore().start([model("old"), model("kept")]);
    await settled();
    await reached("kept", "1:AVAILABLE");
    expect(await reload(model("kept"), model("fresh"))).toEqual({ code: "ok", message: "" });
    expect(threads.states("fresh")).toBe("1:AVAILABLE");
    await reached("old", "1:END");
    expect(threads.calls.filter((call) => call.includes("kept"))).toEqual(["publish kept 1"]);
    expect(core.models.map(({ name }) => name)).toEqual(["kept", "fresh"]);
  });

  test("says which models did not come up and why", async () => {
    publishVersion("good", 1);
    publishVersion("bad", 4, "not a model");
    makeCore().start([]);
    const { code, message } = await reload(model("good"), model("bad"));
    expect(code).toBe("unknown");
    expect(message).toMatch(
      /^1 model\(s\) did not become available: \{\{\{?name: bad version: 4\}? due to error: model\.onnx .*\}, \}$/,
    );
    expect(message).toContain(formatServableId({ name: "bad", version: 4n }));
    expect(threads.states("good")).toBe("1:AVAILABLE");
  });

  test("brings a model back that was taken away", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    for (let round = 0; round < 3; round++) {
      expect(await reload()).toEqual({ code: "ok", message: "" });
      expect(await reload(model("m"))).toEqual({ code: "ok", message: "" });
      expect(threads.states("m")).toBe("1:AVAILABLE");
    }
    expect([loads, unloads]).toEqual([4, 3]);
  });

  test("waits for a model that an earlier one added and that is not up yet", async () => {
    for (const name of ["slow", "quick"]) publishVersion(name, 1);
    makeCore().start([]);
    const goOn = threads.hold("slow");
    const outcomes: string[] = [];
    const first = core.reload([model("slow")]).then(({ code }) => outcomes.push(`first ${code}`));
    const second = core.reload([model("slow"), model("quick")]).then(({ code }) => outcomes.push(`second ${code}`));
    await reached("quick", "1:AVAILABLE");
    await settle();
    expect(outcomes).toEqual([]);
    goOn();
    await driven(Promise.all([first, second]));
    expect(outcomes).toEqual(["first ok", "second ok"]);
  });

  test("is not held up by a model that never comes up: who waits for that is told when it is taken away", async () => {
    publishVersion("good", 1);
    makeCore().start([]);
    const hopeless = core.reload([model("missing")]);
    const refused = expect(hopeless).rejects.toMatchObject({
      code: "aborted",
      message: expect.stringContaining("model missing"),
    });
    expect(await reload(model("good"))).toEqual({ code: "ok", message: "" });
    await refused;
  });

  test("that waits is ended by the end of the server", async () => {
    makeCore().start([]);
    const hopeless = core.reload([model("missing")]);
    await core.configure([model("missing")]);
    const refused = expect(hopeless).rejects.toMatchObject({ code: "unavailable" });
    core.giveUpReloads();
    await refused;
  });

  test("that waits for its turn is ended by the end of the server too, and changes nothing", async () => {
    publishVersion("late", 1);
    makeCore().start([]);
    const outcomes = [core.reload([model("missing")]), core.reload([model("late")]), core.configure([model("late")])];
    const refused = Promise.all(outcomes.map((each) => expect(each).rejects.toMatchObject({ code: "unavailable" })));
    core.giveUpReloads();
    await driven(refused);
    expect(core.models.map(({ name }) => name)).not.toContain("late");
    await expect(core.reload([model("late")])).rejects.toMatchObject({ code: "unavailable" });
  });

  test("that brings a model back which the one before took away is not confused by hundreds that went with it", async () => {
    publishVersion("m", 1);
    makeCore().start([...crowd(), model("m")]);
    await reached("m", "1:AVAILABLE");
    moveAgain("m", 1);
    const reloads = Promise.all([core.reload([]), core.reload([model("m")])]);
    await withoutTime();
    await driven(reloads);
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 1"]);
  });

  test("is done one after the other, so that the last list asked for is the one that counts", async () => {
    for (const name of ["a", "b", "c"]) publishVersion(name, 1);
    makeCore().start([]);
    await driven(Promise.all([core.configure([model("a")]), core.configure([model("b")]), core.configure([model("c")])]));
    expect(core.models.map(({ name }) => name)).toEqual(["c"]);
    expect(threads.labels.map((labels) => [...labels.keys()])).toEqual([[], ["a"], ["b"], ["c"]]);
  });
});

describe("request logs", () => {
  const logging = (name: string, prefix: string): ModelConfig => ({
    ...model(name),
    logging: { samplingRate: 1, filenamePrefix: join(root, prefix), format: "tfrecord" },
  });

  test("are told to the threads with every list, and have their folder by then", async () => {
    publishVersion("m", 1);
    makeCore().start([logging("m", "logs/first/m")]);
    expect([threads.loggings.at(-1)?.get("m")?.samplingRate, existsSync(join(root, "logs", "first"))]).toEqual([1, true]);
    await reload(model("m"));
    expect(threads.loggings.at(-1)?.size).toBe(0);
  });

  test("that have no place to be make a reload change nothing", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    writeFileSync(join(root, "file"), "");
    const told = threads.loggings.length;
    await expect(reload(logging("m", "file/m"), model("n"))).rejects.toMatchObject({ code: "failed-precondition" });
    expect([threads.loggings.length, core.models.map(({ name }) => name)]).toEqual([told, ["m"]]);
  });
});

describe("labels", () => {
  const labels = () => Object.fromEntries(threads.labels.at(-1)?.get("m") ?? []);

  test("at the start are refused, because nothing is available yet", () => {
    makeCore();
    expect(() => core.start([model("m", { stable: 1n })])).toThrow(
      expect.objectContaining({ code: "failed-precondition", message: expect.stringContaining("version 1 of model m") }),
    );
    expect(threads.labels).toEqual([]);
  });

  test("at the start are taken when that is allowed", async () => {
    publishVersion("m", 1);
    makeCore({ allowLabelsForUnavailable: true }).start([model("m", { stable: 1n })]);
    expect(labels()).toEqual({ stable: 1n });
  });

  test("are given to an available version by a reload", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    await reload(model("m", { stable: 1n }));
    expect(labels()).toEqual({ stable: 1n });
    await reload(model("m"));
    expect(labels()).toEqual({});
  });

  test("that may not be given make a reload change nothing", async () => {
    for (const name of ["m", "n"]) publishVersion(name, 1);
    makeCore({ allowLabelsForUnavailable: true }).start([model("m", { stable: 1n })]);
    await settled();
    const told = threads.labels.length;
    await expect(reload(model("m", { stable: 2n }), model("n"))).rejects.toMatchObject({ code: "failed-precondition" });
    expect([threads.labels.length, core.models.map(({ name }) => name)]).toEqual([told, ["m"]]);
    expect(threads.states("n")).toBe("");
    // The refusal holds nobody up.
    expect(await reload(model("n"))).toEqual({ code: "ok", message: "" });
  });
});

describe("labels of versions that are not available", () => {
  test("may be anything, moved ones too, when that is forced", async () => {
    publishVersion("m", 1);
    makeCore({ forceLabelsForUnavailable: true }).start([model("m", { stable: 1n })]);
    await settled();
    await reload(model("m", { stable: 7n }));
    expect(threads.labels.at(-1)?.get("m")).toEqual(new Map([["stable", 7n]]));
  });

  test("are replaced as a whole by each reload that is not refused", async () => {
    publishVersion("m", 1);
    makeCore({ allowLabelsForUnavailable: true }).start([model("m", { a: 1n, b: 2n })]);
    await settled();
    await reload(model("m", { c: 3n }));
    expect(threads.labels.at(-1)?.get("m")).toEqual(new Map([["c", 3n]]));
    // Label a is new again: it may name a version that is not there.
    await reload(model("m", { a: 9n }));
    expect(threads.labels.at(-1)?.get("m")).toEqual(new Map([["a", 9n]]));
  });
});

test("the threads are told how traffic is split together with the labels", async () => {
  publishVersion("m", 1);
  const trafficSplit = new Map([["stable", 1]]);
  makeCore({ allowLabelsForUnavailable: true }).start([{ ...model("m", { stable: 1n }), trafficSplit }, model("n")]);
  expect(threads.splits.at(-1)).toEqual(new Map([["m", trafficSplit]]));
  await reload(model("m", { stable: 1n }));
  expect(threads.splits.at(-1)).toEqual(new Map());
});

describe("a version policy that a reload changes", () => {
  const policies: readonly [string, ModelConfig["versionPolicy"], string][] = [
    ["wider", { kind: "latest", count: 2 }, "2:AVAILABLE 3:AVAILABLE"],
    ["all", { kind: "all" }, "1:AVAILABLE 2:AVAILABLE 3:AVAILABLE"],
    ["other versions", { kind: "specific", versions: [1n, 2n] }, "1:AVAILABLE 2:AVAILABLE 3:END"],
    ["narrower", { kind: "specific", versions: [2n] }, "1:END 2:AVAILABLE 3:END"],
    ["the latest again", LATEST_VERSION, "1:END 2:END 3:AVAILABLE"],
  ];

  test("is followed, and at each moment of it a version is available", async () => {
    publishVersion("m", 3);
    makeCore().start([model("m")]);
    await reached("m", "3:AVAILABLE");
    for (const version of [1, 2]) publishVersion("m", version);
    for (const [, versionPolicy, states] of policies) {
      expect(await reload({ ...model("m"), versionPolicy })).toEqual({ code: "ok", message: "" });
      await reached("m", states);
    }
    const available = new Set<string>();
    for (const call of threads.calls) {
      const [kind, , version] = call.split(" ");
      if (kind === "publish") available.add(version!);
      else available.delete(version!);
      expect(available.size).toBeGreaterThan(0);
    }
  });

  test("takes what serves away when it asks for no version that is there, by its own words", async () => {
    publishVersion("m", 1);
    makeCore().start([model("m")]);
    await settled();
    await reload({ ...model("m"), versionPolicy: { kind: "specific", versions: [9n] } });
    await reached("m", "1:END");
  });
});

describe("a base path that a reload changes", () => {
  const at = (folder: string) => ({ ...model("m"), basePath: join(root, folder) });

  test("gives a version of the same number the content of the new path, and no moment without one", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore().start([at("old")]);
    await settled();
    expect(await reload(at("new"))).toEqual({ code: "ok", message: "" });
    await driven(eventually(() => threads.calls.length === 2 && unloads === 1));
    expect(threads.calls).toEqual(["publish m 1", "replace m 1"]);
    expect([threads.states("m"), loads]).toEqual(["1:AVAILABLE", 2]);
    expect(core.ready).toBe(true);
  });

  test("swaps the versions when the new path has others", async () => {
    publishVersion("old", 1);
    publishVersion("new", 5);
    makeCore().start([at("old")]);
    await settled();
    await reload(at("new"));
    await reached("m", "1:END 5:AVAILABLE");
    expect(threads.calls).toEqual(["publish m 1", "publish m 5", "retire m 1"]);
  });

  test("to a broken version leaves the old content serving, until the files are mended", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1, "not a model");
    makeCore().start([at("old")]);
    await settled();
    await reload(at("new"));
    await clock.advance(5000);
    expect([threads.calls, threads.states("m"), unloads]).toEqual([["publish m 1"], "1:AVAILABLE", 0]);
    expect(core.rows()).toMatchObject([{ state: "AVAILABLE", load: { platform: "onnx" } }]);
    cpSync(MODEL, join(root, "new", "1", "model.onnx"));
    await driven(eventually(() => threads.calls.length === 2));
    expect(threads.calls).toEqual(["publish m 1", "replace m 1"]);
  });

  test("mends a version that failed", async () => {
    publishVersion("old", 1, "not a model");
    publishVersion("new", 1);
    makeCore().start([at("old")]);
    await reached("m", "1:END");
    await reload(at("new"));
    await reached("m", "1:AVAILABLE");
  });

  test("is followed by a version that waits for its turn to load", async () => {
    for (const folder of ["old", "new"]) publishVersion(folder, 1);
    publishVersion("first", 1);
    const goOn = threads.hold("first");
    makeCore({ initialLoadThreads: 1 }).start([model("first")]);
    await reached("first", "1:LOADING");
    await driven(core.configure([model("first"), at("old")]));
    await reached("m", "1:START");
    rmSync(join(root, "old"), { recursive: true });
    await driven(core.configure([model("first"), at("new")]));
    goOn();
    await reached("m", "1:AVAILABLE");
  });

  test("counts the memory of the new content from then on, and of both until the old one is gone", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    writeFileSync(join(root, "new", "1", "more"), Buffer.alloc(10_000));
    makeCore({ ramLimitBytes: 2.4 * statSync(MODEL).size + 12_100, maxLoadRetries: 0 }).start([at("old")]);
    await settled();
    await reload(at("new"));
    await driven(eventually(() => threads.calls.length === 2 && unloads === 1));
    publishVersion("other", 1);
    writeFileSync(join(root, "other", "1", "more"), Buffer.alloc(9_000));
    expect((await reload(at("new"), model("other"))).message).toContain("Insufficient resources");
  });

  test("lets the old versions go first when there is no room for two", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore({ aspiredVersionPolicy: "resource_preserving" }).start([at("old")]);
    await settled();
    await reload(at("new"));
    await driven(eventually(() => threads.calls.length === 3));
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 1"]);
    expect([threads.states("m"), loads, unloads]).toEqual(["1:AVAILABLE", 2, 1]);
  });

  test("lets them go first when hundreds of models go with it", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore({ aspiredVersionPolicy: "resource_preserving" }).start([...crowd(), at("old")]);
    await reached("m", "1:AVAILABLE");
    moveAgain("new", 1);
    const reloading = core.reload([at("new")]);
    await withoutTime();
    await driven(reloading);
    await driven(eventually(() => threads.calls.length === 3));
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 1"]);
  });
});

describe("without room for two versions", () => {
  /** The estimate of one model. */
  const one = () => Math.ceil(1.2 * statSync(MODEL).size);

  test("the old one stays when availability is preserved, and the new one says why it is not there", async () => {
    publishVersion("m", 1);
    makeCore({ ramLimitBytes: one() * 1.5, maxLoadRetries: 0 }).start([model("m")]);
    await settled();
    publishVersion("m", 2);
    await reached("m", "1:AVAILABLE 2:END");
    expect(threads.statuses.get("m")![1]).toMatchObject({
      error: { code: "resource-exhausted", message: "Insufficient resources to load servable {name: m version: 2}" },
    });
    expect([loads, unloads]).toEqual([1, 0]);
  });

  test("the new one takes over when resources are preserved", async () => {
    publishVersion("m", 1);
    makeCore({ ramLimitBytes: one() * 1.5, aspiredVersionPolicy: "resource_preserving" }).start([model("m")]);
    await settled();
    publishVersion("m", 2);
    await reached("m", "1:END 2:AVAILABLE");
    expect(threads.calls).toEqual(["publish m 1", "retire m 1", "publish m 2"]);
  });

  test("a version keeps its content although its base path has changed", async () => {
    publishVersion("old", 1);
    publishVersion("new", 1);
    makeCore({ ramLimitBytes: one() * 1.5 }).start([{ ...model("m"), basePath: join(root, "old") }]);
    await settled();
    await reload({ ...model("m"), basePath: join(root, "new") });
    await clock.advance(5000);
    expect([threads.calls, loads]).toEqual([["publish m 1"], 1]);
  });
});

describe("where versions must always be present", () => {
  const always = { versionsAlwaysPresent: true };

  test("a model without one is not found at the start", async () => {
    mkdirSync(join(root, "empty"));
    makeCore(always);
    for (const name of ["empty", "missing"]) {
      await expect(core.checkPresence([model(name)])).rejects.toMatchObject({
        code: "not-found",
        message: expect.stringMatching(new RegExp(`^Unable to find a numerical version path for servable ${name} `)),
      });
    }
  });

  test("a reload that names a model without one is refused and changes nothing", async () => {
    publishVersion("m", 1);
    makeCore(always).start([model("m")]);
    await settled();
    await expect(reload(model("m"), model("missing"))).rejects.toMatchObject({ code: "not-found" });
    await expect(reload({ ...model("m"), versionPolicy: { kind: "specific", versions: [9n] } })).rejects.toMatchObject({
      code: "not-found",
    });
    expect(core.models).toEqual([model("m")]);
    expect(threads.states("m")).toBe("1:AVAILABLE");
  });

  test("a model that has lost its last one keeps it, and holds up no reload of another", async () => {
    for (const name of ["m", "n"]) publishVersion(name, 1);
    makeCore(always).start([model("m")]);
    await settled();
    rmSync(join(root, "m", "1"), { recursive: true });
    expect(await reload(model("m"), model("n"))).toEqual({ code: "ok", message: "" });
    await clock.advance(5000);
    expect([threads.states("m"), threads.states("n")]).toEqual(["1:AVAILABLE", "1:AVAILABLE"]);
  });

  test("a bare model counts as one", async () => {
    cpSync(MODEL, join(root, "bare.onnx"));
    makeCore(always);
    await core.checkPresence([{ ...model("m"), basePath: join(root, "bare.onnx") }]);
  });
});

describe("a change of single models", () => {
  const names = () => core.models.map(({ name }) => name);

  test("takes its turn among reloads, and sees what is in force by then", async () => {
    for (const name of ["a", "b", "c"]) publishVersion(name, 1);
    makeCore().start([]);
    const seen: string[][] = [];
    const add = (name: string) =>
      core.change((layers) => {
        seen.push(modelsOf(layers).map((each) => each.name));
        return withModel(layers, model(name));
      });
    await driven(Promise.all([core.configure([model("a")]), add("b"), add("c")]));
    expect([seen, names()]).toEqual([
      [["a"], ["a", "b"]],
      ["a", "b", "c"],
    ]);
  });

  test("lies over what is found later, and under what is configured later", async () => {
    for (const name of ["a", "b", "c"]) publishVersion(name, 1);
    makeCore().start([model("a")]);
    await driven(core.change((layers) => withoutModel(withModel(layers, model("b")), "a")));
    await driven(core.change((layers) => rebased(layers, [model("a"), model("c")])));
    expect(names()).toEqual(["c", "b"]);
    await driven(core.configure([model("a")]));
    expect(names()).toEqual(["a"]);
  });

  test("that is given up or refused changes nothing and holds up nobody", async () => {
    publishVersion("a", 1);
    makeCore().start([model("a")]);
    const told = threads.labels.length;
    const refusal = new ServingError("not-found", "there is no such model");
    await expect(
      core.change(() => {
        throw refusal;
      }),
    ).rejects.toBe(refusal);
    await core.change((layers) => layers);
    await expect(core.change((layers) => withModel(layers, model("a", { stable: 9n })))).rejects.toMatchObject({
      code: "failed-precondition",
    });
    expect([threads.labels.length, names()]).toEqual([told, ["a"]]);
    await driven(core.change((layers) => withModel(layers, model("b"))));
    expect(names()).toEqual(["a", "b"]);
  });
});

describe("the arrival of a model", () => {
  test("is its available version, or the error of its last one", async () => {
    publishVersion("good", 1);
    publishVersion("bad", 1, "not a model");
    makeCore().start([]);
    await driven(core.change((layers) => withModel(withModel(layers, model("good")), model("bad"))));
    expect(await driven(core.arrival("good"))).toMatchObject({ managerState: "AVAILABLE", health: undefined });
    expect(await driven(core.arrival("bad"))).toMatchObject({ managerState: "END", health: { code: "data-loss" } });
    expect(await driven(core.arrival("bad"))).toMatchObject({ managerState: "END", health: { code: "data-loss" } });
  });

  test("is waited for while there is no version, and given up when the model is taken away", async () => {
    makeCore().start([model("late")]);
    const waiting = core.arrival("late");
    publishVersion("late", 3);
    expect((await driven(waiting)).id.version).toBe(3n);
    await driven(core.configure([model("never")]));
    const refused = expect(core.arrival("never")).rejects.toMatchObject({ code: "aborted" });
    await driven(core.configure([]));
    await refused;
  });

  test("is not the error from another base path, although the files of the new one are still to settle", async () => {
    publishVersion("old", 1, "not a model");
    makeCore().start([{ ...model("m"), basePath: join(root, "old") }]);
    await reached("m", "1:END");
    mkdirSync(join(root, "new", "1"), { recursive: true });
    cpSync(MODEL, join(root, "new", "1", "model.onnx"));
    await core.change((layers) => withModel(layers, { ...model("m"), basePath: join(root, "new") }));
    expect(await driven(core.arrival("m"))).toMatchObject({ managerState: "AVAILABLE" });
  });

  test("is not waited for once the model was taken away", async () => {
    makeCore().start([]);
    await expect(core.arrival("gone")).rejects.toMatchObject({ code: "aborted" });
  });
});

test("fifty reloads at once are done one after the other, and the last one counts", async () => {
  for (const name of ["a", "b"]) publishVersion(name, 1);
  makeCore().start([model("a"), model("b")]);
  await settled();
  const lists = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? [model("a")] : [model("a"), model("b")]));
  const outcomes = await driven(Promise.allSettled(lists.map((list) => core.reload(list))));
  // A model that the next list takes away again before it was up is the only thing that may go wrong.
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "aborted" });
    else expect(outcome.value.code).toBe("ok");
  }
  expect(outcomes.at(-1)).toMatchObject({ status: "fulfilled", value: { code: "ok" } });
  expect(threads.labels.slice(-50).map((labels) => labels.size)).toEqual(lists.map((list) => list.length));
  await reached("b", "1:AVAILABLE");
  expect(threads.calls.filter((call) => call.includes(" a "))).toEqual(["publish a 1"]);
});

test("a stop lets every version go, and resolves when all are unloaded", async () => {
  for (const name of ["a", "b"]) publishVersion(name, 1);
  makeCore().start([model("a"), model("b")]);
  await settled();
  await reached("a", "1:AVAILABLE");
  await reached("b", "1:AVAILABLE");
  await core.stop();
  expect([threads.states("a"), threads.states("b")]).toEqual(["1:END", "1:END"]);
  expect([loads, unloads]).toEqual([2, 2]);
});
