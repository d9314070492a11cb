import { systemClock } from "../base/clock.ts";
import { createLog, type Log } from "../base/log.ts";
import { ServingError } from "../base/serving-error.ts";
import type { ModelConfig } from "../config/model-config.ts";
import type { ServerOptions } from "../config/server-options.ts";
import { type ModelSet, modelSet, modelsFromMessage, sameModels } from "../control/model-set.ts";
import { Poller } from "../control/poller.ts";
import { ServerCore } from "../control/server-core.ts";
import { METRICS, MODEL_VERSIONS } from "../metrics/definitions.ts";
import { MetricsCatalog } from "../metrics/metrics-catalog.ts";
import { MetricsShard } from "../metrics/metrics-shard.ts";
import { residentMemory } from "../metrics/resident-memory.ts";
import { createRuntimes } from "../runtimes/registry.ts";
import { ThreadPool } from "../threads/thread-pool.ts";
import type { BoundEndpoint } from "../transport/listener.ts";
import { banner } from "./banner.ts";
import { exitAtOnce } from "./exit-at-once.ts";
import { coreOptions, servingOptions } from "./resolved-options.ts";

/** The shard of the control thread's own metrics. */
const CONTROL_SHARD = -1;

/** Where the server listens, by purpose. */
export interface ServerEndpoints {
  readonly grpc?: BoundEndpoint;
  readonly rest?: BoundEndpoint;
  readonly socket?: BoundEndpoint;
}

/**
 * Serves models until a signal ends it. Resolves with the exit code after SIGTERM or SIGINT; a second signal ends the
 * process at once. Rejects with a ServingError when it cannot start.
 */
export async function serve(options: ServerOptions, print: (text: string) => void): Promise<number> {
  const log = createLog(options.logLevel);
  const models = modelSet(options.models);
  const initial = await models.read();
  if (options.models.kind === "paths" && initial.length === 0) {
    throw new ServingError(
      "invalid-argument",
      "no model was found at the path given: a model is an .onnx file, or a folder with one or with numbered version folders",
    );
  }
  const signalled = firstSignal();
  // Nothing else would, should every serving thread die at once: the process would end before they are replaced.
  const alive = setInterval(() => undefined, 2 ** 30);
  try {
    const running = await start(options, models, initial, log, print);
    log.info("stopping", { signal: await signalled });
    await running.stop();
    log.info("stopped");
    return 0;
  } finally {
    clearInterval(alive);
  }
}

async function start(
  options: ServerOptions,
  models: ModelSet,
  initial: readonly ModelConfig[],
  log: Log,
  print: (text: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const clock = systemClock;
  const catalog = new MetricsCatalog(METRICS);
  const shard = new MetricsShard((announcement) => catalog.accept(CONTROL_SHARD, announcement));
  const serving = await servingOptions(options);
  const pool = new ThreadPool({
    threads: options.threads,
    options: serving,
    catalog,
    clock,
    log,
    control: {
      reload: async (config) => core.reload(await modelsFromMessage(config, core.models)),
      metrics: async () => catalog.render(),
      counters: async (names) => names.map((name) => catalog.total(name)),
    },
  });
  const core = new ServerCore(
    { threads: pool, runtimes: createRuntimes(serving.runtimes), shard, clock, log },
    coreOptions(options),
  );
  catalog.addCollector(residentMemory);
  catalog.addCollector(() =>
    core.rows().map(({ name, state }) => ({ definition: MODEL_VERSIONS, labelValues: [name, state], value: 1 })),
  );

  const stopping = new AbortController();
  let watcher: Poller | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort(new ServingError("cancelled", "the server stops"));
    watcher?.stop();
    core.giveUpReloads();
    await pool.drain(options.drainTimeoutMs);
    await core.stop();
  };
  try {
    core.start(initial);
    const endpoints = await listen(pool, options);
    watcher = watch(models, initial, options.loading.versionsAlwaysPresent, core, log);
    if (!isLoopback(options.host)) {
      log.warn("open_to_the_network", {
        host: options.host,
        message: "whoever reaches this address can ask models and change which are served",
      });
    }
    for (const flag of options.ignored) log.info("flag_ignored", { flag });
    void core
      .settled(stopping.signal)
      .then(() => banner(core, endpoints, options, serving.metricsPath))
      .then(print)
      .catch((reason) => {
        if (!stopping.signal.aborted) log.error("start_not_settled", { err: reason });
      });
  } catch (reason) {
    await stop();
    throw reason;
  }
  return { stop };
}

/** The REST port comes last: it is where readiness is asked for, and ready means that all is open. */
async function listen(pool: ThreadPool, { host, port, restApiPort, grpcSocketPath }: ServerOptions): Promise<ServerEndpoints> {
  const socket = grpcSocketPath === undefined ? undefined : await pool.listen({ kind: "unix", path: grpcSocketPath });
  const grpc = port === 0 ? undefined : await pool.listen({ kind: "tcp", host, port });
  const rest = restApiPort === 0 ? undefined : await pool.listen({ kind: "tcp", host, port: restApiPort });
  return { ...(grpc && { grpc }), ...(rest && { rest }), ...(socket && { socket }) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
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

/** Resolves at the first signal to stop; the second one ends the process. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (stopping) exitAtOnce(1);
      stopping = true;
      resolve(signal);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}
