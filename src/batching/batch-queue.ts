import { ServingError } from "../base/serving-error.ts";
import type { BatchLimits } from "../model/batching.ts";
import type { DType } from "../tensor/dtype.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Backlog } from "./backlog.ts";
import { Batch, type BatchOwner } from "./batch.ts";
import { canPad } from "./pad-tensor.ts";
import type { Task } from "./task.ts";

/** What a task's inputs must be for it to share a batch with others; `undefined` for an input that is left out. */
interface InputKind {
  readonly dtype: DType;
  readonly shape: Shape;
  /** Whether the inner dimensions may differ. */
  readonly padded: boolean;
}

/**
 * The tasks that may share a batch: same inputs of the same dtype and inner shape (with padding, of the same rank), same outputs.
 * Batches are filled as tasks come, the last is open for more. Knows no time but what it is told.
 */
export class BatchQueue implements BatchOwner {
  readonly wanted: readonly string[];
  readonly #kinds: readonly (InputKind | undefined)[];
  readonly #limits: BatchLimits;
  readonly #backlog: Backlog;
  readonly #batches: Batch[] = [];

  /** `given` are the first task's inputs in the signature's order. */
  constructor(given: readonly (Tensor | undefined)[], wanted: readonly string[], limits: BatchLimits, backlog: Backlog) {
    this.#kinds = given.map((tensor) => {
      if (tensor === undefined) return undefined;
      const { dtype, shape } = tensor;
      return { dtype, shape, padded: limits.padsVariableLengthInputs && canPad(shape) };
    });
    this.wanted = [...wanted];
    this.#limits = limits;
    this.#backlog = backlog;
  }

  get empty(): boolean {
    return this.#batches.length === 0;
  }

  /** Whether a task with these inputs and outputs belongs here. */
  matches(given: readonly (Tensor | undefined)[], wanted: readonly string[]): boolean {
    const own = this.wanted;
    if (own.length !== wanted.length) return false;
    for (let i = 0; i < own.length; i++) if (own[i] !== wanted[i]) return false;
    const kinds = this.#kinds;
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i];
      const tensor = given[i];
      if (kind === undefined || tensor === undefined) {
        if (kind !== tensor) return false;
      } else if (kind.dtype !== tensor.dtype || !sharesRows(kind, tensor.shape)) return false;
    }
    return true;
  }

  /**
   * Puts a task into the open batch, and what of it does not fit into further ones. `makeRoom` is called when there are as many
   * batches as may wait, to run some.
   * @throws ServingError unavailable, in TensorFlow Serving's words, when there is no room even then; nothing is queued.
   */
  put(task: Task, makeRoom: () => void): void {
    const { maxEnqueuedBatches, maxExecutionBatchSize: most, splitsLargeBatches } = this.#limits;
    if (this.#needs(task) > maxEnqueuedBatches - this.#batches.length) makeRoom();
    if (this.#needs(task) > maxEnqueuedBatches - this.#batches.length) {
      throw new ServingError(
        "unavailable",
        `The batch scheduling queue to which this task was submitted is full; currently ${this.#batches.length} batches ` +
          `enqueued and max_enqueued_batches is ${maxEnqueuedBatches}`,
      );
    }
    let from = 0;
    do {
      let open = this.#batches.at(-1);
      const room = open === undefined || open.closed ? -1 : most - open.rows;
      const fits = room >= task.rows - from || (splitsLargeBatches && room > 0);
      if (open === undefined || !fits) {
        if (open !== undefined) open.closed = true;
        open = new Batch(this);
        this.#batches.push(open);
        this.#backlog.add(0, 1);
      }
      const rows = Math.min(task.rows - from, most - open.rows);
      task.add(open, from, rows);
      this.#backlog.add(1, 0);
      from += rows;
    } while (from < task.rows);
  }

  /** When the first batch may be run, in the time of {@link Task.arrived}; `-Infinity` for a full one. Not for an empty queue. */
  get due(): number {
    const [first] = this.#batches;
    if (this.#batches.length > 1 || first!.closed || first!.rows >= this.#limits.maxExecutionBatchSize) {
      return Number.NEGATIVE_INFINITY;
    }
    return first!.pieces[0]!.task.arrived + this.#limits.batchTimeoutMs;
  }

  /** Takes the first batch out to be run now. */
  take(now: number): Batch {
    const batch = this.#batches.shift()!;
    const { pieces, rows, closed } = batch;
    const full = closed || rows >= this.#limits.maxExecutionBatchSize;
    const patient = pieces[0]!.task.arrived + this.#limits.batchTimeoutMs;
    batch.closed = true;
    this.#backlog.add(-pieces.length, -1);
    this.#backlog.began(now, full ? Math.min(patient, pieces.at(-1)!.task.arrived) : patient);
    return batch;
  }

  left(batch: Batch): void {
    this.#backlog.add(-1, 0);
    if (batch.pieces.length > 0) return;
    const index = this.#batches.indexOf(batch);
    if (index < 0) return;
    this.#batches.splice(index, 1);
    this.#backlog.add(0, -1);
  }

  /** How many more batches a task takes. */
  #needs({ rows }: Task): number {
    const { maxExecutionBatchSize: most, splitsLargeBatches } = this.#limits;
    const open = this.#batches.at(-1);
    if (open === undefined || open.closed) return splitsLargeBatches ? Math.max(1, Math.ceil(rows / most)) : 1;
    const room = most - open.rows;
    if (rows <= room) return 0;
    return splitsLargeBatches ? Math.ceil((rows - room) / most) : 1;
  }
}

function sharesRows(kind: InputKind, shape: Shape): boolean {
  if (kind.shape.length !== shape.length) return false;
  if (kind.padded && canPad(shape)) return true;
  if (kind.padded) return false;
  for (let axis = 1; axis < shape.length; axis++) if (kind.shape[axis] !== shape[axis]) return false;
  return true;
}
