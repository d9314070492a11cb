import { performance } from "node:perf_hooks";
import { ServingError } from "../../base/serving-error.ts";
import type { RequestMetrics } from "../../serving/request-metrics.ts";

/** Told of each finished call when the log is at debug level. */
export type CallLog = (fields: { api: string; model: string; status: string; microseconds: number; err?: unknown }) => void;

/** Counts and times gRPC inference calls; synchronous ones stay so. */
export class CallRecorder {
  readonly #metrics: RequestMetrics;
  readonly #reportFault: (reason: unknown) => void;
  readonly #log: CallLog | undefined;

  /** `reportFault` is told of errors that are nobody's ServingError: bugs, for the log. */
  constructor(metrics: RequestMetrics, reportFault: (reason: unknown) => void, log?: CallLog) {
    this.#metrics = metrics;
    this.#reportFault = reportFault;
    this.#log = log;
  }

  record<Result>(api: string, model: string, run: () => Result | Promise<Result>): Result | Promise<Result> {
    const start = performance.now();
    this.#metrics.begin(start);
    let result: Result | Promise<Result>;
    try {
      result = run();
    } catch (reason) {
      throw this.#failed(api, model, start, reason);
    }
    if (result instanceof Promise) {
      this.#metrics.leave();
      return result.then(
        (value) => {
          this.#finished(api, model, start);
          return value;
        },
        (reason) => {
          throw this.#failed(api, model, start, reason);
        },
      );
    }
    this.#finished(api, model, start);
    return result;
  }

  #finished(api: string, model: string, start: number): void {
    const microseconds = (performance.now() - start) * 1000;
    this.#metrics.finished(model, api, "GRPC", "ok", microseconds);
    this.#log?.({ api, model, status: "ok", microseconds });
  }

  #failed(api: string, model: string, start: number, reason: unknown): ServingError {
    const error = ServingError.from(reason);
    if (error !== reason) this.#reportFault(reason);
    const microseconds = (performance.now() - start) * 1000;
    this.#metrics.finished(model, api, "GRPC", error.code, microseconds);
    this.#log?.({ api, model, status: error.code, microseconds, err: error });
    return error;
  }
}
