import type { Counter, Gauge, Histogram } from "../metrics/cells.ts";
import {
  BATCHING_INPUT_BATCH_SIZE,
  BATCHING_PADDING_SIZE,
  BATCHING_PROCESSED_BATCH_SIZE,
  BATCHING_QUEUE_TASKS,
  BATCHING_QUEUING_LATENCY,
  BATCHING_WRAPPED_RUN_COUNT,
} from "../metrics/definitions.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";

/** TensorFlow Serving's server leaves the name of its thread pool out of the label. */
const THREAD_POOL = "";

/** What is counted of batches, in one thread's shard. */
export class BatchingMetrics {
  readonly #shard: MetricsShard;
  readonly #queuing: Histogram;
  readonly #runs: Counter;
  readonly #taskRows: Histogram;
  readonly #batchRows: Histogram;
  /** By the rows of a batch. */
  readonly #padding = new Map<number, Histogram>();

  constructor(shard: MetricsShard) {
    this.#shard = shard;
    this.#queuing = shard.histogram(BATCHING_QUEUING_LATENCY, THREAD_POOL);
    this.#runs = shard.counter(BATCHING_WRAPPED_RUN_COUNT);
    this.#taskRows = shard.histogram(BATCHING_INPUT_BATCH_SIZE);
    this.#batchRows = shard.histogram(BATCHING_PROCESSED_BATCH_SIZE);
  }

  /** The gauge of what waits for one model. */
  waiting(model: string): Gauge {
    return this.#shard.gauge(BATCHING_QUEUE_TASKS, model);
  }

  /** A task with so many inputs of so many rows begins to run. */
  began(rows: number, inputs: number, waitedMs: number): void {
    this.#queuing.observe(waitedMs * 1000);
    for (let i = 0; i < inputs; i++) this.#taskRows.observe(rows);
  }

  /** A batch of so many rows is run, some of them added. */
  ran(rows: number, added: number): void {
    this.#runs.add(1);
    this.#batchRows.observe(rows);
    let padding = this.#padding.get(rows);
    if (padding === undefined) {
      padding = this.#shard.histogram(BATCHING_PADDING_SIZE, String(rows));
      this.#padding.set(rows, padding);
    }
    padding.observe(added);
  }
}
