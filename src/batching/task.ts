import { abortError } from "../base/abort.ts";
import { type Deferred, deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import type { RunContext } from "../model/servable.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import type { Batch } from "./batch.ts";
import { concatenateRows } from "./tensor-rows.ts";

/** Why the runs of a task's pieces are broken off when all of its rows are run together instead. */
const RUN_WHOLE = new ServingError("cancelled", "the request is run in one piece instead");

/** The rows of a task that go into one batch. */
export interface Piece {
  readonly task: Task;
  readonly from: number;
  readonly rows: number;
  /** The batch it is in or was in last. */
  batch: Batch;
  /** Set when it was run, if the task has other pieces. */
  outputs: NamedTensors | undefined;
  /** Whether another piece does its work. */
  obsolete: boolean;
}

/**
 * One request to be batched. Its promise settles once: with all of its rows' outputs, or with an error; and never while a run
 * goes on that nobody else waits for, because whoever waits keeps the version from being unloaded.
 */
export class Task {
  readonly inputs: NamedTensors;
  /** Size of the first dimension of every input. */
  readonly rows: number;
  /** By the scheduler's clock. */
  readonly arrived: number;
  readonly pieces: Piece[] = [];
  readonly #context: RunContext | undefined;
  readonly #outcome: Deferred<NamedTensors> = deferred();
  #signal: AbortSignal | undefined;
  /** What it will settle with once no run of its own goes on any more. */
  #result: NamedTensors | ServingError | undefined;
  /** Runs that were broken off and have not ended. */
  #holds = 0;
  #over = false;

  constructor(inputs: NamedTensors, rows: number, context: RunContext | undefined, arrived: number) {
    this.inputs = inputs;
    this.rows = rows;
    this.arrived = arrived;
    this.#context = context;
  }

  get outcome(): Promise<NamedTensors> {
    return this.#outcome.promise;
  }

  /** As its context has it. */
  get remainingMs(): number | undefined {
    return this.#context?.remainingMs;
  }

  /** Whether nothing that is run for it would be of use any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Adds the piece of these rows to a batch. */
  add(batch: Batch, from: number, rows: number): void {
    const piece: Piece = { task: this, from, rows, batch, outputs: undefined, obsolete: false };
    this.pieces.push(piece);
    batch.add(piece);
  }

  /** From now on the caller's signal ends the task. Asking for the signal costs, so only a task that really waits is watched. */
  watch(): void {
    if (this.#over || this.#signal !== undefined || this.#context === undefined) return;
    const { signal } = this.#context;
    this.#signal = signal;
    if (signal.aborted) this.fail(abortError(signal));
    else signal.addEventListener("abort", this);
  }

  /** The signal's event. */
  handleEvent(): void {
    this.fail(abortError(this.#signal!));
  }

  /** A piece was run. */
  ran(piece: Piece, outputs: NamedTensors): void {
    if (this.#over || piece.obsolete) return;
    piece.outputs = outputs;
    const needed = this.pieces.filter(({ obsolete }) => !obsolete);
    if (needed.some((other) => other.outputs === undefined)) return;
    try {
      this.#end(needed.length === 1 ? outputs : joinOutputs(needed.map((other) => other.outputs!)));
      this.#settle();
    } catch (reason) {
      this.fail(ServingError.from(reason));
    }
  }

  /** Ends the task: what is queued of it is taken out, and a run that no other task needs is aborted and waited for. */
  fail(error: ServingError): void {
    if (this.#over) return;
    this.#end(error);
    for (const piece of this.pieces) if (!piece.obsolete) this.#leave(piece, error);
    this.#settle();
  }

  /** One of the runs that the task had to wait for has ended. */
  release(): void {
    this.#holds--;
    this.#settle();
  }

  /** Makes the pieces that there are obsolete; one of all rows is to be run instead. False when that was done before. */
  startAnew(): boolean {
    if (this.#over || this.pieces.length === 0 || this.pieces.some(({ obsolete }) => obsolete)) return false;
    for (const piece of this.pieces) {
      piece.obsolete = true;
      this.#leave(piece, RUN_WHOLE);
    }
    return true;
  }

  #leave(piece: Piece, error: ServingError): void {
    if (piece.batch.leave(piece, error)) this.#holds++;
  }

  #end(result: NamedTensors | ServingError): void {
    this.#over = true;
    this.#result = result;
    this.#signal?.removeEventListener("abort", this);
  }

  #settle(): void {
    const result = this.#result;
    if (result === undefined || this.#holds > 0) return;
    if (result instanceof ServingError) this.#outcome.reject(result);
    else this.#outcome.resolve(result);
  }
}

/** The outputs of a task's pieces one after the other. */
function joinOutputs(pieces: readonly NamedTensors[]): NamedTensors {
  const joined = new Map<string, Tensor>();
  for (const [alias, first] of pieces[0]!) {
    const tensors = pieces.map((outputs) => outputs.get(alias)!);
    const { length } = first.shape;
    for (const tensor of tensors) {
      const alike =
        tensor.dtype === first.dtype &&
        tensor.shape.length === length &&
        tensor.shape.every((size, axis) => axis === 0 || size === first.shape[axis]);
      if (!alike) {
        throw new ServingError(
          "failed-precondition",
          `output "${alias}" has rows of different shapes in the batches that the request was split into, send fewer rows at once`,
        );
      }
    }
    const parts = tensors.map((tensor) => ({ tensor, from: 0, rows: tensor.shape[0]! }));
    const total = parts.reduce((sum, { rows }) => sum + rows, 0);
    joined.set(alias, concatenateRows(parts, total));
  }
  return joined;
}
