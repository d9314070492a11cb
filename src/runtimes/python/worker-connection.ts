import { connect, type Socket } from "node:net";
import { abortError, throwIfAborted } from "../../base/abort.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { type Deferred, deferred } from "../../base/deferred.ts";
import { ServingError } from "../../base/serving-error.ts";
import { STATUS_CODES } from "../../base/status-code.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";
import { decodeAnswer, payloadBytes } from "./decode-answer.ts";
import { copyParts, type EncodedRequest, requestFrame } from "./encode-request.ts";
import { FrameReader } from "./frame-reader.ts";
import { ANSWER, aligned, BUFFER, CANCEL, FAULT, type FrameHeader, INLINE, plainFrame, READY } from "./frames.ts";
import { putBytes, type SharedBuffer, SharedBuffers, takeBytes } from "./shared-buffers.ts";

/** Shorter frames are put together in one piece: a copy costs less than a second piece. */
const JOINED_BYTES = 64 * 1024;
/** Between two tries to reach a worker that is not there. */
const RETRY_MS = 20;
/** Of a table besides the payload. */
const MOST_TABLE_BYTES = 16 * 1024 * 1024;

/** How a connection behaves. */
export interface ConnectionLimits {
  /** Longest a request may take. */
  readonly timeoutMs: number;
  /** Most bytes of an answer's tensors. */
  readonly mostAnswerBytes: number;
  /** Payloads of so many bytes and more go through shared memory, where there is some. */
  readonly sharedFromBytes: number;
}

/** One request to a worker. */
export interface WorkerCall {
  /** The place of the signature. */
  readonly signature: number;
  readonly request: EncodedRequest;
  readonly signal: AbortSignal | undefined;
  /** Called once: when the worker is done with the request, or is gone. That may be long after the caller has given up. */
  readonly done: () => void;
}

interface Pending extends Deferred<NamedTensors> {
  readonly since: number;
  readonly call: WorkerCall;
  readonly sent: SharedBuffer | undefined;
  readonly reply: SharedBuffer | undefined;
  readonly onAbort: (() => void) | undefined;
  /** Nobody waits for the answer any more. */
  abandoned: boolean;
}

/**
 * A serving thread's socket to one worker, with many requests on their way. When the worker ends, whatever was asked of it is answered at once,
 * with UNAVAILABLE, and the connection is made anew as soon as another worker listens there.
 */
export class WorkerConnection {
  readonly #path: string;
  readonly #limits: ConnectionLimits;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  /** Bytes that answers of a signature have had at most. */
  readonly #answerBytes = new Map<number, number>();
  #socket: Socket | undefined;
  #buffers: SharedBuffers | undefined;
  /** Settles once the first try to connect is over. */
  readonly #first = deferred<void>();
  #number = 0;
  #closed = false;
  #retry: Timer | undefined;
  #sweep: Timer | undefined;

  constructor(path: string, limits: ConnectionLimits, clock: Clock) {
    this.#path = path;
    this.#limits = limits;
    this.#clock = clock;
    this.#connect();
  }

  /** Whether there is a worker at the other end. */
  get usable(): boolean {
    return this.#socket !== undefined;
  }

  /** Requests that the worker has not answered, abandoned ones too. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Resolves once it is known whether there is a worker. */
  get tried(): Promise<void> {
    return this.#first.promise;
  }

