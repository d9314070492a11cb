import { ServingError } from "../../base/serving-error.ts";
import type { Admission } from "../access-gate.ts";
import { BUDGET_SPENT } from "../buffer-budget.ts";
import type { Stream, StreamConsumer } from "../http2/stream.ts";

/**
 * Stands in for a gRPC call while the gate considers it, keeps what arrives, and hands it on when the call is let in.
 *
 * asking -> opened (by the gate's answer) or over (answered meanwhile, or gone).
 */
export class AskedCall implements StreamConsumer {
  readonly #stream: Stream;
  readonly #fail: (error: ServingError) => void;
  #over = false;
  #arrived: Buffer[] = [];
  #ended = false;
  #turnOver = false;

  /** `open` makes the call of an answer, `fail` ends it before there is one. */
  constructor(
    stream: Stream,
    admission: Promise<Admission<ServingError>>,
    open: (admission: Admission<ServingError>) => StreamConsumer,
    fail: (error: ServingError) => void,
  ) {
    this.#stream = stream;
    this.#fail = fail;
    void admission.then((decided) => this.#hand(decided, open));
  }

  received(bytes: Buffer, start: number, end: number): void {
    // A copy: what is read next may come to lie in the same memory.
    if (!this.#over) this.#arrived.push(Buffer.from(bytes.subarray(start, end)));
  }

  remoteEnded(): void {
    this.#ended = true;
  }

  aborted(): void {
    this.#leave();
  }

  turnEnded(): void {
    this.#turnOver = true;
  }

  compact(): void {}

  overdue(): void {
    this.#end(new ServingError("deadline-exceeded", "the request did not arrive in time"));
  }

  overloaded(): void {
    this.#end(new ServingError("resource-exhausted", BUDGET_SPENT));
  }

  #hand(decided: Admission<ServingError>, open: (admission: Admission<ServingError>) => StreamConsumer): void {
    if (this.#over) return;
    const call = open(decided);
    this.#stream.consumer = call;
    for (const bytes of this.#arrived) call.received(bytes, 0, bytes.length);
    this.#leave();
    if (this.#turnOver) call.turnEnded();
    if (this.#ended) call.remoteEnded();
  }

  #end(error: ServingError): void {
    if (this.#over) return;
    this.#leave();
    this.#fail(error);
  }

  #leave(): void {
    this.#over = true;
    this.#arrived = [];
  }
}
