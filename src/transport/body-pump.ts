import type { ConnectionContext } from "./connection.ts";
import { afterOthers } from "./turn-end.ts";

/** Where the pieces of a streamed body go. */
export interface BodySink {
  /** Takes a piece, never an empty one. Returns what to wait for before the next one is asked for, if anything. */
  piece(bytes: Uint8Array): Promise<void> | undefined;
  /** The body is whole. */
  end(): void;
  /** The body has failed: the answer must not look whole. */
  broken(reason: unknown): void;
}

/** Told of what a handler did wrong. */
type Reporter = Pick<ConnectionContext, "report">;

/** Asked for without giving other connections a turn: this many bytes, each piece counted as no fewer than {@link SMALLEST_PIECE}. */
const BYTES_A_TURN = 16 * 1024;
const SMALLEST_PIECE = 1024;

/**
 * Carries one streamed body from its iterator to a sink, a piece at a time. Pieces that are ready at once reach the sink within
 * the same turn of the event loop, but never so many that other connections would starve.
 *
 * running -> ended, broken (by the iterator) or cancelled (by {@link cancel}); after that the sink hears nothing more.
 */
export class BodyPump {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #sink: BodySink;
  readonly #reporter: Reporter;
  #iterator: AsyncIterator<Uint8Array> | undefined = undefined;
  /** Whether the iterator waits to be asked for more. */
  #suspended = false;
  #over = false;

  /** `reporter` is told of what goes wrong when the iterator is closed. */
  constructor(body: AsyncIterable<Uint8Array>, sink: BodySink, reporter: Reporter) {
    this.#body = body;
    this.#sink = sink;
    this.#reporter = reporter;
  }

  /** Carries the body to its end; once. Never rejects. */
  async run(): Promise<void> {
    let whole: boolean;
    try {
      whole = await this.#carry();
    } catch (reason) {
      // A body that was given up may well complain about it; nobody waits for it any more.
      if (this.#over) return;
      this.#over = true;
      if (this.#suspended) this.#close();
      this.#sink.broken(reason);
      return;
    }
    if (!whole || this.#over) return;
    this.#over = true;
    this.#sink.end();
  }

  /** Gives up: nobody will see the rest. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
  }

  /** Whether the body came to its end; false when it was given up. */
  async #carry(): Promise<boolean> {
    const iterator = this.#body[Symbol.asyncIterator]();
    this.#iterator = iterator;
    let taken = 0;
    for (;;) {
      this.#suspended = false;
      const step = await iterator.next();
      if (this.#over) return false;
      if (step.done === true) return true;
      this.#suspended = true;
      const bytes: unknown = step.value;
      if (!(bytes instanceof Uint8Array)) throw new TypeError("a streamed body gave something else than bytes");
      const room = bytes.length === 0 ? undefined : this.#sink.piece(bytes);
      if (room !== undefined) await room;
      taken += Math.max(bytes.length, SMALLEST_PIECE);
      if (taken >= BYTES_A_TURN) {
        taken = 0;
        await nextTurn();
      }
      if (this.#over) return false;
    }
  }

  #close(): void {
    if (this.#iterator !== undefined) closeIterator(this.#iterator, this.#reporter);
  }
}

/** Gives up a body that nobody will see, before its first piece. */
export function discardBody(body: AsyncIterable<Uint8Array>, reporter: Reporter): void {
  try {
    closeIterator(body[Symbol.asyncIterator](), reporter);
  } catch (reason) {
    reporter.report("handler_fault", reason);
  }
}

function closeIterator(iterator: AsyncIterator<Uint8Array>, reporter: Reporter): void {
  const failed = (reason: unknown): void => reporter.report("handler_fault", reason);
  try {
    iterator.return?.().then(undefined, failed);
  } catch (reason) {
    failed(reason);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => afterOthers(resolve));
}
