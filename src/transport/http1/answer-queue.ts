import { BodyPump, discardBody } from "../body-pump.ts";
import type { ConnectionContext } from "../connection.ts";
import type { HttpResponse } from "../http-exchange.ts";
import type { SocketWriter } from "../socket-writer.ts";
import { Exchange } from "./exchange.ts";
import { hasBody, ResponseWriter } from "./response-writer.ts";
import { StreamedBody } from "./streamed-body.ts";

/** Answers of this size are written at once, so that a peer that does not read stops the next request. */
const FLUSHED_BYTES = 16 * 1024;

const responseWriter = new ResponseWriter();

/** What the queue tells and asks its connection. */
export interface AnswerQueueOwner {
  /** Whether the answer with nothing behind it is the connection's last because of a drain; then no further request is taken. */
  concludes(): boolean;
  /** The answer now being written is the connection's last: takes no further request. */
  lastRequest(): void;
  /** A streamed answer has ended, and others may have been written behind it. */
  streamEnded(): void;
  /** An answer broke off; its end can be seen by the peer only if the connection closes, or is reset, without a further byte. */
  brokenOff(reset: boolean): void;
}

/** The answers of a connection, written in the order of their requests whichever is ready first. */
export class AnswerQueue {
  readonly #context: ConnectionContext;
  readonly #writer: SocketWriter;
  readonly #owner: AnswerQueueOwner;
  /** What is to be written, in order: exchanges, and interim answers between them. */
  readonly #turns: (Exchange | Uint8Array)[] = [];
  #heldBytes = 0;
  #closed = false;

  constructor(context: ConnectionContext, writer: SocketWriter, owner: AnswerQueueOwner) {
    this.#context = context;
    this.#writer = writer;
    this.#owner = owner;
  }

  /** Whether nothing can be answered any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What waits to be written or is being written. */
  get length(): number {
    return this.#turns.length;
  }

  /** Bodies of the requests and answers that wait. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Gives the exchange its place in the order, if it has none yet, and counts what it holds. */
  wait(exchange: Exchange): void {
    if (this.#turns.includes(exchange)) return;
    this.#turns.push(exchange);
    this.hold(exchange, exchange.body.length);
  }

  /** Says how many bytes a waiting exchange keeps in memory. */
  hold(exchange: Exchange, bytes: number): void {
    this.#heldBytes += bytes - exchange.heldBytes;
    exchange.heldBytes = bytes;
  }

  /** Sends an interim answer in its turn. */
  interim(bytes: Uint8Array): void {
    if (this.#turns.length === 0) this.#writer.out.push(bytes);
    else this.#turns.push(bytes);
  }

  /** The answer is there: it is written now or once those before it are. */
  answer(exchange: Exchange, answer: HttpResponse): void {
    if (this.#closed) {
      this.discard(answer);
      return;
    }
    const { body } = answer;
    const length = body instanceof Uint8Array ? body.length : -1;
    if (length >= 0 && this.#turns.length === 0) {
      this.#write(exchange, answer, length);
      return;
    }
    this.wait(exchange);
    exchange.answer = answer;
    this.hold(exchange, exchange.body.length + Math.max(length, 0));
    this.#release();
  }

  /** Lets go of an answer that nobody will see. */
  discard(answer: HttpResponse): void {
    const { body } = answer;
    if (!(body instanceof Uint8Array)) discardBody(body, this.#context);
  }

  /** The peer will see nothing more: tells every exchange and drops every answer. */
  close(): void {
    this.#closed = true;
    for (const turn of this.#turns.splice(0)) {
      if (!(turn instanceof Exchange)) continue;
      turn.abort();
      if (turn.pump !== undefined) turn.pump.cancel();
      else if (turn.answer !== undefined) this.discard(turn.answer);
    }
    this.#heldBytes = 0;
  }

  /** Writes the answers whose turn it is. */
  #release(): void {
    const turns = this.#turns;
    while (turns.length > 0) {
      const turn = turns[0]!;
      if (turn instanceof Exchange) {
        const { answer, pump } = turn;
        if (answer === undefined || pump !== undefined) return;
        const { body } = answer;
        this.hold(turn, 0);
        if (!(body instanceof Uint8Array)) {
          if (this.#begin(turn, answer, body)) return;
        } else {
          turns.shift();
          this.#write(turn, answer, body.length);
        }
      } else {
        turns.shift();
        this.#writer.out.push(turn);
      }
    }
  }

  #write(exchange: Exchange, answer: HttpResponse, length: number): void {
    if (this.#turns.length === 0 && this.#owner.concludes()) exchange.keepAlive = false;
    this.#append(exchange, answer, this.#writer.out);
    if (length >= FLUSHED_BYTES) this.#writer.flush();
  }

  /** Appends the bytes of an answer to `out`; false when it was replaced by a 500. */
  #append({ head, method, keepAlive }: Exchange, answer: HttpResponse, out: Uint8Array[]): boolean {
    const framing = { minorVersion: head.minorVersion, headOnly: method === "HEAD", close: !keepAlive };
    const sent = responseWriter.write(answer, framing, out);
    if (!sent) this.#context.report("invalid_answer", method);
    return sent;
  }

  /** Starts a streamed answer, whose turn it stays until its body has ended; false when there is no body to follow. */
  #begin(exchange: Exchange, answer: HttpResponse, body: AsyncIterable<Uint8Array>): boolean {
    const chunked = exchange.head.minorVersion === 1;
    const bodied = hasBody(answer.status, exchange.method === "HEAD");
    if (this.#turns.length === 1 && this.#owner.concludes()) exchange.keepAlive = false;
    if (bodied && !chunked) {
      exchange.keepAlive = false;
      this.#owner.lastRequest();
    }
    const head: Uint8Array[] = [];
    if (!this.#append(exchange, answer, head) || !bodied) {
      this.#writer.out.push(...head);
      discardBody(body, this.#context);
      this.#leave(exchange);
      return false;
    }
    const sink = new StreamedBody(this.#writer, head, chunked, {
      ended: () => {
        this.#leave(exchange);
        this.#release();
        if (this.#turns.length === 0) this.#owner.concludes();
        this.#owner.streamEnded();
      },
      broken: (reason) => {
        this.#context.report("handler_fault", reason);
        this.#leave(exchange);
        this.#owner.brokenOff(!chunked);
      },
    });
    exchange.pump = new BodyPump(body, sink, this.#context);
    void exchange.pump.run();
    return true;
  }

  /** Ends the turn of a streamed answer; what waits behind the connection's last will never be seen. */
  #leave(exchange: Exchange): void {
    this.#turns.shift();
    if (!exchange.keepAlive) this.close();
  }
}
