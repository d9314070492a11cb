import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { RunLimits } from "../base/run-limits.ts";
import type { MetricsShard } from "../metrics/metrics-shard.ts";
import type { SharedModel } from "../model/runtime.ts";
import type { Servable } from "../model/servable.ts";
import { BatchScheduler } from "./batch-scheduler.ts";
import { BatchingMetrics } from "./batching-metrics.ts";
import { BatchingServable } from "./batching-servable.ts";
import type { Turns } from "./turns.ts";

/** What a thread's batching is made of. */
export interface ThreadBatchingParts {
  readonly clock: Clock;
  readonly turns: Turns;
  /** Runs that are not over at once may go on together, of all models. */
  readonly mostRuns: number;
  readonly shard: MetricsShard;
  readonly log: Log;
  /** How long a request may wait. */
  readonly runLimits: RunLimits;
}

/** Batching on one serving thread: one scheduler for all of its versions. */
export class ThreadBatching {
  readonly #scheduler: BatchScheduler;
  readonly #metrics: BatchingMetrics;
  readonly #log: Log;
  readonly #runLimits: RunLimits;

  constructor({ shard, log, runLimits, ...scheduling }: ThreadBatchingParts) {
    this.#scheduler = new BatchScheduler(scheduling);
    this.#metrics = new BatchingMetrics(shard);
    this.#log = log;
    this.#runLimits = runLimits;
  }

  /** The servable with its requests batched as the model says, or as it is when the model says nothing. */
  wrap(name: string, version: bigint, { batching }: SharedModel, servable: Servable): Servable {
    if (batching === undefined) return servable;
    const parts = { scheduler: this.#scheduler, metrics: this.#metrics, log: this.#log, runLimits: this.#runLimits };
    return new BatchingServable(servable, batching, { model: name, version, ...parts });
  }
}
