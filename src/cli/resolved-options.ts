import { availableParallelism } from "node:os";
import { metricsPath } from "../config/monitoring-config.ts";
import type { ServerOptions } from "../config/server-options.ts";
import type { ServerCoreOptions } from "../control/server-core.ts";
import type { ServingOptions } from "../threads/serving-options.ts";
import { DEFAULT_LIMITS } from "../transport/limits.ts";

/** Loads at once while starting, for each core: TensorFlow Serving's number. */
const INITIAL_LOADS_PER_CORE = 4;

/** What serving threads are started with. Rejects with a ServingError when a file that a flag names cannot be used. */
export async function servingOptions(options: ServerOptions): Promise<ServingOptions> {
  const { libraryPath, intraOpThreads, interOpThreads, executionProviders, graphOptimizationLevel } = options.onnxruntime;
  return {
    limits: { ...DEFAULT_LIMITS, ...options.connections, maxBodyBytes: options.maxRequestBytes },
    logLevel: options.logLevel,
    restTimeoutMs: options.restTimeoutMs,
    cors: options.cors,
    compressResponses: options.responseCompression,
    tensorContent: options.tensorContent,
    epoll: options.epoll,
    metricsPath: await metricsPath(options.monitoringConfigFile),
    runtimes: {
      onnxruntime: {
        executionProviders,
        graphOptimizationLevel,
        ...(libraryPath !== undefined && { libraryPath }),
        ...(intraOpThreads !== undefined && { intraOpThreads }),
        ...(interOpThreads !== undefined && { interOpThreads }),
      },
    },
  };
}

/** What the server core is started with. */
export function coreOptions({ loading }: ServerOptions): ServerCoreOptions {
  const { memoryLimitBytes, ...rest } = loading;
  return {
    ...rest,
    initialLoadThreads: INITIAL_LOADS_PER_CORE * availableParallelism(),
    ...(memoryLimitBytes !== undefined && { ramLimitBytes: memoryLimitBytes }),
  };
}
