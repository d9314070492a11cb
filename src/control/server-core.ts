import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import type { ModelConfig } from "../config/model-config.ts";
import { AspiredVersionsManager } from "../core/aspired-versions-manager.ts";
import { BasicManager } from "../core/basic-manager.ts";
import { EventBus } from "../core/event-bus.ts";
import type { Loader } from "../core/loader.ts";
import { formatServableId, type ServableId, servableKey } from "../core/servable-id.ts";
import type { ServableState } from "../core/servable-state.ts";
import { ServableStateMonitor } from "../core/servable-state-monitor.ts";
import { SourceAdapter } from "../core/source-adapter.ts";
import { SourceRouter } from "../core/source-router.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { SharedModel } from "../model/runtime.ts";
import { isModel, PLATFORM_NAMES } from "../platforms/registry.ts";
import type { RuntimeRegistry } from "../runtimes/registry.ts";
import type { ReloadOutcome } from "../serving/admin.ts";
import { FileSystemSource, type StoragePath } from "../sources/file-system-source.ts";
import { LoadReports, type ModelRow } from "./load-reports.ts";
import { ModelArrivals } from "./model-arrivals.ts";
import { type ModelLayers, modelsOf, NO_MODELS, replaced } from "./model-layers.ts";
import { sameModels } from "./model-set.ts";
import { type LoadReport, PlatformLoader } from "./platform-loader.ts";
import { loggingsOf, makeRequestLogFolders } from "./request-log-folders.ts";
import { requireVersions } from "./servable-versions.ts";
import { ASPIRED_VERSION_POLICIES, isTransient, type ServerCoreOptions } from "./server-core-options.ts";
import type { ServingThreads } from "./serving-threads.ts";
import { VersionBatching } from "./version-batching.ts";
import { VersionContents } from "./version-contents.ts";
import { checkLabels, labelsOf, splitsOf, type VersionLabels } from "./version-labels.ts";
import { WarmUp } from "./warm-up.ts";

/** What a server core is made of. */
export interface ServerCoreParts {
  readonly threads: ServingThreads;
  readonly runtimes: RuntimeRegistry;
  readonly shard: MetricsShard;
  readonly clock: Clock;
  readonly log: Log;
}

