import type { StatusCode } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import type { Counter, Histogram } from "../metrics/cells.ts";
import {
  REQUEST_COUNT,
  REQUEST_EXAMPLE_COUNT_TOTAL,
  REQUEST_EXAMPLE_COUNTS,
  REQUEST_LATENCY,
  RUNTIME_LATENCY,
} from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";

/** The cells of requests that went well, of one model by one call. */
interface FinishedCells {
  readonly model: string;
  readonly api: string;
  readonly entrypoint: string;
  readonly count: Counter;
  readonly latency: Histogram;
}

/** The cell of one model's runs for one call. */
interface RanCell {
  readonly model: string;
  readonly api: string;
  readonly runtime: string;
  readonly latency: Histogram;
}

/** Counts and times of requests under TensorFlow Serving's names, in one thread's shard. */
export class RequestMetrics {
  readonly #shard: MetricsShard;
  /** What was counted last: mostly what is counted next, and three comparisons cost less than six look-ups. */
  #finished: FinishedCells | undefined;
  #ran: RanCell | undefined;

  constructor(shard: MetricsShard) {
    this.#shard = shard;
  }

  /** A request was answered. Its time counts only when it went well. */
  finished(model: string, api: string, entrypoint: "GRPC" | "REST", code: StatusCode | "ok", microseconds: number): void {
    if (code !== "ok") {
      this.#shard.counter(REQUEST_COUNT, model, statusName(code)).add(1);
      return;
    }
    let cells = this.#finished;
    if (cells === undefined || cells.model !== model || cells.api !== api || cells.entrypoint !== entrypoint) {
      const count = this.#shard.counter(REQUEST_COUNT, model, "OK");
      const latency = this.#shard.histogram(REQUEST_LATENCY, model, api, entrypoint);
      cells = { model, api, entrypoint, count, latency };
      this.#finished = cells;
    }
    cells.count.add(1);
    cells.latency.observe(microseconds);
  }

  /** A multi-inference request came with this many examples. */
  examples(model: string, count: number): void {
    this.#shard.histogram(REQUEST_EXAMPLE_COUNTS, model).observe(count);
    this.#shard.counter(REQUEST_EXAMPLE_COUNT_TOTAL, model).add(count);
  }

  /** The engine ran. */
  ran(model: string, api: string, runtime: string, microseconds: number): void {
    let cell = this.#ran;
    if (cell === undefined || cell.model !== model || cell.api !== api || cell.runtime !== runtime) {
      cell = { model, api, runtime, latency: this.#shard.histogram(RUNTIME_LATENCY, model, api, runtime) };
      this.#ran = cell;
    }
    cell.latency.observe(microseconds);
  }
}
