import type { LogLevel } from "../base/log.ts";
import type { RuntimeOptions } from "../runtimes/registry.ts";
import type { TransportLimits } from "../transport/limits.ts";

/** What every serving thread is started with. Plain data. */
export interface ServingOptions {
  readonly limits: TransportLimits;
  readonly logLevel: LogLevel;
  /** Longest model run of a REST call, in milliseconds; 0 for no limit. */
  readonly restTimeoutMs: number;
  readonly cors: boolean;
  /** Compress REST answers for callers that accept it. */
  readonly compressResponses: boolean;
  /** gRPC answers carry `tensor_content` instead of typed fields. */
  readonly tensorContent: boolean;
  /** Serve connections without TLS past Node's streams where the system allows. */
  readonly epoll: boolean;
  /** Undefined when they are off. */
  readonly metricsPath: string | undefined;
  readonly runtimes: RuntimeOptions;
}

/** Which serving thread it is, and how it serves. */
export interface ServingThreadData {
  readonly index: number;
  readonly options: ServingOptions;
}

/** What a serving thread's `workerData` holds. */
export interface ServingThreadWorkerData extends ServingThreadData {
  /** The memory of its DescriptorTable. */
  readonly descriptors: SharedArrayBuffer;
}
