import { performance } from "node:perf_hooks";
import type { RefusalReason } from "../base/run-limits.ts";
import { ServingError, type StatusCode } from "../base/serving-error.ts";
import { statusName } from "../base/status-code.ts";
import type { Counter, Histogram } from "../metrics/cells.ts";
import {
  REQUEST_COUNT,
  REQUEST_EXAMPLE_COUNT_TOTAL,
  REQUEST_EXAMPLE_COUNTS,
  REQUEST_LATENCY,
  REQUESTS_REFUSED,
  RUNTIME_LATENCY,
  SIGNATURE_REQUEST_DURATION,
  SIGNATURE_REQUESTS,
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

/** The calls of the inference API as the signature metrics name them. */
export type SignatureMethod = "predict" | "classify" | "regress" | "multi_inference";

/** The cells of calls of one signature that went well. */
interface SignatureCells {
  readonly model: string;
  readonly signature: string;
  readonly method: SignatureMethod;
  readonly count: Counter;
  readonly duration: Histogram;
}

/** Counts and times of requests under TensorFlow Serving's names, in one thread's shard. */
export class RequestMetrics {
  readonly #shard: MetricsShard;
  /** What was counted last: mostly what is counted next, and three comparisons cost less than six look-ups. */
  #finished: FinishedCells | undefined;
  #ran: RanCell | undefined;
  #called: SignatureCells | undefined;
  /** When the request began whose synchronous part runs now, in milliseconds; 0 when none is known. */
  #began = 0;
  /** The signature that answered within that part: its time is known when the request's is. */
  #answered: SignatureCells | undefined;

  constructor(shard: MetricsShard) {
    this.#shard = shard;
  }

  /**
   * A request begins: what reaches a signature before {@link RequestMetrics.finished} or {@link RequestMetrics.leave} belongs
   * to it. Two readings of the clock less for each request, which cost more than all else here.
   */
  begin(start: number): void {
    this.#began = start;
  }

  /** The request that began goes on later; other ones may begin before it has finished. */
  leave(): void {
    this.#began = 0;
  }

  /** A request was answered. Its time counts only when it went well. */
  finished(model: string, api: string, entrypoint: "GRPC" | "REST", code: StatusCode | "ok", microseconds: number): void {
    this.#began = 0;
    const answered = this.#answered;
    if (answered !== undefined) {
      this.#answered = undefined;
      if (code === "ok") countAnswer(answered, microseconds / 1_000_000);
    }
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

  /** A request was refused because too many runs wait. */
  refused(model: string, reason: RefusalReason): void {
    this.#shard.counter(REQUESTS_REFUSED, model, reason).add(1);
  }

  /**
   * Counts and times a call that has reached a signature; synchronous when `run` is, and passes on what it gives or throws.
   * The names must be those of an available version: they become label values.
   */
  onSignature<Result>(
    model: string,
    signature: string,
    method: SignatureMethod,
    run: () => Result | Promise<Result>,
  ): Result | Promise<Result> {
    const began = this.#began;
    const start = began === 0 ? performance.now() : began;
    let result: Result | Promise<Result>;
    try {
      result = run();
    } catch (reason) {
      this.#signatureFailed(model, signature, method, reason);
      throw reason;
    }
    if (!(result instanceof Promise)) {
      const cells = this.#signatureCells(model, signature, method);
      if (began === 0) countAnswer(cells, (performance.now() - start) / 1000);
      else this.#answered = cells;
      return result;
    }
    return result.then(
      (value) => {
        countAnswer(this.#signatureCells(model, signature, method), (performance.now() - start) / 1000);
        return value;
      },
      (reason) => {
        this.#signatureFailed(model, signature, method, reason);
        throw reason;
      },
    );
  }

  #signatureCells(model: string, signature: string, method: SignatureMethod): SignatureCells {
    let cells = this.#called;
    if (cells === undefined || cells.signature !== signature || cells.model !== model || cells.method !== method) {
      const count = this.#shard.counter(SIGNATURE_REQUESTS, model, signature, method, "OK");
      const duration = this.#shard.histogram(SIGNATURE_REQUEST_DURATION, model, signature, method);
      cells = { model, signature, method, count, duration };
      this.#called = cells;
    }
    return cells;
  }

  #signatureFailed(model: string, signature: string, method: SignatureMethod, reason: unknown): void {
    this.#shard.counter(SIGNATURE_REQUESTS, model, signature, method, statusName(ServingError.from(reason).code)).add(1);
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

function countAnswer({ count, duration }: SignatureCells, seconds: number): void {
  count.add(1);
  duration.observe(seconds);
}
