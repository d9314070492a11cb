import { largeBuffers } from "../../base/large-buffers.ts";
import { ServingError } from "../../base/serving-error.ts";
import { type ContentCoding, deflateMessage } from "../content-coding.ts";
import type { RequestHead } from "../http2/request-head.ts";
import type { Stream } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import { ownBytes } from "../own-bytes.ts";
import { grpcHeadOf } from "./grpc-head.ts";
import { checkedPrefix, type FramedMessage, MESSAGE_PREFIX_BYTES, MessageReader } from "./message-reader.ts";
import type { UnaryMethod } from "./method.ts";
import { ServerCall } from "./server-call.ts";

/** Smaller answers are not worth compressing. */
const COMPRESSED_BYTES = 1024;

/**
 * One message in, one out. Unless the method says otherwise, an answer is compressed only when the request's message was, in the
 * same coding, if the client takes it and it becomes smaller: every gRPC client says that it accepts gzip, few want to pay for it.
 */
export class UnaryCall extends ServerCall {
  readonly #method: UnaryMethod;
  readonly #acceptsCoding: boolean;
  #reader: MessageReader | undefined = undefined;
  #message: Uint8Array | undefined = undefined;
  #compressed = false;
  /** What the host said of the input that the message lies in; -1 when it lies elsewhere. */
  #inputKept = -1;

  constructor(host: StreamHost, stream: Stream, head: RequestHead, method: UnaryMethod) {
    super(host, stream, head);
    this.#method = method;
    this.#acceptsCoding = grpcHeadOf(head).acceptsCoding;
  }

  get messageCompressed(): boolean {
    return this.#compressed;
  }

  protected get answerBegun(): boolean {
    return false;
  }

  received(bytes: Buffer, start: number, end: number): void {
    if (this.ended) return;
    try {
      if (this.#reader === undefined) {
        if (this.#message === undefined && this.#wholeMessage(bytes, start, end)) return;
        this.#reader = new MessageReader(this.host.context.limits.maxBodyBytes);
      }
      this.#reader.push(bytes, start, end);
      for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
        if (message.bytes.buffer === bytes.buffer) this.#inputKept = this.host.keepInput();
        this.#take(message);
      }
    } catch (reason) {
      this.failWith(reason);
    }
  }

  compact(): void {
    if (this.#message !== undefined) this.#message = ownBytes(this.#message);
  }

  remoteEnded(): void {
    if (this.ended) return;
    if (this.#reader?.incomplete === true) {
      this.fail(new ServingError("internal", "the request ended inside a message"));
    } else if (this.#message === undefined) {
      this.fail(new ServingError("unimplemented", `${this.path} takes one message, got none`));
    } else if (!this.expired()) {
      if (this.#compressed) void this.#inflateAndRun(this.#message);
      else this.#run(this.#message);
    }
  }

  /** The usual case: the run holds exactly one message. */
  #wholeMessage(bytes: Buffer, start: number, end: number): boolean {
    if (end - start < MESSAGE_PREFIX_BYTES) return false;
    const { compressed, length } = checkedPrefix(bytes, start, this.host.context.limits.maxBodyBytes);
    if (end - start !== MESSAGE_PREFIX_BYTES + length) return false;
    this.#compressed = compressed;
    this.#message = bytes.subarray(start + MESSAGE_PREFIX_BYTES, end);
    this.#inputKept = this.host.keepInput();
    return true;
  }

  #take(message: FramedMessage): void {
    if (this.#message !== undefined) throw new ServingError("unimplemented", `${this.path} takes one message, got more`);
    this.#message = message.bytes;
    this.#compressed = message.compressed;
  }

  async #inflateAndRun(bytes: Uint8Array): Promise<void> {
    this.armDeadline();
    try {
      const message = await this.inflate({ compressed: true, bytes });
      if (!this.ended && !this.expired()) this.#run(message);
    } catch (reason) {
      this.failWith(reason);
    }
  }

  #run(message: Uint8Array): void {
    this.#reader = undefined;
    this.#message = undefined;
    let answer: Uint8Array | Promise<Uint8Array>;
    try {
      answer = this.#method.run(message, this);
    } catch (reason) {
      this.failWith(reason);
      return;
    }
    if (answer instanceof Uint8Array) {
      this.#letGo(message, answer);
      this.#answer(answer);
      return;
    }
    this.armDeadline();
    answer.then(
      (ready) => {
        this.#letGo(message, ready);
        this.#answer(ready);
      },
      (reason: unknown) => this.failWith(reason),
    );
  }

  /** Lets go of a message that was answered, unless the answer is a part of it. */
  #letGo(message: Uint8Array, answer: Uint8Array): void {
    if (answer.buffer === message.buffer) return;
    if (this.#inputKept >= 0) this.host.letInputGo(this.#inputKept);
    else largeBuffers.giveBack(message);
  }

  #answer(message: Uint8Array): void {
    if (this.ended) return;
    const coding = this.#codingFor(message);
    if (coding === undefined) this.#send(message);
    else void this.#answerCompressed(message, coding);
  }

  #codingFor(message: Uint8Array): ContentCoding | undefined {
    const wanted = this.answerCoding;
    if (wanted !== undefined) return wanted === "none" ? undefined : wanted;
    return this.#compressed && this.#acceptsCoding && message.length >= COMPRESSED_BYTES ? this.coding : undefined;
  }

  async #answerCompressed(message: Uint8Array, coding: ContentCoding): Promise<void> {
    this.armDeadline();
    try {
      const compressed = await deflateMessage(message, coding);
      if (compressed.length >= message.length) this.#send(message);
      else if (this.end()) this.host.outbound.unary(this.stream, this.responseHead(coding), true, compressed, this.okTrailers());
    } catch (reason) {
      this.failWith(reason);
    }
  }

  #send(message: Uint8Array): void {
    if (this.end()) this.host.outbound.unary(this.stream, this.responseHead(), false, message, this.okTrailers());
  }
}
