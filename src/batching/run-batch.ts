import { RefusedError } from "../base/run-limits.ts";
import { ServingError } from "../base/serving-error.ts";
import type { BatchLimits } from "../model/batching.ts";
import type { Servable } from "../model/servable.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import { Batch } from "./batch.ts";
import type { BatchingMetrics } from "./batching-metrics.ts";
import { giveBackMerged, type InputRows, mergeInputs } from "./merge-inputs.ts";
import type { Piece } from "./task.ts";
import { copyRows } from "./tensor-rows.ts";

/** What batches are run on: one signature of one version. */
export interface BatchTarget {
  readonly servable: Servable;
  readonly signature: string;
  readonly limits: BatchLimits;
  readonly metrics: BatchingMetrics;
  /** Milliseconds by the clock that dates tasks. */
  now(): number;
  /** Whether its outputs turned out not to have the rows of its inputs; tasks are run one by one then. */
  readonly unbatched: boolean;
  /** Resolves after the thread has looked at its sockets. */
  pause(): Promise<void>;
  /** Told of the output by which that was seen, and why. */
  giveUp(output: string, reason: string): void;
}

/** Runs that are done again one by one may hold up the thread for so long. */
const LONGEST_MS = 4;

/** Rows that a batch of so many is run with: the next allowed size, or as many as there are. */
export function executedRows(rows: number, { allowedBatchSizes }: BatchLimits): number {
  if (rows === 0) return 0;
  for (let i = 0; i < allowedBatchSizes.length; i++) if (allowedBatchSizes[i]! >= rows) return allowedBatchSizes[i]!;
  return rows;
}

/**
 * Runs a batch and settles its tasks, or those parts of them that are in it. When a run of several tasks fails, each is run again
 * by itself, so that it fares as it would have alone. Over when it returns, or when the promise resolves; never throws or rejects.
 */
export function runBatch(batch: Batch, target: BatchTarget, wanted: readonly string[]): Promise<void> | undefined {
  if (target.unbatched) return runWhole(batch, target, wanted);
  const { limits, metrics, servable, signature } = target;
  const { pieces } = batch;
  const rows = executedRows(batch.rows, limits);
  const now = target.now();
  for (const { task, rows: own } of pieces) metrics.began(own, task.inputs.size, now - task.arrived);
  metrics.ran(rows, rows - batch.rows);
  batch.begin();
  let merged: NamedTensors | undefined;
  let outputs: NamedTensors | Promise<NamedTensors>;
  try {
    if (!isWhole(batch, rows)) merged = mergeInputs(partsOf(batch), rows, limits.padsVariableLengthInputs);
    outputs = servable.run(signature, merged ?? pieces[0]!.task.inputs, wanted, batch);
  } catch (reason) {
    if (merged !== undefined) giveBackMerged(merged);
    return failed(batch, target, wanted, reason);
  }
  if (outputs instanceof Promise) return finish(batch, target, wanted, outputs, merged, rows);
  try {
    return deliver(batch, target, wanted, outputs, rows);
  } catch (reason) {
    return failed(batch, target, wanted, reason);
  } finally {
    if (merged !== undefined) giveBackMerged(merged);
  }
}

function partsOf({ pieces }: Batch): readonly InputRows[] {
  return pieces.map(({ task, from, rows }) => ({ inputs: task.inputs, from, rows }));
}

async function finish(
  batch: Batch,
  target: BatchTarget,
  wanted: readonly string[],
  running: Promise<NamedTensors>,
  merged: NamedTensors | undefined,
  rows: number,
): Promise<void> {
  try {
    const outputs = await running;
    await deliver(batch, target, wanted, outputs, rows);
  } catch (reason) {
    await failed(batch, target, wanted, reason);
  } finally {
    if (merged !== undefined) giveBackMerged(merged);
  }
}

function deliver(
  batch: Batch,
  target: BatchTarget,
  wanted: readonly string[],
  outputs: NamedTensors,
  rows: number,
): Promise<void> | undefined {
  const { pieces } = batch;
  batch.end();
  if (isWhole(batch, rows)) {
    pieces[0]!.task.ran(pieces[0]!, outputs);
    return undefined;
  }
  const fault = wrongOutput(outputs, rows);
  if (fault !== undefined) {
    target.giveUp(fault.output, fault.reason);
    return runWhole(batch, target, wanted);
  }
  let from = 0;
  for (const piece of pieces) {
    if (!piece.task.over && !piece.obsolete) piece.task.ran(piece, cut(outputs, from, piece.rows));
    from += piece.rows;
  }
  return undefined;
}

function failed(batch: Batch, target: BatchTarget, wanted: readonly string[], reason: unknown): Promise<void> | undefined {
  batch.end();
  // One that was refused for lack of room must not come back as many.
  if (batch.pieces.length === 1 || reason instanceof RefusedError) {
    const error = ServingError.from(reason);
    for (const piece of batch.pieces) if (!piece.obsolete) piece.task.fail(error);
    return undefined;
  }
  return each(target, batch.pieces, 0, (piece) => {
    if (piece.task.over || piece.obsolete) return undefined;
    const again = new Batch();
    again.add(piece);
    return runBatch(again, target, wanted);
  });
}

/** Runs each task of a batch by itself, all of its rows at once and as they came. */
function runWhole(batch: Batch, target: BatchTarget, wanted: readonly string[]): Promise<void> | undefined {
  const { servable, signature } = target;
  batch.end();
  return each(target, batch.pieces, 0, ({ task }) => {
    if (!task.startAnew()) return undefined;
    const whole = new Batch();
    task.add(whole, 0, task.rows);
    whole.begin();
    const [piece] = whole.pieces;
    const settle = (outputs: NamedTensors): void => {
      whole.end();
      task.ran(piece!, outputs);
    };
    const fail = (reason: unknown): void => {
      whole.end();
      task.fail(ServingError.from(reason));
    };
    try {
      const outputs = servable.run(signature, task.inputs, wanted, whole);
      if (outputs instanceof Promise) {
        return outputs.then(settle, fail);
      }
      settle(outputs);
    } catch (reason) {
      fail(reason);
    }
    return undefined;
  });
}

/** One piece after the other; at once as long as their runs are, and do not take long together. */
function each(
  target: BatchTarget,
  pieces: readonly Piece[],
  start: number,
  run: (piece: Piece) => Promise<void> | undefined,
): Promise<void> | undefined {
  const until = target.now() + LONGEST_MS;
  for (let index = start; index < pieces.length; index++) {
    const running = run(pieces[index]!) ?? (target.now() < until ? undefined : target.pause());
    if (running !== undefined) return running.then(() => each(target, pieces, index + 1, run));
  }
  return undefined;
}

/** Whether a batch run with so many rows is one task as it came. */
function isWhole({ pieces }: Batch, rows: number): boolean {
  return pieces.length === 1 && pieces[0]!.rows === rows && pieces[0]!.task.rows === rows;
}

function wrongOutput(outputs: NamedTensors, rows: number): { readonly output: string; readonly reason: string } | undefined {
  for (const [output, { shape }] of outputs) {
    if (shape.length === 0) return { output, reason: "Batched output tensor has 0 dimensions" };
    if (shape[0] !== rows) {
      return {
        output,
        reason: "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors",
      };
    }
  }
  return undefined;
}

function cut(outputs: NamedTensors, from: number, rows: number): NamedTensors {
  const own = new Map<string, Tensor>();
  for (const [alias, tensor] of outputs) own.set(alias, copyRows({ tensor, from, rows }));
  return own;
}
