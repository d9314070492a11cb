import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError, type StatusCode } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { AspiredVersionsManager } from "../core/aspired-versions-manager.ts";
import { availabilityPreservingPolicy } from "../core/availability-preserving-policy.ts";
import { BasicManager } from "../core/basic-manager.ts";
import { EventBus } from "../core/event-bus.ts";
import type { Loader } from "../core/loader.ts";
import { formatServableId, type ServableId, servableKey } from "../core/servable-id.ts";
import type { ServableState } from "../core/servable-state.ts";
import { ServableStateMonitor } from "../core/servable-state-monitor.ts";
import { SourceAdapter } from "../core/source-adapter.ts";
import { SourceRouter } from "../core/source-router.ts";
import { MODEL_LOAD_LATENCY } from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { SharedModel } from "../model/runtime.ts";
import { isModel, PLATFORM_NAMES } from "../platforms/registry.ts";
import type { RuntimeRegistry } from "../runtimes/registry.ts";
import type { ReloadOutcome } from "../serving/admin.ts";
import { FileSystemSource, type StoragePath } from "../sources/file-system-source.ts";
import { ModelArrivals } from "./model-arrivals.ts";
import { type LoadReport, PlatformLoader } from "./platform-loader.ts";
import type { ServingThreads } from "./serving-threads.ts";
import { checkLabels, type VersionLabels } from "./version-labels.ts";

/** What a server core is made of. */
export interface ServerCoreParts {
  readonly threads: ServingThreads;
  readonly runtimes: RuntimeRegistry;
  readonly shard: MetricsShard;
  readonly clock: Clock;
  readonly log: Log;
}

/** How models are found, loaded and let go; see the flags of the same names. */
export interface ServerCoreOptions {
  readonly pollIntervalMs: number;
  readonly maxLoadRetries: number;
  readonly loadRetryIntervalMs: number;
  /** Loads at once while starting, and later; 0 is one after the other. */
  readonly initialLoadThreads: number;
  readonly loadThreads: number;
  readonly unloadThreads: number;
  readonly ramLimitBytes?: number;
  readonly allowLabelsForUnavailable: boolean;
  readonly reloadServablesWithError: boolean;
  /** Whether a model keeps its last version when its folder has none left. */
  readonly versionsAlwaysPresent: boolean;
}

/** One version as status tables show it. */
export interface ModelRow {
  readonly name: string;
  readonly version: bigint;
  readonly state: ServableState["managerState"];
  readonly error?: ServingError;
  /** What the last load of it found out. */
  readonly load?: LoadReport;
}

/** The output of the router for models whose config names no platform. */
const DETECTED = "detected";

/** Errors that may be gone at the next try; the others are about the files themselves, which a try does not change. */
const TRANSIENT: ReadonlySet<StatusCode> = new Set([
  "unknown",
  "deadline-exceeded",
  "resource-exhausted",
  "aborted",
  "internal",
  "unavailable",
]);

/**
 * TensorFlow Serving's ServerCore: composes source, router, adapters and manager, keeps the serving threads told, and
 * changes the served models on request.
 */
