// For tests of ServerCore: a core on real files and the real runtime, with a fake clock and serving threads that note what they are told.
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { type Deferred, deferred } from "../base/deferred.ts";
import { FakeClock, settle } from "../base/fake-clock.ts";
import { createLog } from "../base/log.ts";
import type { ServingError } from "../base/serving-error.ts";
import { LATEST_VERSION, type ModelConfig, NO_TRAFFIC_SPLIT } from "../config/model-config.ts";
import type { ServableId } from "../core/servable-id.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import type { RequestLogging } from "../model/request-logging.ts";
import type { Runtime } from "../model/runtime.ts";
import { createRuntimes, type RuntimeRegistry } from "../runtimes/registry.ts";
import type { TrafficSplits } from "../serving/traffic-split.ts";
import type { VersionStatus } from "../serving/version-status.ts";
import { ServerCore } from "./server-core.ts";
import type { ServerCoreOptions } from "./server-core-options.ts";
import type { ServingThreads } from "./serving-threads.ts";

export const MODEL = new URL("../../test/fixtures/onnx/bool_where/model.onnx", import.meta.url).pathname;
export const NEVER = new AbortController().signal;

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
  savedModelTags: ["serve"],
  warmUp: { enabled: true, iterations: 1, automatic: "off" },
};

export let root: string;
export let clock: FakeClock;
export let threads: FakeThreads;
export let core: ServerCore;
/** Loads and unloads of the runtime. */
export let loads: number;
export let unloads: number;
let failNext: Error | undefined;

/** Lets the next load, and only that, end with this. */
export function failNextLoad(error: Error): void {
  failNext = error;
}

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

export function makeCore(options: Partial<ServerCoreOptions> = {}): ServerCore {
  core = new ServerCore(
    { threads, runtimes: countedRuntimes(), shard: new MetricsShard(() => {}), clock, log: createLog("silent") },
    { ...OPTIONS, ...options },
  );
  return core;
}

/** Lets time pass until a promise settles: files that were just written are left alone for a while. */
export async function driven<T>(promise: Promise<T>): Promise<T> {
  let over = false;
  const end = () => {
    over = true;
  };
  promise.then(end, end);
  while (!over) await clock.advance(100);
  return await promise;
}

/** Resolves once a condition holds that only the core's own work brings about. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await settle();
}

/** Lets all be done that waits for files only. */
export async function withoutTime(): Promise<void> {
  // Each of these waits behind what was asked of the file system before.
  for (let turn = 0; turn < 1000; turn++) await stat(root);
}

/** More models, none with a version, than are looked at without letting other work go first. */
export const crowd = () => Array.from({ length: 300 }, (_, index) => model(`crowd${index}`));

export const settled = () => driven(core.settled(NEVER));
export const reached = (name: string, states: string) => driven(threads.reached(name, states));
export const reload = (...models: readonly ModelConfig[]) => driven(core.reload(models));

/** Moves a version into place whole. */
export function publishVersion(model: string, version: number, content?: string): void {
  const staging = mkdtempSync(join(root, ".staging-"));
  if (content === undefined) cpSync(MODEL, join(staging, "model.onnx"));
  else writeFileSync(join(staging, "model.onnx"), content);
  mkdirSync(join(root, model), { recursive: true });
  renameSync(staging, join(root, model, String(version)));
}

/** Moves a version into place once more, at a later tick of the file system's clock than it was written: it need not settle. */
export function moveAgain(model: string, version: number): void {
  const [path, aside] = [join(root, model, String(version)), join(root, ".aside")];
  const changed = (name: string) => statSync(name, { bigint: true }).ctimeNs;
  do {
    renameSync(path, aside);
    renameSync(aside, path);
  } while (changed(path) <= changed(join(path, "model.onnx")));
}

export function model(name: string, labels: Record<string, bigint> = {}): ModelConfig {
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
