import { deferred } from "../../base/deferred.ts";
import { ServingError } from "../../base/serving-error.ts";
import { type ContentCoding, deflateMessage } from "../content-coding.ts";
import { PreparedHeaders } from "../http2/hpack-encoder.ts";
import type { RequestHead } from "../http2/request-head.ts";
import type { Stream } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import { MessageQueue } from "./message-queue.ts";
import { MESSAGE_PREFIX_BYTES, MessageReader } from "./message-reader.ts";
import type { StreamingMethod } from "./method.ts";
import { ServerCall } from "./server-call.ts";

/**
 * Any number of messages either way. The method starts with the head; the peer's window is given back as the method takes
 * messages, so that a slow method slows its client down. Answers are compressed only when the method says so.
 */
export class StreamingCall extends ServerCall {
  readonly #reader: MessageReader;
  readonly #messages = new MessageQueue();
  #headSent = false;
  /** The coding that the head announced. */
  #announced: ContentCoding | undefined = undefined;
  #compressed = false;
  /** Resolves when every answer so far is in the stream's queue; undefined while none had to be waited for. */
  #queued: Promise<void> | undefined = undefined;

  constructor(host: StreamHost, stream: Stream, head: RequestHead) {
    super(host, stream, head);
    this.#reader = new MessageReader(host.context.limits.maxBodyBytes);
  }

  /** Runs the method to its end. Never rejects. */
  async run(method: StreamingMethod): Promise<void> {
    if (this.ended || this.expired()) return;
    this.armDeadline();
    try {
      await method.run(this.#incoming(), (message) => this.#send(message), this);
      await this.#queued;
      if (!this.end()) return;
      this.#sendHead();
      const trailers = this.okTrailers();
      this.host.outbound.finish(this.stream, trailers instanceof PreparedHeaders ? trailers.fields : trailers);
    } catch (reason) {
      this.failWith(reason);
    }
  }

  get messageCompressed(): boolean {
    return this.#compressed;
  }

  protected get answerBegun(): boolean {
    return this.#headSent;
  }

  received(bytes: Buffer, start: number, end: number): void {
    if (this.ended) return;
    this.host.keepInput();
    this.#reader.push(bytes, start, end);
    try {
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) this.#messages.push(message);
    } catch (reason) {
      this.failWith(reason);
    }
  }

  compact(): void {
    this.#messages.compact();
  }

  remoteEnded(): void {
    if (this.ended) return;
    if (this.#reader.incomplete) this.fail(new ServingError("internal", "the request ended inside a message"));
    else this.#messages.close();
  }

  /** A stream may stay open and silent as long as it likes. */
  override overdue(): void {}

  protected override end(reason?: ServingError): boolean {
    if (!super.end(reason)) return false;
    if (reason === undefined) this.#messages.close();
    else this.#messages.fail(reason);
    return true;
  }

  async *#incoming(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let message = await this.#messages.take(); message !== undefined; message = await this.#messages.take()) {
      this.host.consumed(this.stream, MESSAGE_PREFIX_BYTES + message.bytes.length);
      const plain = await this.inflate(message);
      this.#compressed = message.compressed;
      yield plain;
    }
  }

  #send(message: Uint8Array): Promise<void> {
    if (this.ended) return Promise.reject(this.#endedError());
    this.#sendHead();
    const coding = this.answerCoding === this.#announced ? this.#announced : undefined;
    if (coding === undefined && this.#queued === undefined) return this.host.outbound.message(this.stream, false, message);
    const sent = this.#sendInTurn(message, coding);
    // As with any message: the caller may not wait for it.
    sent.catch(() => undefined);
    return sent;
  }

  /** Compressing takes a while: what is sent after waits for it. */
  async #sendInTurn(message: Uint8Array, coding: ContentCoding | undefined): Promise<void> {
    const before = this.#queued;
    const queued = deferred<void>();
    this.#queued = queued.promise;
    let sent: Promise<void>;
    try {
      const compressed = coding === undefined ? message : await deflateMessage(message, coding);
      await before;
      if (this.ended) throw this.#endedError();
      const smaller = compressed.length < message.length;
      sent = this.host.outbound.message(this.stream, smaller, smaller ? compressed : message);
    } finally {
      queued.resolve();
    }
    await sent;
  }

  #endedError(): ServingError {
    return this.reason ?? new ServingError("failed-precondition", `${this.path} has ended`);
  }

  #sendHead(): void {
    if (this.#headSent) return;
    this.#headSent = true;
    const wanted = this.answerCoding;
    this.#announced = wanted === "none" ? undefined : wanted;
    this.host.outbound.headers(this.stream, this.responseHead(this.#announced), false);
  }
}
