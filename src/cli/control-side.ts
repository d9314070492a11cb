import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import type { ServerOptions } from "../config/server-options.ts";
import { type ModelSet, modelSet, modelsFromMessage, sameModels } from "../control/model-set.ts";
import { Poller } from "../control/poller.ts";
import { ServerCore } from "../control/server-core.ts";
import { MODEL_VERSIONS } from "../metrics/definitions.ts";
import type { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import { createRuntimes } from "../runtimes/registry.ts";
import type { ReloadOutcome } from "../serving/admin.ts";
import type { ServingOptions } from "../threads/serving-options.ts";
import type { ThreadPool } from "../threads/thread-pool.ts";
import { banner } from "./banner.ts";
import type { ServerEndpoints } from "./endpoints.ts";
import { coreOptions } from "./resolved-options.ts";

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
  readonly #stopping = new AbortController();
  #watcher: Poller | undefined;

  /** @throws ServingError invalid-argument when the options choose nothing to serve. */
  constructor(parts: ControlSideParts) {
    const { options, serving, pool, catalog, log } = parts;
    const shard = new MetricsShard((announcement) => catalog.accept(CONTROL_SHARD, announcement));
    const runtimes = createRuntimes(serving.runtimes);
    this.#parts = parts;
    this.#models = modelSet(options.models);
    this.#core = new ServerCore({ threads: pool, runtimes, shard, clock: systemClock, log }, coreOptions(options));
    catalog.addCollector(() =>
      this.#core.rows().map(({ name, state }) => ({ definition: MODEL_VERSIONS, labelValues: [name, state], value: 1 })),
    );
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
    this.#core.start(initial);
    this.#watcher = watch(this.#models, initial, options.loading.versionsAlwaysPresent, this.#core, log);
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
    return this.#core.reload(await modelsFromMessage(config, this.#core.models));
  }

  /** Takes up nothing new; whoever waits for a reload is told so. */
  rest(): void {
    this.#stopping.abort(new ServingError("cancelled", "the server stops"));
    this.#watcher?.stop();
    this.#core.giveUpReloads();
  }

  /** Unloads everything. Call after {@link rest}, once no thread serves any more. */
  async stop(): Promise<void> {
    await this.#core.stop();
  }
}

/** Reads a changing set of models again and again, and reloads when it is another one than was read last. */
function watch(
  models: ModelSet,
  initial: readonly ModelConfig[],
  keepEmptied: boolean,
  core: ServerCore,
  log: Log,
): Poller | undefined {
  if (models.pollIntervalMs === undefined) return undefined;
  let known = initial;
  const look = async () => {
    const read = await models.read();
    const found = keepEmptied && models.discovers ? withEmptied(read, known) : read;
    if (sameModels(found, known)) return;
    // A list that is refused now may be allowed later, as when a label waits for its version: it stays to be done.
    await core.configure(found);
    known = found;
  };
  return new Poller(look, models.pollIntervalMs, systemClock, (reason) =>
    log.warn("models_not_reloaded", { error: ServingError.from(reason).message }),
  );
}

/** What was found, and the models that were found before and have no version now. */
function withEmptied(found: readonly ModelConfig[], known: readonly ModelConfig[]): readonly ModelConfig[] {
  const names = new Set(found.map(({ name }) => name));
  return [...found, ...known.filter(({ name }) => !names.has(name))];
}