export class ServerCore {
  readonly #parts: ServerCoreParts;
  readonly #options: ServerCoreOptions;
  readonly #source: FileSystemSource;
  readonly #basic: BasicManager<SharedModel>;
  readonly #manager: AspiredVersionsManager<SharedModel>;
  readonly #monitor: ServableStateMonitor;
  readonly #arrivals: ModelArrivals;
  /** Versions in error whose files have changed since. */
  readonly #renewed = new Set<string>();
  /** By model, the version that failed last. */
  readonly #lastFailed = new Map<string, string>();
  readonly #reports = new Map<string, LoadReport>();
  #models: ReadonlyMap<string, ModelConfig> = new Map();
  /** The configured models without an available version. */
  readonly #waiting = new Set<string>();
  /** What the threads were last told; undefined before the first time. */
  #toldReady: boolean | undefined;
  #labels: VersionLabels = new Map();
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(parts: ServerCoreParts, options: ServerCoreOptions) {
    const { threads, clock, log } = parts;
    this.#parts = parts;
    this.#options = options;
    const bus = new EventBus<ServableState>((reason) => log.error("state_listener_failed", { err: reason }));
    this.#monitor = new ServableStateMonitor(bus);
    this.#monitor.subscribe((state) => this.#changed(state));
    this.#arrivals = new ModelArrivals(this.#monitor);
    this.#basic = new BasicManager<SharedModel>({
      publisher: threads,
      bus,
      clock,
      numLoadThreads: options.initialLoadThreads,
      numUnloadThreads: options.unloadThreads,
      maxLoadRetries: options.maxLoadRetries,
      loadRetryIntervalMs: options.loadRetryIntervalMs,
      isTransient: ({ code }) => TRANSIENT.has(code),
      ...(options.ramLimitBytes !== undefined && { ramLimitBytes: options.ramLimitBytes }),
    });
    this.#manager = new AspiredVersionsManager<SharedModel>({
      manager: this.#basic,
      clock,
      policy: availabilityPreservingPolicy,
      mayReload: (id) => options.reloadServablesWithError || this.#renewed.delete(servableKey(id)),
    });
    this.#source = new FileSystemSource({
      pollIntervalMs: options.pollIntervalMs,
      versionsAlwaysPresent: options.versionsAlwaysPresent,
      servables: [],
      clock,
      isModel,
      onRenewed: (id) => this.#renewed.add(servableKey(id)),
      report: (event, { cause, ...detail }) => log.warn(event, { ...detail, ...(cause !== undefined && { err: cause }) }),
    });
    this.#connect();
  }

  /**
   * Serves these models and begins to poll. Call once.
   * @throws ServingError failed-precondition when a label names a version and that is not allowed before it is available.
   */
  start(models: readonly ModelConfig[]): void {
    this.#checkLabels(models);
    this.#adopt(models);
    void this.#source.start();
  }

  /** Resolves when every configured model has an available version or has ended, then allows the later number of loads at once. */
  async settled(signal: AbortSignal): Promise<void> {
    const requests = [...this.#models.keys()].map((name) => ({ name }));
    await this.#monitor.waitUntilReached(requests, "AVAILABLE", signal);
    this.#basic.setLoadConcurrency(this.#options.loadThreads);
  }

  /**
   * Replaces the served models and looks at their base paths; one call after the other. A list that is refused changes
   * nothing. Resolves without waiting for new models to be available.
   */
  async configure(models: readonly ModelConfig[]): Promise<void> {
    void (await this.#enqueue(models));
  }

  /**
   * As {@link ServerCore.configure}, and resolves when every new model has an available version or has ended; the outcome
   * says which did not come up. Rejects with aborted when a later list takes a new model away before that, so that a model
   * which never comes up holds up nobody for ever.
   */
  async reload(models: readonly ModelConfig[]): Promise<ReloadOutcome> {
    const states = await Promise.all(await this.#enqueue(models));
    const failed = states.filter((state) => state.managerState === "END");
    if (failed.length === 0) return { code: "ok", message: "" };
    const list = failed
      .map(({ id, health }) => `{${formatServableId(id)} due to error: ${health?.message ?? "unknown"}}, `)
      .join("");
    return { code: "unknown", message: `${failed.length} model(s) did not become available: {${list}}` };
  }

  /** Lets reloads that wait for new models reject with unavailable. To be called before the threads drain, which wait for them. */
  giveUpReloads(): void {
    const stopping = new ServingError("unavailable", "the server stops");
    this.#arrivals.giveUp(
      () => false,
      () => stopping,
    );
  }

  /** The configured models. */
  get models(): readonly ModelConfig[] {
    return [...this.#models.values()];
  }

  /** Every version known, by model in order of name, lowest version first. */
  rows(): readonly ModelRow[] {
    return [...this.#monitor.all()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, states]) => states.toReversed())
      .map(({ id, managerState, health }) => {
        const load = this.#reports.get(servableKey(id));
        return {
          name: id.name,
          version: id.version,
          state: managerState,
          ...(health && { error: health }),
          ...(load && { load }),
        };
      });
  }

  /** Whether every configured model has an available version. */
  get ready(): boolean {
    return this.#waiting.size === 0;
  }

  /** Stops polling, lets every version go, and resolves when all are unloaded. */
  async stop(): Promise<void> {
    await this.#source.stop();
    await this.#manager.stop();
    this.#monitor.close();
  }

  /** Each platform named in a config has an adapter of its own; names without one go to the adapter that looks at the files. */
  #connect(): void {
    const outputs = [DETECTED, ...PLATFORM_NAMES];
    const router = new SourceRouter<StoragePath>(outputs, (name) => this.#models.get(name)?.platform ?? DETECTED);
    for (const output of outputs) {
      const adapter = new SourceAdapter<StoragePath, Loader<SharedModel>>(({ path }, id) => {
        const platform = output === DETECTED ? undefined : output;
        return new PlatformLoader(id, path, platform, { ...this.#parts, report: (report) => this.#loaded(report) });
      });
      router.output(output).connect(adapter);
      adapter.connect(this.#manager);
    }
    router.unrouted.connect(this.#manager);
    this.#source.connect(router);
  }

  /** Resolves, once the list is in force, with the waits for the models that are new. */
  #enqueue(models: readonly ModelConfig[]): Promise<readonly Promise<ServableState>[]> {
    const configured = this.#reloading.then(() => this.#configure(models));
    this.#reloading = configured.catch(() => undefined);
    return configured;
  }

  async #configure(models: readonly ModelConfig[]): Promise<readonly Promise<ServableState>[]> {
    const known = this.#models;
    const listed = new Set(models.map(({ name }) => name));
    this.#checkLabels(models);
    this.#arrivals.giveUp(
      (name) => listed.has(name),
      (name) => new ServingError("aborted", `model ${name} was taken away again before it was available`),
    );
    const fresh = models.filter(({ name }) => !known.has(name) || this.#arrivals.isExpected(name));
    const arrivals = fresh.map(({ name }) => this.#arrivals.expect(name));
    this.#adopt(models);
    await this.#source.poll();
    this.#parts.log.info("config_reloaded", { models: models.length, added: fresh.length });
    return arrivals;
  }

  #checkLabels(models: readonly ModelConfig[]): void {
    checkLabels(labelsOf(models), this.#labels, {
      isAvailable: (model, version) => this.#monitor.state(model, version)?.managerState === "AVAILABLE",
      allowUnavailable: this.#options.allowLabelsForUnavailable,
    });
  }

  #adopt(models: readonly ModelConfig[]): void {
    this.#models = new Map(models.map((model) => [model.name, model]));
    this.#labels = labelsOf(models);
    this.#parts.threads.setLabels(this.#labels);
    this.#source.update(models.map(({ name, basePath, versionPolicy }) => ({ name, basePath, versionPolicy })));
    this.#waiting.clear();
    for (const { name } of models) this.#noteAvailability(name, this.#monitor.states(name));
    this.#tellReady();
  }

  #noteAvailability(model: string, states: readonly ServableState[]): void {
    if (states.some((state) => state.managerState === "AVAILABLE")) this.#waiting.delete(model);
    else this.#waiting.add(model);
  }

  #tellReady(): void {
    if (this.ready === this.#toldReady) return;
    this.#toldReady = this.ready;
    this.#parts.threads.setReady(this.ready);
  }

  #changed({ id, managerState, health }: ServableState): void {
    const { threads, log } = this.#parts;
    const states = this.#monitor.states(id.name);
    const statuses = states.toReversed().map((state) => ({
      version: state.id.version,
      state: state.managerState,
      ...(state.health && { error: { code: state.health.code, message: state.health.message } }),
    }));
    threads.setStatuses(id.name, statuses);
    if (this.#models.has(id.name)) this.#noteAvailability(id.name, states);
    this.#tellReady();
    const fields = { model: id.name, version: String(id.version), state: managerState };
    if (health === undefined) log.info("servable_state", fields);
    else log.error("servable_state", { ...fields, code: statusName(health.code), error: health.message });
    if (managerState !== "END") return;
    if (health === undefined) this.#reports.delete(servableKey(id));
    else this.#failed(id);
  }

  /** Of a failed version the report stays for the tables, until another version of its model fails. */
  #failed(id: ServableId): void {
    const key = servableKey(id);
    const before = this.#lastFailed.get(id.name);
    if (before !== undefined && before !== key) this.#reports.delete(before);
    this.#lastFailed.set(id.name, key);
    this.#source.noteFailure(id);
  }

  #loaded(report: LoadReport): void {
    const { id, milliseconds, platform, why, error } = report;
    this.#reports.set(servableKey(id), report);
    const status = error === undefined ? "OK" : statusName(error.code);
    this.#parts.shard.histogram(MODEL_LOAD_LATENCY, id.name, status).observe(milliseconds * 1000);
    const fields = { model: id.name, version: String(id.version), platform, why, milliseconds: Math.round(milliseconds) };
    if (error === undefined) this.#parts.log.info("model_loaded", fields);
    else
      this.#parts.log.error("model_load_failed", {
        ...fields,
        code: statusName(error.code),
        error: error.message,
        err: error.cause,
      });
  }
}

function labelsOf(models: readonly ModelConfig[]): VersionLabels {
  return new Map(models.map(({ name, labels }) => [name, labels]));
}
