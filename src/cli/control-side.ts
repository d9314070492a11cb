import { systemClock, type Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { NO_RUN_LIMITS } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import type { ServerOptions } from "../config/server-options.ts";
import type { ModelAdmin } from "../control/model-admin.ts";
import { modelFigures } from "../control/model-figures.ts";
import { rebased } from "../control/model-layers.ts";
import { type ModelSet, modelSet, modelsFromMessage } from "../control/model-set.ts";
import { ModelWatch } from "../control/model-watch.ts";
import { ReloadRecorder } from "../control/reload-recorder.ts";
import { ServerCore } from "../control/server-core.ts";
import { OPEN_CONNECTIONS } from "../metrics/definitions.ts";
import type { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import { watchThread } from "../metrics/thread-figures.ts";
import { PLATFORM_NAMES } from "../platforms/registry.ts";
import { createRuntimes } from "../runtimes/registry.ts";
import type { AdminAnswer, AdminCall, ReloadOutcome } from "../serving/admin.ts";
import { DashboardFeed } from "../threads/dashboard-feed.ts";
import type { ServingOptions } from "../threads/serving-options.ts";
import type { ThreadPool } from "../threads/thread-pool.ts";
import { banner } from "./banner.ts";
import type { ServerEndpoints } from "./endpoints.ts";
import { coreOptions } from "./resolved-options.ts";
import { locateTensorFlow } from "./tensorflow-library.ts";
import { version } from "./version.ts";

/** The shard of the control thread's own metrics. */
const CONTROL_SHARD = -1;

/** What the control side is made of. */
export interface ControlSideParts {
  readonly options: ServerOptions;
  readonly serving: ServingOptions;
  readonly pool: ThreadPool;
  readonly catalog: MetricsCatalog;
  readonly log: Log;
}

/** What finds, loads and replaces models, for as long as a server runs. */
export class ControlSide {
  readonly #parts: ControlSideParts;
  readonly #models: ModelSet;
  readonly #core: ServerCore;
  readonly #reloads: ReloadRecorder;
  readonly #figures: Timer;
  readonly #stopping = new AbortController();
  /** Undefined without the dashboard. */
  readonly #dashboards: DashboardFeed | undefined;
  #admin: Promise<ModelAdmin> | undefined;
  #watch: ModelWatch | undefined;

  /** @throws ServingError invalid-argument when the options choose nothing to serve. */
  constructor(parts: ControlSideParts) {
    const { options, serving, pool, catalog, log } = parts;
    const shard = new MetricsShard((announcement) => catalog.accept(CONTROL_SHARD, announcement));
    // Nobody is refused a warm-up because others wait: that would fail a load.
    const { onnxruntime, tensorflow, python } = serving.runtimes;
    const runtimes = createRuntimes(
      {
        onnxruntime: { ...onnxruntime, runLimits: NO_RUN_LIMITS },
        tensorflow: { ...tensorflow, runLimits: NO_RUN_LIMITS },
        python: { ...python, runLimits: NO_RUN_LIMITS },
      },
      { locateTensorFlow: locateTensorFlow(options.tensorflow, log), log },
    );
    this.#parts = parts;
    this.#models = modelSet(options.models, options.modelConfigRootDir);
    this.#core = new ServerCore(
      { threads: pool, runtimes, shard, clock: systemClock, log, changed: () => this.#dashboards?.changed() },
      coreOptions(options, serving.batching),
    );
    catalog.addCollector(() => modelFigures(this.#core));
    this.#reloads = new ReloadRecorder(shard);
    this.#figures = watchThread(shard, "control", systemClock);
    if (options.dashboard) {
      this.#dashboards = dashboardFeed(this.#core, pool, catalog, options.threads);
      pool.setDashboards(this.#dashboards);
    }
  }

  /** Begins to load and to watch. Rejects with a ServingError when the models cannot be told or there is none. */
  async start(): Promise<void> {
    const { options, log } = this.#parts;
    const initial = await this.#models.read();
    if (options.models.kind === "paths" && initial.length === 0) {
      throw new ServingError(
        "invalid-argument",
        "no model was found at the path given: a model is an .onnx file, or a folder with one or with numbered version folders",
      );
    }
    await this.#core.checkPresence(initial);
    try {
      this.#core.start(initial);
    } catch (reason) {
      throw this.#models.placed === undefined ? reason : await this.#models.placed(reason);
    }
    this.#reloads.began();
    this.#watch = new ModelWatch({
      models: this.#models,
      initial,
      keepEmptied: options.loading.versionsAlwaysPresent,
      clock: systemClock,
      log,
      current: () => this.#core.models,
      apply: (models, demanded) => this.#reloads.record(() => this.#apply(models, demanded)),
      unreadable: (reason) => this.#reloads.failed(reason),
    });
  }

  /** Prints the banner once every model has come up or ended. */
  announce(endpoints: ServerEndpoints, print: (text: string) => void): void {
    const { options, serving, log } = this.#parts;
    const { signal } = this.#stopping;
    void this.#core
      .settled(signal)
      .then(() => banner(this.#core, endpoints, options, serving.metricsPath))
      .then(print)
      .catch((reason) => {
        if (!signal.aborted) log.error("start_not_settled", { err: reason });
      });
  }

  /** Replaces the served models by those of a serialized `tensorflow.serving.ModelServerConfig`. */
  async reload(config: Uint8Array): Promise<ReloadOutcome> {
    return this.#reloads.record(
      async () => this.#core.reload(await modelsFromMessage(config, this.#core.models, this.#parts.options.modelConfigRootDir)),
      ({ code }) => code,
    );
  }

  /** Reads or changes the config of one model. Rejects with a ServingError when it is refused. */
  async admin(call: AdminCall): Promise<AdminAnswer> {
    if (!this.#parts.options.adminApi) throw new ServingError("permission-denied", "the admin API is off");
    this.#admin ??= this.#createAdmin();
    const admin = await this.#admin;
    if (call.kind === "list" || call.kind === "get") return await admin.answer(call);
    return await this.#reloads.record(
      () => admin.answer(call),
      ({ kind }) => (kind === "mismatch" ? "failed-precondition" : "ok"),
    );
  }

  /** What a look at a folder finds goes below what the admin API changed; whatever is said on purpose replaces it. */
  async #apply(models: readonly ModelConfig[], demanded: boolean): Promise<void> {
    if (this.#models.discovers && !demanded) await this.#core.change((layers) => rebased(layers, models));
    else await this.#core.configure(models);
  }

  /** Loaded when first needed: most servers never are asked. */
  async #createAdmin(): Promise<ModelAdmin> {
    const [{ ModelAdmin: Admin }, { parseModelConfig }, { modelConfigJson, formatModelConfigs }, { writeConfigFile }] =
      await Promise.all([
        import("../control/model-admin.ts"),
        import("../config/model-config-document.ts"),
        import("../config/model-config-json.ts"),
        import("../control/config-file.ts"),
      ]);
    const { models, modelConfigRootDir: rootFolder } = this.#parts.options;
    const file = models.kind === "config-file" ? models.path : undefined;
    return new Admin({
      core: this.#core,
      log: this.#parts.log,
      print: modelConfigJson,
      printAll: formatModelConfigs,
      read: (text, name, current) =>
        parseModelConfig(name, text, { platforms: PLATFORM_NAMES, current, ...(rootFolder !== undefined && { rootFolder }) }),
      writeBack:
        file === undefined
          ? undefined
          : () => this.#watch!.write((all, known) => writeConfigFile(file, all, { rootFolder }, known)),
    });
  }

  /** Reads the config file, or looks for models, now. Never rejects: what goes wrong is logged and changes nothing. */
  async reread(): Promise<void> {
    await this.#watch?.reload();
  }

  /** Takes up nothing new; whoever waits for a reload is told so. */
  rest(): void {
    this.#dashboards?.stop();
    this.#stopping.abort(new ServingError("cancelled", "the server stops"));
    this.#watch?.stop();
    this.#core.giveUpReloads();
  }

  /** Unloads everything. Call after {@link rest}, once no thread serves any more. */
  async stop(): Promise<void> {
    await this.#core.stop();
    this.#figures.cancel();
  }
}

function dashboardFeed(models: ServerCore, pool: ThreadPool, catalog: MetricsCatalog, threads: number): DashboardFeed {
  return new DashboardFeed({
    models,
    server: {
      version: version(),
      nodeVersion: process.version,
      startedAtMs: Math.round(Date.now() - process.uptime() * 1000),
      servingThreads: threads,
    },
    versions: () => pool.readFigures(),
    process: () => {
      const { user, system } = process.cpuUsage();
      return {
        rssBytes: process.memoryUsage.rss(),
        cpuSeconds: (user + system) / 1_000_000,
        openConnections: catalog.total(OPEN_CONNECTIONS.name) ?? 0,
      };
    },
    tell: (thread, events) => pool.tellDashboards(thread, events),
    clock: systemClock,
    time: Date.now,
  });
}
