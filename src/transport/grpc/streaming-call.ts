import { ServingError } from "../../base/serving-error.ts";
import type { RequestHead } from "../http2/request-head.ts";
import type { Stream } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import { OK_TRAILERS, RESPONSE_HEAD } from "./grpc-status.ts";
import { MessageQueue } from "./message-queue.ts";
import { MESSAGE_PREFIX_BYTES, MessageReader } from "./message-reader.ts";
import type { StreamingMethod } from "./method.ts";
import { ServerCall } from "./server-call.ts";

/**
 * Any number of messages either way. The method starts with the head; the peer's window is given back as the method takes
 * messages, so that a slow method slows its client down. Answers are not compressed.
 */
export class StreamingCall extends ServerCall {
  readonly #reader: MessageReader;
  readonly #messages = new MessageQueue();
  #headSent = false;

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
      if (!this.end()) return;
      this.#sendHead();
      this.host.outbound.finish(this.stream, OK_TRAILERS.fields);
    } catch (reason) {
      this.failWith(reason);
    }
  }

  protected get answerBegun(): boolean {
    return this.#headSent;
  }

  received(bytes: Buffer, start: number, end: number): void {
    if (this.ended) return;
    this.#reader.push(bytes, start, end);
    try {
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) this.#messages.push(message);
    } catch (reason) {
      this.failWith(reason);
    }
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
      yield await this.inflate(message);
    }
  }

  #send(message: Uint8Array): Promise<void> {
    if (this.ended) return Promise.reject(this.reason ?? new ServingError("failed-precondition", `${this.path} has ended`));
    this.#sendHead();
    return this.host.outbound.message(this.stream, false, message);
  }

  #sendHead(): void {
    if (this.#headSent) return;
    this.#headSent = true;
    this.host.outbound.headers(this.stream, RESPONSE_HEAD, false);
  }
}
