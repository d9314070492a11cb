import type { Timer } from "../../base/clock.ts";
import { ServingError } from "../../base/serving-error.ts";
import { type ContentCoding, inflateMessage } from "../content-coding.ts";
import { fieldValue, type RequestHead } from "../http2/request-head.ts";
import type { Stream, StreamConsumer } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import { type GrpcHead, grpcHeadOf } from "./grpc-head.ts";
import { errorTrailers, trailersOnly } from "./grpc-status.ts";
import type { FramedMessage } from "./message-reader.ts";
import type { GrpcCall } from "./method.ts";

/** Longer delays do not fit a timer; nobody waits that long for an answer. */
const LONGEST_TIMER_MS = 0x7fffffff;

/**
 * What unary and streaming calls share: metadata, deadline, cancellation and the status.
 *
 * A call ends once: answered, or gone. Signal and timer are made only when somebody asks or waits.
 */
export abstract class ServerCall implements GrpcCall, StreamConsumer {
  readonly path: string;
  readonly hasDeadline: boolean;
  protected readonly host: StreamHost;
  protected readonly stream: Stream;
  protected readonly coding: ContentCoding | undefined;
  readonly #head: RequestHead;
  /** By the connection's clock; only with {@link hasDeadline}. */
  readonly #deadline: number;
  /** Set once: why the call is over when it did not end well. */
  #reason: ServingError | undefined = undefined;
  #ended = false;
  #controller: AbortController | undefined = undefined;
  #timer: Timer | undefined = undefined;

  constructor(host: StreamHost, stream: Stream, head: RequestHead) {
    const { timeoutMs, coding }: GrpcHead = grpcHeadOf(head);
    this.host = host;
    this.stream = stream;
    this.path = head.target;
    this.coding = coding;
    this.#head = head;
    this.hasDeadline = timeoutMs !== undefined;
    this.#deadline = timeoutMs === undefined ? 0 : stream.openedAt + timeoutMs;
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

  abstract received(bytes: Buffer, start: number, end: number): void;
  abstract remoteEnded(): void;

  turnEnded(): void {
    this.armDeadline();
  }

  overdue(): void {
    this.fail(new ServingError("deadline-exceeded", "the request did not arrive in time"));
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
    this.#timer?.cancel();
    if (reason !== undefined) this.#controller?.abort(reason);
    return true;
  }

  /** Ends the call with an error status. */
  protected fail(error: ServingError): void {
    if (!this.end(error)) return;
    if (this.answerBegun) this.host.outbound.finish(this.stream, errorTrailers(error));
    else this.host.outbound.headers(this.stream, trailersOnly(error), true);
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
    if (!this.hasDeadline || this.host.context.clock.now() < this.#deadline) return false;
    this.fail(new ServingError("deadline-exceeded", "the call's deadline passed"));
    return true;
  }

  /** Sees to it that the deadline is answered although nothing else happens. */
  protected armDeadline(): void {
    if (!this.hasDeadline || this.#timer !== undefined || this.#ended) return;
    const { clock } = this.host.context;
    const delay = Math.min(LONGEST_TIMER_MS, Math.max(0, this.#deadline - clock.now()));
    this.#timer = clock.after(delay, () => {
      this.#timer = undefined;
      if (!this.expired()) this.armDeadline();
    });
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
