import { ServingError } from "../base/serving-error.ts";
import type { BatchLimits, BatchedSignature as Declared } from "../model/batching.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import type { Backlog } from "./backlog.ts";
import { BatchQueue } from "./batch-queue.ts";
import type { BatchScheduler, ScheduledQueue } from "./batch-scheduler.ts";
import type { BatchingMetrics } from "./batching-metrics.ts";
import { type BatchTarget, executedRows } from "./run-batch.ts";
import { Task } from "./task.ts";

/** More queues than that are kept only while something is in them: shapes are the callers' choice. */
const MOST_IDLE_QUEUES = 64;

/** What a signature's queues are made of. */
export interface BatchedSignatureParts {
  readonly servable: Servable;
  readonly limits: BatchLimits;
  readonly metrics: BatchingMetrics;
  readonly backlog: Backlog;
  readonly scheduler: BatchScheduler;
  /** Told once when the signature turned out not to be one that can be batched. */
  readonly onGivenUp: (signature: string, output: string, reason: string) => void;
}

/** One signature of one version whose tasks are batched, on one thread. */
export class BatchedSignature implements BatchTarget {
  readonly signature: string;
  readonly servable: Servable;
  readonly limits: BatchLimits;
  readonly metrics: BatchingMetrics;
  /** Whether the last run was over at once. */
  short = false;
  #unbatched = false;
  readonly #parts: BatchedSignatureParts;
  readonly #aliases: readonly string[];
  readonly #unbatchedInputs: readonly string[];
  readonly #queues: ScheduledQueue[] = [];
  /** A task's inputs in the signature's order; never kept over a call. */
  readonly #given: (Tensor | undefined)[];

  constructor(signature: string, { unbatchedInputs }: Declared, parts: BatchedSignatureParts) {
    this.signature = signature;
    this.servable = parts.servable;
    this.limits = parts.limits;
    this.metrics = parts.metrics;
    this.#parts = parts;
    this.#aliases = parts.servable.signatures.get(signature)!.inputs.map(({ alias }) => alias);
    this.#unbatchedInputs = unbatchedInputs;
    this.#given = this.#aliases.map(() => undefined);
  }

  get unbatched(): boolean {
    return this.#unbatched;
  }

  now(): number {
    return this.#parts.scheduler.now();
  }

  pause(): Promise<void> {
    return this.#parts.scheduler.pause();
  }

  /** @throws RefusedError when one more request would wait too long. */
  admit(): void {
    this.#parts.backlog.check();
  }

  giveUp(output: string, reason: string): void {
    if (this.#unbatched) return;
    this.#unbatched = true;
    this.#parts.onGivenUp(this.signature, output, reason);
  }

  /** As {@link Servable.run}. */
  run(inputs: NamedTensors, wanted: readonly string[], context: RunContext | undefined): NamedTensors | Promise<NamedTensors> {
    if (this.#unbatched || inputs.size === 0 || this.#mustRunAlone(inputs)) {
      return this.servable.run(this.signature, inputs, wanted, context);
    }
    const rows = taskRows(inputs);
    const { limits } = this;
    if (rows > limits.maxBatchSize) {
      throw new ServingError(
        "invalid-argument",
        `Task size ${rows} is larger than maximum input batch size ${limits.maxBatchSize}`,
      );
    }
    const { scheduler } = this.#parts;
    const aloneNow = scheduler.arrived(this.short);
    if (aloneNow && limits.batchTimeoutMs === 0 && rows <= limits.maxExecutionBatchSize && executedRows(rows, limits) === rows) {
      return this.#runAtOnce(inputs, rows, wanted, context);
    }
    this.admit();
    const task = new Task(inputs, rows, context, scheduler.now());
    scheduler.submit(this.#queueOf(inputs, wanted), task);
    return task.outcome;
  }

  #mustRunAlone(inputs: NamedTensors): boolean {
    const aliases = this.#unbatchedInputs;
    for (let i = 0; i < aliases.length; i++) if (inputs.has(aliases[i]!)) return true;
    return false;
  }

  #runAtOnce(
    inputs: NamedTensors,
    rows: number,
    wanted: readonly string[],
    context: RunContext | undefined,
  ): NamedTensors | Promise<NamedTensors> {
    this.metrics.began(rows, inputs.size, 0);
    this.metrics.ran(rows, 0);
    const outputs = this.servable.run(this.signature, inputs, wanted, context);
    this.short = !(outputs instanceof Promise);
    if (outputs instanceof Promise) this.#parts.scheduler.count(outputs);
    return outputs;
  }

  #queueOf(inputs: NamedTensors, wanted: readonly string[]): ScheduledQueue {
    const given = this.#given;
    let found = 0;
    for (let i = 0; i < given.length && found < inputs.size; i++) {
      given[i] = inputs.get(this.#aliases[i]!);
      if (given[i] !== undefined) found++;
    }
    const queues = this.#queues;
    let matching: ScheduledQueue | undefined;
    for (let i = 0; i < queues.length && matching === undefined; i++) {
      if (queues[i]!.queue.matches(given, wanted)) matching = queues[i];
    }
    if (matching === undefined) {
      if (queues.length >= MOST_IDLE_QUEUES) this.#dropIdle();
      matching = { queue: new BatchQueue(given, wanted, this.limits, this.#parts.backlog), target: this, listed: false };
      queues.push(matching);
    }
    for (let i = 0; i < given.length; i++) given[i] = undefined;
    return matching;
  }

  #dropIdle(): void {
    const busy = this.#queues.filter(({ queue }) => !queue.empty);
    this.#queues.splice(0, this.#queues.length, ...busy);
  }
}

/** The size of the first dimension of all inputs. @throws ServingError invalid-argument, in TensorFlow Serving's words. */
function taskRows(inputs: NamedTensors): number {
  let rows = -1;
  for (const { shape } of inputs.values()) {
    if (shape.length === 0) {
      throw new ServingError("invalid-argument", "Batching Run() input tensors must have at least one dimension");
    }
    if (rows >= 0 && shape[0] !== rows) {
      throw new ServingError("invalid-argument", "Batching Run() input tensors must have equal 0th-dimension size");
    }
    rows = shape[0]!;
  }
  return rows;
}
