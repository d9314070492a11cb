import type { StatusCode } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import {
  REQUEST_COUNT,
  REQUEST_EXAMPLE_COUNT_TOTAL,
  REQUEST_EXAMPLE_COUNTS,
  REQUEST_LATENCY,
  RUNTIME_LATENCY,
} from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";

/** Counts and times of requests under TensorFlow Serving's names, in one thread's shard. */
export class RequestMetrics {
  readonly #shard: MetricsShard;

  constructor(shard: MetricsShard) {
    this.#shard = shard;
  }

  /** A request was answered. Its time counts only when it went well. */
  finished(model: string, api: string, entrypoint: "GRPC" | "REST", code: StatusCode | "ok", microseconds: number): void {
    if (code === "ok") {
      this.#shard.counter(REQUEST_COUNT, model, "OK").add(1);
      this.#shard.histogram(REQUEST_LATENCY, model, api, entrypoint).observe(microseconds);
    } else {
      this.#shard.counter(REQUEST_COUNT, model, statusName(code)).add(1);
    }
  }

  /** A multi-inference request came with this many examples. */
  examples(model: string, count: number): void {
    this.#shard.histogram(REQUEST_EXAMPLE_COUNTS, model).observe(count);
    this.#shard.counter(REQUEST_EXAMPLE_COUNT_TOTAL, model).add(count);
  }

  /** The engine ran. */
  ran(model: string, api: string, runtime: string, microseconds: number): void {
    this.#shard.histogram(RUNTIME_LATENCY, model, api, runtime).observe(microseconds);
  }
}
