// Above the usual length of a file: what a connection does next depends on all of its states, which are seen here together.
import { largeBuffers, SMALLEST_LARGE } from "../../base/large-buffers.ts";
import { ADMITTED, type Admission, type Peer, peerOf } from "../access-gate.ts";
import { BUDGET_SPENT, type BufferAccount, type BufferBudget, SMALL_BODY_BYTES, unboundedBuffers } from "../buffer-budget.ts";
import type { Connection, ConnectionContext, ConnectionFactory } from "../connection.ts";
import { bodyCoding, inflateRequestBody } from "../content-coding.ts";
import type { HttpResponse, WholeResponse } from "../http-exchange.ts";
import type { PeerSocket } from "../peer-socket.ts";
import { compressResponse, isCompressible } from "../response-compression.ts";
import { SocketWriter } from "../socket-writer.ts";
import { type Swept, sweepOf } from "../sweep.ts";
import { afterOthers } from "../turn-end.ts";
import { AnswerQueue, type AnswerQueueOwner } from "./answer-queue.ts";
import { Exchange } from "./exchange.ts";
import { faultAnswer } from "./fault-answer.ts";
import type { RequestHead } from "./head-parser.ts";
import { RequestFault } from "./request-fault.ts";
import { RequestReader } from "./request-reader.ts";
import { COPIED_BODY_BYTES } from "./response-writer.ts";

/**
 * What the connection does with its input: reads requests; drops it, because the last request has come (it said so, or was
 * refused); drops it, because our side is closed; has none, because the socket is. Only ever moves to the right.
 */
type Phase = "open" | "last" | "ended" | "gone";

/** Requests served in one go before other connections get a turn. */
const REQUESTS_A_TURN = 16;

/** How long a peer may be silent, or go on sending, after our side has closed: it could lose the last answer (RFC 9112, 9.6). */
const LINGER_MS = 1000;
const LONGEST_LINGER_MS = 30_000;
const NO_BYTES = Buffer.alloc(0);
const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");

/**
 * The server's side of one HTTP/1 connection. Over 350 lines, because whether it reads, waits, refuses, lingers or is closed is one
 * state and reads as one.
 */
class Http1Connection implements Connection, Swept, AnswerQueueOwner {
  readonly #socket: PeerSocket;
  readonly #context: ConnectionContext;
  readonly #reader: RequestReader;
  readonly #writer: SocketWriter;
  readonly #answers: AnswerQueue;
  readonly #buffers: BufferBudget;
  readonly #account: BufferAccount;
  readonly #peer: Peer;
  #phase: Phase = "open";
  /** When the request being received was first seen incomplete; -1 when there is none. */
  #started = -1;
  /** When the sweep first saw the connection without work, or last saw the peer send after our side had closed; -1 when neither. */
  #quietSince = -1;
  /** When the sweep first saw our side closed, and whether the peer has sent anything since its last look. */
  #endedSince = -1;
  #heard = false;
  #inflating = false;
  /** What the gate says of the request whose body is being read; undefined before it was asked. */
  #admission: Admission<WholeResponse> | undefined = undefined;
  /** Whether the gate has not answered yet: nothing is read meanwhile. */
  #asking = false;
  #yielded = false;
  #advancing = false;
  /** Whether the connection closes as soon as what has arrived is answered. */
  #draining = false;
  /** Whether a request that is not answered yet may look into what was received last. */
  #inputKept = false;
  #peerEnded = false;

