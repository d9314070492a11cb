import type { Log } from "../base/log.ts";
import type { RunLimits } from "../base/run-limits.ts";
import type { ModelBatching } from "../model/batching.ts";
import type { RuntimeName } from "../model/program.ts";
import type { RunContext, Servable } from "../model/servable.ts";
import type { Signatures } from "../tensor/signature.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import { Backlog } from "./backlog.ts";
import type { BatchScheduler } from "./batch-scheduler.ts";
import { BatchedSignature } from "./batched-signature.ts";
import type { BatchingMetrics } from "./batching-metrics.ts";

/** What a thread's batched servables have in common, and whose this one is. */
export interface BatchingServableParts {
  readonly model: string;
  readonly version: bigint;
  readonly scheduler: BatchScheduler;
  readonly metrics: BatchingMetrics;
  readonly log: Log;
  readonly runLimits: RunLimits;
}

/**
 * A version whose requests are run together: rows of several requests go through the engine in one run, and each request gets what it
 * would have got alone. Errors are the engine's and, where a request cannot be batched, TensorFlow Serving's: invalid-argument
 * for inputs without a common first dimension or with too many rows, unavailable when too many batches wait; a RefusedError for what
 * would wait too long.
 */
export class BatchingServable implements Servable {
  readonly runtime: RuntimeName;
  readonly signatures: Signatures;
  /** Past the batches, as runs of signatures or tensors that are not batched. */
  readonly runTogether?: NonNullable<Servable["runTogether"]>;
  readonly runGraph?: NonNullable<Servable["runGraph"]>;
  readonly #inner: Servable;
  readonly #batched = new Map<string, BatchedSignature>();

  /** Takes over `inner`, which is detached with it. */
  constructor(inner: Servable, { limits, signatures }: ModelBatching, parts: BatchingServableParts) {
    const { model, version, scheduler, metrics, log, runLimits } = parts;
    this.runtime = inner.runtime;
    this.signatures = inner.signatures;
    this.#inner = inner;
    if (inner.runTogether !== undefined) this.runTogether = inner.runTogether.bind(inner);
    if (inner.runGraph !== undefined) this.runGraph = inner.runGraph.bind(inner);
    const waiting = metrics.waiting(model);
    const onGivenUp = (signature: string, output: string, reason: string): void =>
      log.warn("signature_not_batched", { model, version: String(version), signature, output, reason });
    for (const [name, declared] of signatures) {
      if (!inner.signatures.has(name)) continue;
      const backlog = new Backlog(runLimits, waiting);
      const shared = { servable: inner, limits, metrics, backlog, scheduler, onGivenUp };
      this.#batched.set(name, new BatchedSignature(name, declared, shared));
    }
  }

  admit(signature?: string): void {
    this.#inner.admit?.(signature);
    if (signature !== undefined) this.#batched.get(signature)?.admit();
    else if (this.signatures.size === 1) for (const only of this.#batched.values()) only.admit();
  }

  run(
    signature: string,
    inputs: NamedTensors,
    wanted: readonly string[],
    context?: RunContext,
  ): NamedTensors | Promise<NamedTensors> {
    const batched = this.#batched.get(signature);
    return batched === undefined ? this.#inner.run(signature, inputs, wanted, context) : batched.run(inputs, wanted, context);
  }

  detach(): void | Promise<void> {
    return this.#inner.detach();
  }
}
