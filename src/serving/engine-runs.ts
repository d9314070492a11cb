import { performance } from "node:perf_hooks";
import { RefusedError } from "../base/run-limits.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import type { RunQueue } from "./run-queue.ts";

/** The names of the inference calls in the metric of runs. */
export type RunApi = "Predict" | "Classify" | "Regress" | "MultiInference" | "SessionRun";

/** Runs of engines on one thread: each in its turn, timed when it went well, counted when it was refused. */
export class EngineRuns {
  readonly #metrics: RequestMetrics;
  readonly #queue: RunQueue;

  constructor(metrics: RequestMetrics, queue: RunQueue) {
    this.#metrics = metrics;
    this.#queue = queue;
  }

  /** @throws RefusedError when too many runs of the servable wait already, or of the signature where one is given. */
  admit(servable: Servable, model: string, signature: string | undefined): void {
    try {
      this.#queue.check();
      servable.admit?.(signature);
    } catch (reason) {
      this.#countRefusal(model, reason);
      throw reason;
    }
  }

  /** One run, at once unless the thread is late. Gives, throws and rejects with what it does; RefusedError when it would wait too long. */
  run<Outputs>(
    { runtime }: Servable,
    model: string,
    api: RunApi,
    run: () => Outputs | Promise<Outputs>,
    context: RunContext,
  ): Outputs | Promise<Outputs> {
    if (!this.#queue.late) return this.#runNow(runtime, model, api, run);
    try {
      this.#queue.check();
    } catch (reason) {
      this.#countRefusal(model, reason);
      throw reason;
    }
    return this.#queue.add(() => this.#runNow(runtime, model, api, run), context);
  }

  #runNow<Outputs>(
    runtime: string,
    model: string,
    api: RunApi,
    run: () => Outputs | Promise<Outputs>,
  ): Outputs | Promise<Outputs> {
    const start = performance.now();
    let outputs: Outputs | Promise<Outputs>;
    try {
      outputs = run();
    } catch (reason) {
      this.#countRefusal(model, reason);
      throw reason;
    }
    if (outputs instanceof Promise) {
      return outputs.then(
        (values: Outputs) => {
          this.#metrics.ran(model, api, runtime, (performance.now() - start) * 1000);
          return values;
        },
        (reason: unknown) => {
          this.#countRefusal(model, reason);
          throw reason;
        },
      );
    }
    const took = performance.now() - start;
    this.#metrics.ran(model, api, runtime, took * 1000);
    this.#queue.ran(took);
    return outputs;
  }

  #countRefusal(model: string, reason: unknown): void {
    if (reason instanceof RefusedError) this.#metrics.refused(model, reason.reason);
  }
}
