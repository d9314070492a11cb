import { type Deferred, deferred } from "../base/deferred.ts";
import { ServingError } from "../base/serving-error.ts";
import type { Answer, Ticketed } from "./messages.ts";

/** Requests sent to another thread and not yet answered. */
export class Tickets<Body> {
  readonly #send: (message: Ticketed<Body>) => void;
  readonly #waiting = new Map<number, Deferred<unknown>>();
  #next = 0;
  #gone: ServingError | undefined;

  constructor(send: (message: Ticketed<Body>) => void) {
    this.#send = send;
  }

  /**
   * Sends a request; settles with the answer, or rejects with its ServingError, with the reason of
   * {@link Tickets.abandon} once the other thread is gone, or with what the message cannot be sent for.
   */
  async ask(body: Body): Promise<unknown> {
    if (this.#gone !== undefined) throw this.#gone;
    const ticket = this.#next++;
    const waiting = deferred<unknown>();
    this.#waiting.set(ticket, waiting);
    try {
      this.#send({ kind: "request", ticket, body });
    } catch (reason) {
      this.#waiting.delete(ticket);
      throw reason;
    }
    return await waiting.promise;
  }

  /** Takes an answer that arrived. */
  settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.ticket);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.ticket);
    if (answer.error === undefined) waiting.resolve(answer.value);
    else waiting.reject(new ServingError(answer.error.code, answer.error.message));
  }

  /** Rejects everything that waits and all that is asked later: the other thread is gone. */
  abandon(reason: ServingError): void {
    this.#gone = reason;
    for (const waiting of this.#waiting.values()) waiting.reject(reason);
    this.#waiting.clear();
  }
}

/** Answers a request with what `run` gives or throws. `report` is told of errors that are nobody's ServingError. */
export async function answerTicket(
  ticket: number,
  run: () => unknown,
  send: (answer: Answer) => void,
  report: (reason: unknown) => void,
): Promise<void> {
  try {
    send({ kind: "answer", ticket, value: await run() });
  } catch (reason) {
    if (!(reason instanceof ServingError)) report(reason);
    const { code, message } = ServingError.from(reason);
    send({ kind: "answer", ticket, error: { code, message } });
  }
}