  constructor(socket: PeerSocket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#reader = new RequestReader(context.limits);
    this.#writer = new SocketWriter(socket, () => this.#resume());
    this.#answers = new AnswerQueue(context, this.#writer, this);
    this.#buffers = context.buffers ?? unboundedBuffers();
    this.#account = this.#buffers.account();
    this.#peer = peerOf(socket, context.gate !== undefined);
    socket.on("data", (bytes: Buffer) => this.receive(bytes));
    socket.on("end", () => this.#onEnd());
    socket.on("error", (reason: NodeJS.ErrnoException) => this.#context.report("socket_error", reason.code));
    socket.on("close", () => this.#onClose());
    sweepOf(context.clock).add(this);
  }

  receive(bytes: Buffer): void {
    if (this.#phase !== "open") {
      this.#heard = true;
      return;
    }
    this.#quietSince = -1;
    this.#inputKept = false;
    this.#reader.push(bytes);
    this.#advance();
    if (!this.#inputKept && this.#reader.holdsNoInput) this.#socket.spare?.();
  }

  drain(): void {
    this.#draining = true;
    if (!this.#advancing) this.#settle();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sweep(now: number): void {
    const { limits } = this.#context;
    this.#noteHeld();
    if (this.#writer.stalled(now, limits.writeTimeoutMs)) {
      this.#context.report("write_timeout");
      this.#socket.destroy();
      return;
    }
    if (this.#phase === "ended") {
      this.#linger(now);
      return;
    }
    const quiet = this.#answers.length === 0 && this.#reader.atBoundary;
    if (!quiet) {
      this.#quietSince = -1;
      this.#reader.compact();
    } else if (this.#quietSince < 0) this.#quietSince = now;

    if (quiet) {
      if (now - this.#quietSince >= limits.keepAliveTimeoutMs) this.#closeIdle();
    } else if (this.#receiving()) {
      const limit = this.#reader.unfinished === "head" ? limits.headersTimeoutMs : limits.requestTimeoutMs;
      if (now - this.#started >= limit) this.#advance(new RequestFault(408, "the request did not arrive in time"));
    }
  }

  #linger(now: number): void {
    if (!this.#writer.empty) return;
    if (this.#endedSince < 0) this.#endedSince = now;
    if (this.#endedSince === now || this.#heard) this.#quietSince = now;
    this.#heard = false;
    const over = now - this.#quietSince >= LINGER_MS || now - this.#endedSince >= LONGEST_LINGER_MS;
    if (over) this.#socket.destroy();
  }

  concludes(): boolean {
    if (!this.#draining || this.#phase !== "open" || !this.#reader.atBoundary) return false;
    this.lastRequest();
    return true;
  }

  lastRequest(): void {
    this.#phase = "last";
    this.#started = -1;
    this.#reader.drop();
  }

  streamEnded(): void {
    this.#resume();
  }

  brokenOff(reset: boolean): void {
    this.lastRequest();
    this.#answers.close();
    if (reset) {
      this.#phase = "ended";
      resetSocket(this.#socket);
    } else {
      this.#closeIdle();
    }
  }

  #onEnd(): void {
    this.#peerEnded = true;
    this.#draining = true;
    if (this.#phase !== "ended") this.#advance();
  }

  #onClose(): void {
    this.#phase = "gone";
    sweepOf(this.#context.clock).delete(this);
    this.#answers.close();
    this.#reader.drop();
    this.#account.set(0);
  }

  /** Counts what is kept in memory. A socket below its high water is not looked at: it tells nobody when it has sent that. */
  #noteHeld(): void {
    const unsent = this.#writer.full ? this.#socket.writableLength : 0;
    this.#account.set(this.#reader.heldBytes + this.#answers.heldBytes + unsent);
  }

  /** Whether a part of a request is there and the rest is awaited from the peer. */
  #receiving(): boolean {
    return this.#started >= 0 && !(this.#reader.unfinished === "head" && this.#blocked());
  }

  /** Whether no further request may start for now. */
  #blocked(): boolean {
    const { limits } = this.#context;
    return (
      this.#inflating ||
      this.#asking ||
      this.#yielded ||
      this.#writer.full ||
      this.#answers.length >= limits.maxPipelined ||
      this.#answers.heldBytes > limits.maxBodyBytes ||
      (this.#buffers.exhausted && this.#answers.length > 0)
    );
  }

  /** Uses as much input as it can, or refuses it for `fault`, then writes what there is to write. */
  #advance(fault?: RequestFault): void {
    this.#advancing = true;
    try {
      if (fault !== undefined) throw fault;
      this.#serveAll();
      if (this.#peerEnded && this.#receiving()) throw new RequestFault(400, "the connection ended before the request did");
    } catch (reason) {
      if (!(reason instanceof RequestFault)) throw reason;
      this.#refuse(reason);
    } finally {
      this.#advancing = false;
    }
    this.#settle();
  }

  #serveAll(): void {
    const reader = this.#reader;
    for (let served = 1; this.#phase === "open"; served++) {
      if (this.#asking || (reader.unfinished !== "body" && this.#blocked())) return;
      const head = reader.next();
      if (head === undefined) break;
      this.#serve(head, reader.body);
      if (served === REQUESTS_A_TURN && !reader.atBoundary) this.#yield();
    }
    if (reader.unfinished === undefined) {
      this.#started = -1;
      return;
    }
    if (this.#started < 0) this.#started = this.#context.clock.now();
    if (reader.unfinished === "body") {
      if (!this.#admitted(reader.begun!)) return;
      this.#noteHeld();
      if (this.#buffers.exhausted) throw new RequestFault(503, BUDGET_SPENT);
    }
    if (reader.takeContinue()) this.#answers.interim(CONTINUE);
  }

  #serve(head: RequestHead, body: Uint8Array): void {
    this.#started = -1;
    const exchange = new Exchange(head, body);
    exchange.secure = this.#peer.secure;
    if (!head.keepAlive) this.lastRequest();
    const admission = this.#admission ?? this.#ask(head);
    this.#admission = undefined;
    if (admission instanceof Promise) {
      if (!this.#reader.gathered) this.#inputKept = true;
      this.#answers.wait(exchange);
      void this.#await(admission, (decided) => this.#admit(exchange, decided));
    } else {
      this.#admit(exchange, admission);
    }
  }

  #ask(head: RequestHead): Admission<WholeResponse> | Promise<Admission<WholeResponse>> {
    const { gate } = this.#context;
    if (gate === undefined) return ADMITTED;
    const { method, target } = head;
    return gate.http({ method, target, header: (name) => head.header(name), peer: this.#peer });
  }

  async #await(
    admission: Promise<Admission<WholeResponse>>,
    decided: (admission: Admission<WholeResponse>) => void,
  ): Promise<void> {
    this.#asking = true;
    const answer = await admission;
    this.#asking = false;
    if (this.#answers.closed) return;
    decided(answer);
    this.#resume();
  }

  /** Whether the body of the request may be read, as far as the gate has answered; it is asked when the head is there. */
  #admitted(head: RequestHead): boolean {
    if (this.#context.gate === undefined) return true;
    if (this.#admission === undefined) {
      const asked = this.#ask(head);
      if (asked instanceof Promise) {
        void this.#await(asked, (admission) => {
          // It may have been refused for another reason meanwhile.
          if (this.#reader.begun === head) this.#admission = admission;
        });
        return false;
      }
      this.#admission = asked;
    }
    if (this.#admission.refusal === undefined) return true;
    this.#turnAway(this.#admission.refusal);
    return false;
  }

  /** Serves a request that is all there, or gives it the gate's answer. */
  #admit(exchange: Exchange, admission: Admission<WholeResponse>): void {
    if (admission.refusal !== undefined) {
      this.#context.report("request_refused", admission.refusal.status);
      this.#answer(exchange, admission.refusal);
      return;
    }
    exchange.principal = admission.principal;
    const { head, body } = exchange;
    if (body.length > SMALL_BODY_BYTES && this.#buffers.exhausted) {
      this.#context.report("request_refused", 503);
      this.#answer(exchange, faultAnswer(503, BUDGET_SPENT));
      return;
    }
    if (head.hasContentEncoding && body.length > 0 && bodyCoding(head.header("content-encoding")) === "gzip") {
      this.#inputKept = true;
      this.#answers.wait(exchange);
      this.#inflating = true;
      void this.#inflate(exchange);
    } else {
      this.#handle(exchange);
    }
  }

  async #inflate(exchange: Exchange): Promise<void> {
    const { maxBodyBytes } = this.#context.limits;
    try {
      exchange.body = await inflateRequestBody(exchange.body, maxBodyBytes);
      this.#inflating = false;
      if (this.#answers.closed) return;
      this.#answers.hold(exchange, exchange.body.length);
      this.#handle(exchange);
    } catch {
      this.#inflating = false;
      if (this.#answers.closed) return;
      this.#context.report("request_refused", 413);
      exchange.keepAlive = false;
      this.lastRequest();
      this.#answer(exchange, faultAnswer(413, `the decompressed request body is larger than the limit of ${maxBodyBytes} bytes`));
    }
    this.#resume();
  }

  #handle(exchange: Exchange): void {
    let answer: HttpResponse | Promise<HttpResponse>;
    try {
      answer = this.#context.http(exchange);
    } catch (reason) {
      answer = this.#handlerFault(reason);
    }
    if (answer instanceof Promise) {
      if (!this.#reader.gathered) this.#inputKept = true;
      this.#answers.wait(exchange);
      answer.then(
        (ready) => this.#answered(exchange, ready),
        (reason: unknown) => this.#answered(exchange, this.#handlerFault(reason)),
      );
    } else {
      this.#answered(exchange, answer);
    }
  }

  /** Lets go of what was asked, now that it is answered. */
  #answered(exchange: Exchange, answer: HttpResponse): void {
    const { body } = answer;
    // What is short, is not to be compressed and waits for no other answer is copied before this returns.
    const atOnce = this.#answers.length === 0 && !exchange.head.hasAcceptEncoding;
    const copied = atOnce && body instanceof Uint8Array && body.length <= COPIED_BODY_BYTES;
    const large = exchange.body.length >= SMALLEST_LARGE / 2;
    if (large || !copied) {
      if (looksIntoRequest(answer, exchange)) this.#inputKept = true;
      else if (large) {
        largeBuffers.giveBack(exchange.body);
        exchange.body = NO_BYTES;
      }
    }
    this.#encode(exchange, answer);
  }

  #handlerFault(reason: unknown): HttpResponse {
    this.#context.report("handler_fault", reason);
    return faultAnswer(500, "internal error");
  }

  /** Compresses the answer if it is worth it, then hands it on. */
  #encode(exchange: Exchange, answer: HttpResponse): void {
    if (this.#answers.closed) {
      this.#answers.discard(answer);
      return;
    }
    const { head } = exchange;
    const compress = this.#context.compressResponses && head.hasAcceptEncoding;
    if (compress && isCompressible(answer, head.header("accept-encoding"))) {
      this.#answers.wait(exchange);
      compressResponse(answer).then(
        (compressed) => this.#answer(exchange, compressed),
        (reason: unknown) => this.#answer(exchange, this.#handlerFault(reason)),
      );
    } else {
      this.#answer(exchange, answer);
    }
  }

  /** Hands the answer on, then goes on with what waited for it. */
  #answer(exchange: Exchange, answer: HttpResponse): void {
    this.#answers.answer(exchange, answer);
    this.#resume();
  }

  #refuse(fault: RequestFault): void {
    this.#turnAway(faultAnswer(fault.status, fault.message));
  }

  /** Answers a request whose rest is not wanted; it is the connection's last. */
  #turnAway(answer: WholeResponse): void {
    this.#context.report("request_refused", answer.status);
    const exchange = new Exchange(this.#reader.faultyHead, NO_BYTES);
    exchange.keepAlive = false;
    this.lastRequest();
    this.#answer(exchange, answer);
  }

  /** Writes what is ready, closes when all is done, and reads on or stops reading as there is room. */
  #settle(): void {
    if (this.#phase === "gone") return;
    this.#writer.flush();
    this.#noteHeld();
    if (this.#phase === "ended") return;
    if (this.#answers.length === 0 && this.#phase === "last") {
      this.#phase = "ended";
      this.#socket.end();
      this.#socket.resume();
    } else if (this.#answers.length === 0 && this.#draining && this.#reader.atBoundary) {
      this.#closeIdle();
    } else {
      // Never in the middle of a body, unless nobody knows yet whether it is wanted: its time runs while the peer is not read.
      const reading = this.#reader.unfinished === "body" && !this.#asking;
      const pause = this.#phase === "open" && !reading && this.#blocked();
      if (pause === this.#socket.isPaused()) return;
      if (pause) this.#socket.pause();
      else this.#socket.resume();
    }
  }

  /** Closes once everything flushed is written. Whatever else the peer sends makes it lose that: for when there is no answer to lose. */
  #closeIdle(): void {
    this.#phase = "ended";
    this.#socket.destroySoon();
  }

  /** Goes on where {@link #blocked} had stopped it. */
  #resume(): void {
    if (!this.#advancing && this.#phase !== "gone") this.#advance();
  }

  #yield(): void {
    this.#yielded = true;
    afterOthers(() => {
      this.#yielded = false;
      this.#resume();
    });
  }
}

/** Whether an answer may still need its request: one that is made piece by piece, or is a part of it. */
function looksIntoRequest(answer: HttpResponse, { body, head }: Exchange): boolean {
  if (!(answer.body instanceof Uint8Array)) return true;
  const { buffer } = answer.body;
  return answer.body.length > 0 && (buffer === body.buffer || buffer === head.bytes.buffer);
}

/** Makes the peer see that the connection did not end well. */
function resetSocket(socket: PeerSocket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Only TCP can be reset.
    socket.destroy();
  }
}

/** Serves HTTP/1.0 and 1.1 on a socket made with `allowHalfOpen`; pipelined requests are answered in order. */
export const createHttp1Connection: ConnectionFactory = (socket, first, context) => {
  const connection = new Http1Connection(socket, context);
  if (first.length > 0) connection.receive(first);
  return connection;
};