/** The output of the router for models whose config names no platform. */
const DETECTED = "detected";

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
  readonly #reports: LoadReports;
  readonly #contents: VersionContents;
  readonly #warmUp: WarmUp;
  readonly #batching: VersionBatching | undefined;
  #layers: ModelLayers = NO_MODELS;
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
    this.#reports = new LoadReports(this.#monitor, parts.shard, log);
    this.#warmUp = new WarmUp(parts, options.warmUp);
    this.#batching = options.batching && new VersionBatching(options.batching, log);
    this.#contents = new VersionContents({
      threads,
      makeLoader: (id, path) => this.#loader(id, path),
      hasRoom: (ramBytes) => options.ramLimitBytes === undefined || this.#basic.reservedBytes + ramBytes <= options.ramLimitBytes,
      inPlace: options.aspiredVersionPolicy === "availability_preserving",
      onMoved: (id) => this.#renewed.add(servableKey(id)),
      onRefused: (id, error) => this.#notReplaced(id, error),
    });
    this.#basic = new BasicManager<SharedModel>({
      publisher: this.#contents,
      bus,
      clock,
      numLoadThreads: options.initialLoadThreads,
      numUnloadThreads: options.unloadThreads,
      maxLoadRetries: options.maxLoadRetries,
      loadRetryIntervalMs: options.loadRetryIntervalMs,
      isTransient,
      ...(options.ramLimitBytes !== undefined && { ramLimitBytes: options.ramLimitBytes }),
    });
    this.#manager = new AspiredVersionsManager<SharedModel>({
      manager: this.#basic,
      clock,
      policy: ASPIRED_VERSION_POLICIES[options.aspiredVersionPolicy],
      mayReload: (id) => options.reloadServablesWithError || this.#renewed.delete(servableKey(id)),
    });
    this.#source = new FileSystemSource({
      pollIntervalMs: options.pollIntervalMs,
      versionsAlwaysPresent: options.versionsAlwaysPresent,
      servables: [],
      clock,
      isModel,
      onRenewed: (id) => {
        this.#renewed.add(servableKey(id));
        this.#contents.forgive(id);
      },
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
    makeRequestLogFolders(models);
    this.#adopt(replaced(models), models);
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
    void (await this.#enqueue(() => replaced(models)));
  }

  /**
   * As {@link ServerCore.configure}, and resolves when every new model has an available version or has ended; the outcome
   * says which did not come up. Rejects with aborted when a later list takes a new model away before that, so that a model
   * which never comes up holds up nobody for ever.
   */
  async reload(models: readonly ModelConfig[]): Promise<ReloadOutcome> {
    const states = await Promise.all(await this.#enqueue(() => replaced(models)));
    const failed = states.filter((state) => state.managerState === "END");
    if (failed.length === 0) return { code: "ok", message: "" };
    const list = failed
      .map(({ id, health }) => `{${formatServableId(id)} due to error: ${health?.message ?? "unknown"}}, `)
      .join("");
    return { code: "unknown", message: `${failed.length} model(s) did not become available: {${list}}` };
  }

  /**
   * Changes the served models in turn with all other changes: `edit` is given what is in force by then, and changes nothing
   * by giving it back or throwing a ServingError, with which this rejects. Otherwise as {@link ServerCore.configure}.
   */
  async change(edit: (layers: ModelLayers) => ModelLayers): Promise<void> {
    void (await this.#enqueue(edit));
  }

  /**
   * Resolves with a version of a configured model that is available, or with one that failed once no other is on its way.
   * Rejects as {@link ServerCore.reload} does.
   */
  async arrival(name: string): Promise<ServableState> {
    const states = this.#monitor.states(name);
    const available = states.find(({ managerState }) => managerState === "AVAILABLE");
    if (available !== undefined) return available;
    const coming = states.some(({ managerState }) => managerState === "START" || managerState === "LOADING");
    const failed = states.find(({ health }) => health !== undefined && health.code !== "cancelled");
    if (failed === undefined || coming || this.#arrivals.isExpected(name)) return await this.#arrivals.expect(name);
    return failed;
  }

  /**
   * Rejects with not-found when versions must always be present and one of these models has none; models that are configured
   * that way already are passed over, so that one which has lost its versions since holds up no other.
   */
  async checkPresence(models: readonly ModelConfig[]): Promise<void> {
    if (!this.#options.versionsAlwaysPresent) return;
    for (const model of models) {
      const known = this.#models.get(model.name);
      if (known !== undefined && sameModels([known], [{ ...model, labels: known.labels, trafficSplit: known.trafficSplit }]))
        continue;
      await requireVersions(model, isModel);
    }
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
    return this.#reports.rows();
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
      const adapter = new SourceAdapter<StoragePath, Loader<SharedModel>>(({ path }, id) => this.#contents.loader(id, path));
      router.output(output).connect(adapter);
      adapter.connect(this.#manager);
    }
    router.unrouted.connect(this.#manager);
    this.#source.connect(router);
  }

  #loader(id: ServableId, path: string): Loader<SharedModel> {
    const report = (outcome: LoadReport) => this.#reports.note(outcome);
    const platform = this.#models.get(id.name)?.platform;
    return new PlatformLoader(id, path, platform, { ...this.#parts, warmUp: this.#warmUp, batching: this.#batching, report });
  }

  /** Resolves, once the list is in force, with the waits for the models that are new. */
  #enqueue(edit: (layers: ModelLayers) => ModelLayers): Promise<readonly Promise<ServableState>[]> {
    const configured = this.#reloading.then(() => this.#configure(edit(this.#layers)));
    this.#reloading = configured.catch(() => undefined);
    return configured;
  }

  async #configure(layers: ModelLayers): Promise<readonly Promise<ServableState>[]> {
    if (layers === this.#layers) return [];
    const models = modelsOf(layers);
    const known = this.#models;
    const listed = new Set(models.map(({ name }) => name));
    await this.checkPresence(models);
    this.#checkLabels(models);
    makeRequestLogFolders(models);
    this.#arrivals.giveUp(
      (name) => listed.has(name),
      (name) => new ServingError("aborted", `model ${name} was taken away again before it was available`),
    );
    const fresh = models.filter(({ name }) => !known.has(name) || this.#arrivals.isExpected(name));
    const arrivals = fresh.map(({ name }) => this.#arrivals.expect(name));
    this.#adopt(layers, models);
    this.#contents.forgive();
    await this.#source.poll();
    this.#parts.log.info("config_reloaded", { models: models.length, added: fresh.length });
    return arrivals;
  }

  #checkLabels(models: readonly ModelConfig[]): void {
    checkLabels(labelsOf(models), this.#labels, {
      isAvailable: (model, version) => this.#monitor.state(model, version)?.managerState === "AVAILABLE",
      allowUnavailable: this.#options.allowLabelsForUnavailable,
      forceUnavailable: this.#options.forceLabelsForUnavailable,
    });
  }

  #adopt(layers: ModelLayers, models: readonly ModelConfig[]): void {
    const moved = models.filter(({ name, basePath }) => (this.#models.get(name)?.basePath ?? basePath) !== basePath);
    this.#layers = layers;
    this.#models = new Map(models.map((model) => [model.name, model]));
    this.#labels = labelsOf(models);
    this.#parts.threads.setLabels(this.#labels, splitsOf(models));
    this.#parts.threads.setRequestLogs(loggingsOf(models));
    // Without room for two contents of a version, those of the old folder go before those of the new one come.
    if (this.#options.aspiredVersionPolicy === "resource_preserving" && moved.length > 0) {
      const names = new Set(moved.map(({ name }) => name));
      this.#source.update(models.filter(({ name }) => !names.has(name)));
    }
    this.#source.update(models);
    this.#waiting.clear();
    for (const { name } of models) this.#noteAvailability(name, this.#monitor.states(name));
    this.#tellReady();
  }

  #notReplaced(id: ServableId, error: ServingError): void {
    const fields = { model: id.name, version: String(id.version), code: statusName(error.code), error: error.message };
    this.#parts.log.error("content_not_replaced", fields);
    // As with a version that failed: it is tried again once its files are others.
    this.#source.noteFailure(id);
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

  #changed(state: ServableState): void {
    const { id, managerState, health } = state;
    const { threads, log } = this.#parts;
    const states = this.#monitor.states(id.name);
    const statuses = states.toReversed().map((each) => ({
      version: each.id.version,
      state: each.managerState,
      ...(each.health && { error: { code: each.health.code, message: each.health.message } }),
    }));
    threads.setStatuses(id.name, statuses);
    if (this.#models.has(id.name)) this.#noteAvailability(id.name, states);
    this.#tellReady();
    const fields = { model: id.name, version: String(id.version), state: managerState };
    if (health === undefined) log.info("servable_state", fields);
    else log.error("servable_state", { ...fields, code: statusName(health.code), error: health.message });
    if (managerState !== "END") return;
    this.#reports.ended(state);
    if (health === undefined) return;
    this.#contents.ended(id);
    this.#source.noteFailure(id);
  }
}