  /**
   * The worker's answer.
   * @throws ServingError, rejected: the worker's own; unavailable when it ends first; deadline-exceeded after the limit; the signal's reason.
   */
  async ask(call: WorkerCall): Promise<NamedTensors> {
    const socket = this.#socket;
    try {
      throwIfAborted(call.signal);
      if (socket === undefined) throw unreachable();
    } catch (reason) {
      call.done();
      throw reason;
    }
    this.#number = (this.#number + 1) % 2 ** 32;
    const number = this.#number;
    const { payloadBytes: size } = call.request;
    const { sharedFromBytes } = this.#limits;
    const sent = size < sharedFromBytes ? undefined : this.#put(call.request);
    const expected = this.#answerBytes.get(call.signature) ?? 0;
    const reply = expected < sharedFromBytes ? undefined : this.#buffers?.lend(expected);
    const onAbort = call.signal && (() => this.#abandon(number, abortError(call.signal!)));
    const pending: Pending = {
      ...deferred<NamedTensors>(),
      since: this.#clock.now(),
      call,
      sent,
      reply,
      onAbort,
      abandoned: false,
    };
    this.#pending.set(number, pending);
    if (onAbort !== undefined) call.signal!.addEventListener("abort", onAbort, { once: true });
    const address = { number, signature: call.signature, buffer: sent?.number ?? INLINE, reply: reply?.number ?? INLINE };
    send(socket!, requestFrame(call.request, address, JOINED_BYTES));
    this.#watch();
    return await pending.promise;
  }

  /** Ends the connection; whatever is on its way is answered with unavailable. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#sweep?.cancel();
    this.#socket?.destroy();
    this.#lost();
    this.#first.resolve();
  }

  #connect(): void {
    const socket = connect({ path: this.#path });
    // Whoever waits for an answer keeps the thread alive; a socket alone does not.
    socket.unref();
    const reader = new FrameReader(this.#limits.mostAnswerBytes + MOST_TABLE_BYTES, (header, body) =>
      this.#receive(header, body),
    );
    socket.on("connect", () => {
      if (this.#closed) return void socket.destroy();
      this.#buffers = new SharedBuffers({
        announce: (number, path) => socket.write(plainFrame(BUFFER, number, Buffer.from(path))),
      });
      this.#socket = socket;
      this.#first.resolve();
    });
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (reason) {
        socket.destroy(reason as Error);
      }
    });
    // What there is to know comes with the close.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (this.#socket === socket) this.#lost();
      this.#first.resolve();
      if (!this.#closed) this.#retry = this.#clock.after(RETRY_MS, () => this.#connect());
    });
  }

  #lost(): void {
    this.#socket = undefined;
    this.#buffers?.close();
    this.#buffers = undefined;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const each of pending) {
      this.#settle(each);
      each.reject(new ServingError("unavailable", "the Python worker ended while it was at the request, try again"));
    }
  }

  #receive(header: FrameHeader, body: Buffer): void {
    if (header.kind === READY) {
      this.#buffers?.answered(header.number, header.flag === 1);
      return;
    }
    const pending = this.#pending.get(header.number);
    if (pending === undefined) throw new ServingError("internal", "the Python worker has answered what it was not asked");
    this.#pending.delete(header.number);
    try {
      if (header.kind === ANSWER) pending.resolve(this.#outputs(header, body, pending));
      else if (header.kind === FAULT) pending.reject(faultOf(header.flag, body));
      else throw new ServingError("internal", "the Python worker's answer is malformed");
    } catch (reason) {
      pending.reject(ServingError.from(reason));
    } finally {
      this.#giveBack(pending);
      this.#settle(pending);
    }
  }

  #outputs({ buffer, tensors, tableBytes }: FrameHeader, body: Buffer, { abandoned, reply, call }: Pending): NamedTensors {
    if (abandoned) return new Map();
    const size = payloadBytes(body, tensors, tableBytes);
    if (size > (this.#answerBytes.get(call.signature) ?? 0)) this.#answerBytes.set(call.signature, size);
    if (buffer === INLINE) return decodeAnswer(body, tensors, tableBytes, body.subarray(aligned(tableBytes)));
    if (reply?.number !== buffer || size > reply.size)
      throw new ServingError("internal", "the Python worker's answer is malformed");
    return decodeAnswer(body, tensors, tableBytes, takeBytes(reply, size));
  }

  /** Copies a payload into shared memory; undefined where there is none. */
  #put(request: EncodedRequest): SharedBuffer | undefined {
    const buffer = this.#buffers?.lend(request.payloadBytes);
    if (buffer === undefined) return undefined;
    try {
      copyParts(request.parts, (piece, offset) => putBytes(buffer, piece, offset));
      return buffer;
    } catch {
      this.#buffers?.giveBack(buffer);
      return undefined;
    }
  }

  #abandon(number: number, reason: ServingError): void {
    const pending = this.#pending.get(number);
    if (pending === undefined || pending.abandoned) return;
    pending.abandoned = true;
    pending.reject(reason);
    this.#socket?.write(plainFrame(CANCEL, number));
  }

  #giveBack({ sent, reply }: Pending): void {
    if (sent !== undefined) this.#buffers?.giveBack(sent);
    if (reply !== undefined) this.#buffers?.giveBack(reply);
  }

  #settle({ call, onAbort }: Pending): void {
    if (onAbort !== undefined) call.signal!.removeEventListener("abort", onAbort);
    call.done();
  }

  /** One timer for all requests, which come in the order of their ends. */
  #watch(): void {
    if (this.#sweep !== undefined) return;
    const { timeoutMs } = this.#limits;
    this.#sweep = this.#clock.after(Math.min(1000, Math.max(10, timeoutMs / 20)), () => {
      this.#sweep = undefined;
      const overdue = this.#clock.now() - timeoutMs;
      for (const [number, { since }] of this.#pending) {
        if (since > overdue) break;
        this.#abandon(
          number,
          new ServingError("deadline-exceeded", `the Python worker has not answered within ${timeoutMs / 1000} seconds`),
        );
      }
      if (this.#pending.size > 0) this.#watch();
    });
  }
}

/** The error for a model none of whose workers is there. */
export function unreachable(): ServingError {
  return new ServingError("unavailable", "no Python worker of the model is there, one is being started; try again");
}

function send(socket: Socket, pieces: readonly Uint8Array[]): void {
  if (pieces.length === 1) {
    socket.write(pieces[0]!);
    return;
  }
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}

function faultOf(code: number, body: Buffer): ServingError {
  const known = STATUS_CODES[code];
  return new ServingError(known === undefined || known === "ok" ? "internal" : known, body.toString("utf8"));
}
