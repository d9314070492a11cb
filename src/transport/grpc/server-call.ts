import { ServingError } from "../../base/serving-error.ts";
import { BUDGET_SPENT } from "../buffer-budget.ts";
import { type ContentCoding, inflateMessage } from "../content-coding.ts";
import type { HeaderBlock } from "../http2/outbound.ts";
import { fieldValue, type RequestHead } from "../http2/request-head.ts";
import type { Stream, StreamConsumer } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import { type Deadlined, deadlinesOf } from "./deadlines.ts";
import { acceptedCodings, type GrpcHead, grpcHeadOf } from "./grpc-head.ts";
import { errorTrailers, okTrailers, responseHead, trailersOnly } from "./grpc-status.ts";
import type { FramedMessage } from "./message-reader.ts";
import { checkMetadata } from "./metadata.ts";
import type { GrpcCall } from "./method.ts";

/**
 * What unary and streaming calls share: metadata, deadline, cancellation and the status.
 *
 * A call ends once: answered, or gone. The signal is made when somebody asks, and the deadline watched when somebody waits.
 */
export abstract class ServerCall implements GrpcCall, StreamConsumer, Deadlined {
  readonly path: string;
  readonly hasDeadline: boolean;
  protected readonly host: StreamHost;
  protected readonly stream: Stream;
  protected readonly coding: ContentCoding | undefined;
  readonly #head: RequestHead;
  /** By the connection's clock; only with {@link hasDeadline}. */
  readonly deadline: number;
  /** Set once: why the call is over when it did not end well. */
  #reason: ServingError | undefined = undefined;
  #ended = false;
  #controller: AbortController | undefined = undefined;
  #watched = false;
  #headers: [name: string, value: string][] | undefined = undefined;
  #trailers: [name: string, value: string][] | undefined = undefined;
  #answerCoding: ContentCoding | "none" | undefined = undefined;

  constructor(host: StreamHost, stream: Stream, head: RequestHead) {
    const { timeoutMs, coding }: GrpcHead = grpcHeadOf(head);
    this.host = host;
    this.stream = stream;
    this.path = head.target;
    this.coding = coding;
    this.#head = head;
    this.hasDeadline = timeoutMs !== undefined;
    this.deadline = timeoutMs === undefined ? 0 : stream.openedAt + timeoutMs;
  }

  metadata(name: string): string | undefined {
    return fieldValue(this.#head, name);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
      else this.armDeadline();
    }
    return this.#controller.signal;
  }

  get remainingMs(): number | undefined {
    return this.hasDeadline ? Math.max(0, this.deadline - this.host.context.clock.now()) : undefined;
  }

  abstract readonly messageCompressed: boolean;

  addHeader(name: string, value: string): void {
    checkMetadata(name, value);
    if (this.answerBegun) throw new ServingError("internal", `the metadata "${name}" comes after the answer's head`);
    this.#headers ??= [];
    this.#headers.push([name, value]);
  }

  addTrailer(name: string, value: string): void {
    checkMetadata(name, value);
    this.#trailers ??= [];
    this.#trailers.push([name, value]);
  }

  compressAnswers(wanted: boolean): void {
    const [preferred] = acceptedCodings(this.#head);
    const own = grpcHeadOf(this.#head).acceptsCoding ? this.coding : undefined;
    this.#answerCoding = (wanted ? (own ?? preferred) : undefined) ?? "none";
  }

  abstract received(bytes: Buffer, start: number, end: number): void;
  abstract remoteEnded(): void;
  abstract compact(): void;

  turnEnded(): void {
    this.armDeadline();
  }

  overdue(): void {
    this.fail(new ServingError("deadline-exceeded", "the request did not arrive in time"));
  }

  overloaded(): void {
    this.fail(new ServingError("resource-exhausted", BUDGET_SPENT));
  }

  aborted(reason: ServingError): void {
    this.end(reason);
  }

  /** Whether the call has been answered or is gone. */
  protected get ended(): boolean {
    return this.#ended;
  }

  /** Why it ended, when not well. */
  protected get reason(): ServingError | undefined {
    return this.#reason;
  }

  /** Marks the end and stops what waits for it; false when the call had ended before. */
  protected end(reason?: ServingError): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#reason = reason;
    if (this.#watched) deadlinesOf(this.host.context.clock).delete(this);
    if (reason !== undefined) this.#controller?.abort(reason);
    return true;
  }

  /** Ends the call with an error status. */
  protected fail(error: ServingError): void {
    if (!this.end(error)) return;
    const { outbound } = this.host;
    if (!this.answerBegun && this.#headers === undefined) {
      outbound.headers(this.stream, trailersOnly(error, this.#trailers), true);
      return;
    }
    if (!this.answerBegun) outbound.headers(this.stream, this.responseHead(), false);
    outbound.finish(this.stream, errorTrailers(error, this.#trailers));
  }

  /** Ends the call with whatever a method threw. */
  protected failWith(reason: unknown): void {
    if (!(reason instanceof ServingError) && !this.#ended) this.host.context.report("handler_fault", reason);
    this.fail(ServingError.from(reason));
  }

  /** Whether a response head is out already. */
  protected abstract get answerBegun(): boolean;

  /** Fails the call when its time is up; whether that is so. */
  protected expired(): boolean {
    if (!this.hasDeadline || this.host.context.clock.now() < this.deadline) return false;
    this.fail(new ServingError("deadline-exceeded", "the call's deadline passed"));
    return true;
  }

  /** Sees to it that the deadline is answered although nothing else happens. */
  protected armDeadline(): void {
    if (!this.hasDeadline || this.#watched || this.#ended) return;
    this.#watched = true;
    deadlinesOf(this.host.context.clock).add(this);
  }

  expire(): void {
    this.expired();
  }

  /** How the method wants its answers compressed; undefined when it did not say. */
  protected get answerCoding(): ContentCoding | "none" | undefined {
    return this.#answerCoding;
  }

  /** The head of an answer that begins with messages, compressed in `coding` where they are. */
  protected responseHead(coding?: ContentCoding): HeaderBlock {
    return responseHead(coding, this.#headers);
  }

  /** The trailers of a call that went well. */
  protected okTrailers(): HeaderBlock {
    return okTrailers(this.#trailers);
  }

  /** The plain bytes of a message. */
  protected async inflate(message: FramedMessage): Promise<Uint8Array> {
    if (!message.compressed) return message.bytes;
    if (this.coding === undefined)
      throw new ServingError("internal", "a message is compressed but grpc-encoding does not say how");
    try {
      return await inflateMessage(message.bytes, this.coding, this.host.context.limits.maxBodyBytes);
    } catch (reason) {
      const error = ServingError.from(reason);
      throw error.code === "invalid-argument" ? new ServingError("internal", error.message, { cause: reason }) : error;
    }
  }
}
