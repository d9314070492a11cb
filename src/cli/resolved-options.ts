import { availableParallelism } from "node:os";
import { serverBatching } from "../config/batching-parameters.ts";
import { metricsPath } from "../config/monitoring-config.ts";
import type { ServerOptions } from "../config/server-options.ts";
import { serverTensorFlow } from "../config/server-tensorflow.ts";
import type { ServerCoreOptions } from "../control/server-core-options.ts";
import type { ServerBatching } from "../model/batching.ts";
import type { ServingOptions } from "../threads/serving-options.ts";
import { DEFAULT_LIMITS } from "../transport/limits.ts";
import { version } from "./version.ts";

/** Loads at once while starting, for each core: TensorFlow Serving's number. */
const INITIAL_LOADS_PER_CORE = 4;

/** What serving threads are started with. Rejects with a ServingError when a file that a flag names cannot be used. */
export async function servingOptions(options: ServerOptions): Promise<ServingOptions> {
  const batching = options.batching && (await serverBatching(options.batching));
  const { libraryPath, intraOpThreads, interOpThreads, executionProviders, graphOptimizationLevel } = options.onnxruntime;
  return {
    serverVersion: version(),
    limits: { ...DEFAULT_LIMITS, ...options.connections, maxBodyBytes: options.maxRequestBytes },
    logLevel: options.logLevel,
    runLimits: options.runLimits,
    restTimeoutMs: options.restTimeoutMs,
    cors: options.cors,
    authenticated: options.access !== undefined,
    compressResponses: options.responseCompression,
    tensorContent: options.tensorContent,
    epoll: options.epoll,
    signatureMethodNameCheck: options.signatureMethodNameCheck,
    sessionService: options.sessionService,
    adminApi: options.adminApi,
    dashboard: options.dashboard,
    requestLogFiles: options.requestLogFiles,
    metricsPath: await metricsPath(options.monitoringConfigFile),
    runtimes: {
      onnxruntime: {
        executionProviders,
        graphOptimizationLevel,
        runLimits: options.runLimits,
        ...(libraryPath !== undefined && { libraryPath }),
        ...(intraOpThreads !== undefined && { intraOpThreads }),
        ...(interOpThreads !== undefined && { interOpThreads }),
      },
      tensorflow: { models: await serverTensorFlow(options.tensorflow), runLimits: options.runLimits },
      python: { runLimits: options.runLimits },
    },
    ...(batching !== undefined && { batching: { ...batching, runsAThread: Math.ceil(batching.threads / options.threads) } }),
  };
}

/** What the server core is started with; `batching` is what the flags of that name were read to. */
export function coreOptions(
  { loading, tensorflow, python }: ServerOptions,
  batching: ServerBatching | undefined,
): ServerCoreOptions {
  const { memoryLimitBytes, warmup, warmupIterations, automaticWarmup, ...rest } = loading;
  return {
    ...rest,
    initialLoadThreads: INITIAL_LOADS_PER_CORE * availableParallelism(),
    savedModelTags: tensorflow.savedModelTags,
    python,
    warmUp: { enabled: warmup, iterations: warmupIterations, automatic: automaticWarmup },
    ...(memoryLimitBytes !== undefined && { ramLimitBytes: memoryLimitBytes }),
    ...(batching !== undefined && { batching }),
  };
}
