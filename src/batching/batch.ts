import type { ServingError } from "../base/serving-error.ts";
import type { RunContext } from "../model/servable.ts";
import type { Piece } from "./task.ts";

/** Told when something leaves a batch that still waits. */
export interface BatchOwner {
  left(batch: Batch): void;
}

/**
 * Pieces of tasks that are run together. `waiting` for its run, `running`, or `ended`, which a batch also is while its pieces
 * are run again one by one. The context of its own run: the signal aborts when no task is left that wants it.
 */
export class Batch implements RunContext {
  readonly pieces: Piece[] = [];
  rows = 0;
  /** Whether no piece may be added. */
  closed = false;
  readonly #owner: BatchOwner | undefined;
  #state: "waiting" | "running" | "ended" = "waiting";
  /** Pieces of a running batch that are still wanted. */
  #wanted = 0;
  #controller: AbortController | undefined;
  #abortedWith: ServingError | undefined;
  /** The piece whose task waits for the end of a run that nobody wants. */
  #held: Piece | undefined;

  constructor(owner?: BatchOwner) {
    this.#owner = owner;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedWith !== undefined) this.#controller.abort(this.#abortedWith);
    }
    return this.#controller.signal;
  }

  get requests(): number {
    return this.pieces.length;
  }

  /** That of the task that has the longest time left. */
  get remainingMs(): number | undefined {
    let longest = 0;
    for (const { task, obsolete } of this.pieces) {
      if (task.over || obsolete) continue;
      const { remainingMs } = task;
      if (remainingMs === undefined) return undefined;
      if (remainingMs > longest) longest = remainingMs;
    }
    return longest;
  }

  add(piece: Piece): void {
    this.pieces.push(piece);
    this.rows += piece.rows;
    piece.batch = this;
  }

  begin(): void {
    this.#state = "running";
    this.#wanted = this.pieces.length;
  }

  /** The run is over; lets the task go that had to wait for that. */
  end(): void {
    this.#state = "ended";
    const held = this.#held;
    this.#held = undefined;
    held?.task.release();
  }

  /** A piece is not wanted any more. True when that ends a run, which the piece's task must wait for until {@link end}. */
  leave(piece: Piece, error: ServingError): boolean {
    if (this.#state === "ended") return false;
    if (this.#state === "waiting") {
      const index = this.pieces.indexOf(piece);
      if (index < 0) return false;
      this.pieces.splice(index, 1);
      this.rows -= piece.rows;
      this.#owner?.left(this);
      return false;
    }
    if (--this.#wanted > 0) return false;
    this.#held = piece;
    this.#abortedWith = error;
    this.#controller?.abort(error);
    return true;
  }
}
