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
import { ModelArrivals, takenAway } from "./model-arrivals.ts";
import { type ModelEvent, ModelHistory } from "./model-history.ts";
import { type ModelLayers, modelsOf, movedModels, NO_MODELS, replaced, retunedModels } from "./model-layers.ts";
import { type LoadReport, PlatformLoader } from "./platform-loader.ts";
import { loggingsOf, makeRequestLogFolders } from "./request-log-folders.ts";
import { sameModels } from "./same-models.ts";
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
  /** Told when what {@link ServerCore.rows}, {@link ServerCore.models} or {@link ServerCore.ready} say may be something else now. */
  readonly changed?: () => void;
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
  readonly #history = new ModelHistory();
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
  /** Why no reload is begun any more. */
  #stopping: ServingError | undefined;

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
    this.#batching = options.batching && new VersionBatching(options.batching, log, (name) => this.#models.get(name)?.batching);
    this.#contents = new VersionContents({
      threads,
      makeLoader: (id, path) => this.#loader(id, path),
      isQueued: (id) => this.#basic.isQueued(id),
      reserve: (id, ramBytes, signal) => this.#basic.reserveBeside(id, ramBytes, signal),
      resize: (id, ramBytes) => this.#basic.resizeReservation(id, ramBytes),
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
      mayReload: (id) => this.#renewed.delete(servableKey(id)) || options.reloadServablesWithError,
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
    this.#source.update(models);
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
   * Rejects as {@link ServerCore.reload} does, also for a model that is not configured any more.
   */
  async arrival(name: string): Promise<ServableState> {
    if (!this.#models.has(name)) throw takenAway(name);
    return this.#arrivals.known(name) ?? (await this.#arrivals.expect(name));
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

  /** Lets every reload that waits or comes later reject with unavailable. To be called before the threads drain: they wait for it. */
  giveUpReloads(): void {
    this.#stopping = new ServingError("unavailable", "the server stops");
    this.#arrivals.close(this.#stopping);
  }

  /** The configured models. */
  get models(): readonly ModelConfig[] {
    return [...this.#models.values()];
  }

  /** Every version known, by model in order of name, lowest version first. */
  rows(): readonly ModelRow[] {
    return this.#reports.rows();
  }

  /** What happened to a model's versions, latest first; undefined for a name that nothing is known of. */
  history(model: string): readonly ModelEvent[] | undefined {
    return this.#history.of(model);
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
    const report = (outcome: LoadReport) => {
      this.#reports.note(outcome);
      this.#parts.changed?.();
    };
    const { platform, tensorflow, python } = this.#models.get(id.name) ?? {};
    const { savedModelTags, python: serverPython } = this.#options;
    const engines = { tensorflow, savedModelTags, python, serverPython };
    const parts = { ...this.#parts, warmUp: this.#warmUp, batching: this.#batching, ...engines, report };
    return new PlatformLoader(id, path, platform, parts);
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
    if (this.#stopping !== undefined) throw this.#stopping;
    this.#checkLabels(models);
    makeRequestLogFolders(models);
    this.#arrivals.giveUp((name) => listed.has(name), takenAway);
    const fresh = models.filter(({ name }) => !known.has(name) || this.#arrivals.isExpected(name));
    const arrivals = fresh.map(({ name }) => this.#arrivals.expect(name));
    const moved = movedModels(models, known);
    for (const name of moved) this.#arrivals.moved(name);
    for (const name of retunedModels(models, known)) this.#retryFailed(name);
    this.#adopt(layers, models);
    // Without room for two contents of a version, those of the old folder go before those of the new one come.
    if (this.#options.aspiredVersionPolicy === "resource_preserving" && moved.size > 0) {
      this.#source.update(models.filter(({ name }) => !moved.has(name)));
      await this.#manager.caughtUp();
    }
    this.#source.update(models);
    this.#contents.forgive();
    await this.#source.poll();
    // The next change may have other lists for the same names, and whoever waits for a model looks at the versions it has by now.
    await this.#manager.caughtUp();
    this.#parts.log.info("config_reloaded", { models: models.length, added: fresh.length });
    return arrivals;
  }

  /** Lets versions in error be loaded anew. */
  #retryFailed(name: string): void {
    const failed = this.#monitor.states(name).filter(({ id }) => this.#basic.state(id) === "error");
    for (const { id } of failed) this.#renewed.add(servableKey(id));
    if (failed.length > 0) this.#arrivals.moved(name);
  }

  #checkLabels(models: readonly ModelConfig[]): void {
    checkLabels(labelsOf(models), this.#labels, {
      isAvailable: (model, version) => this.#monitor.state(model, version)?.managerState === "AVAILABLE",
      allowUnavailable: this.#options.allowLabelsForUnavailable,
      forceUnavailable: this.#options.forceLabelsForUnavailable,
    });
  }

  #adopt(layers: ModelLayers, models: readonly ModelConfig[]): void {
    for (const { name, batching } of models) {
      if (batching === undefined || this.#batching !== undefined || this.#models.get(name)?.batching !== undefined) continue;
      this.#parts.log.warn("batching_not_enabled", {
        model: name,
        message: "set --enable_batching, or take batching out of its config",
      });
    }
    this.#layers = layers;
    this.#models = new Map(models.map((model) => [model.name, model]));
    this.#labels = labelsOf(models);
    this.#parts.threads.setLabels(this.#labels, splitsOf(models));
    this.#parts.threads.setRequestLogs(loggingsOf(models));
    this.#waiting.clear();
    for (const { name } of models) this.#noteAvailability(name, this.#monitor.states(name));
    this.#tellReady();
    this.#parts.changed?.();
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
    this.#history.note(state);
    if (this.#models.has(id.name)) this.#noteAvailability(id.name, states);
    this.#tellReady();
    this.#parts.changed?.();
    const fields = { model: id.name, version: String(id.version), state: managerState };
    if (health === undefined) log.info("servable_state", fields);
    else log.error("servable_state", { ...fields, code: statusName(health.code), error: health.message });
    if (managerState !== "END") return;
    this.#renewed.delete(servableKey(id));
    this.#reports.ended(state);
    this.#contents.ended(state);
    if (health !== undefined) this.#source.noteFailure(id);
  }
}
