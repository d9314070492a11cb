import type { LogLevel } from "../base/log.ts";
import type { RunLimits } from "../base/run-limits.ts";
import type { ServerBatching } from "../model/batching.ts";
import type { RuntimeOptions } from "../runtimes/registry.ts";
import type { CorsOptions } from "../security/access/cors.ts";
import type { TransportLimits } from "../transport/limits.ts";
import type { RequestLogFileLimits } from "./request-log-files.ts";

/** What every serving thread is started with. Plain data. */
export interface ServingOptions {
  /** The version of this package. */
  readonly serverVersion: string;
  readonly limits: TransportLimits;
  readonly logLevel: LogLevel;
  /** Longest model run of a REST call, in milliseconds; 0 for no limit. */
  readonly restTimeoutMs: number;
  /** How many model runs may wait. */
  readonly runLimits: RunLimits;
  readonly cors: CorsOptions;
  /** Whether callers are asked who they are; they are all refused until it is known who may call. */
  readonly authenticated: boolean;
  /** Compress REST answers for callers that accept it. */
  readonly compressResponses: boolean;
  /** gRPC answers carry `tensor_content` instead of typed fields. */
  readonly tensorContent: boolean;
  /** Serve connections without TLS past Node's streams where the system allows. */
  readonly epoll: boolean;
  /** Refuse calls, Predict too, to signatures whose method name does not fit them. */
  readonly signatureMethodNameCheck: boolean;
  /** Serve `tensorflow.serving.SessionService`. */
  readonly sessionService: boolean;
  /** Let requests below `/v1/config` through to the control thread. */
  readonly adminApi: boolean;
  /** Serve the dashboard, and count the calls of each version for it. */
  readonly dashboard: boolean;
  /** How request logs are cut into files. */
  readonly requestLogFiles: RequestLogFileLimits;
  /** Undefined when they are off. */
  readonly metricsPath: string | undefined;
  readonly runtimes: RuntimeOptions;
  /** How versions are batched; absent when none is. */
  readonly batching?: ServerBatching & {
    /** Batches on their way at once on one thread. */
    readonly runsAThread: number;
  };
}

/** Which serving thread it is, and how it serves. */
export interface ServingThreadData {
  /** Counted from 0 and below the number of threads; no other thread that runs now has the same. */
  readonly index: number;
  readonly options: ServingOptions;
}

/** What a serving thread's `workerData` holds. */
export interface ServingThreadWorkerData extends ServingThreadData {
  /** The memory of its DescriptorTable. */
  readonly descriptors: SharedArrayBuffer;
}
