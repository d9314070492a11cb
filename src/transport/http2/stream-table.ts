import { ServingError } from "../../base/serving-error.ts";
import type { Peer } from "../access-gate.ts";
import { type BufferBudget, SMALL_BODY_BYTES } from "../buffer-budget.ts";
import type { ConnectionContext } from "../connection.ts";
import { openGrpcCall } from "../grpc/open-call.ts";
import type { AbuseBudget } from "./abuse-budget.ts";
import { ClosedStreams } from "./closed-streams.ts";
import { connectionFault, ERROR_CODE, type Fault, streamFault } from "./error-code.ts";
import { MAX_WINDOW, ReceiveWindow } from "./flow-control.ts";
import { FRAME_TYPE } from "./frame.ts";
import type { FrameParser } from "./frame-parser.ts";
import { HeadReader } from "./head-reader.ts";
import { openHttpCall } from "./http-call.ts";
import type { Outbound } from "./outbound.ts";
import { type RequestHead, trailersFault } from "./request-head.ts";
import { Stream, type StreamConsumer } from "./stream.ts";
import type { StreamHost } from "./stream-host.ts";

/** How much more than one whole body the windows let a peer send, so that a body over the limit is seen and answered. */
const WINDOW_SLACK = 64 * 1024;
/** Answers that may wait for a peer who asks for more when no memory is left. */
const UNREAD_BYTES = 64 * 1024;
/** Bodies of unanswered requests kept at once for one connection, in units of the largest body. */
const HELD_BODIES = 4;

/** Size of our receive windows for bodies of up to `maxBodyBytes`; never below the protocol's default. */
export function receiveWindowSize(maxBodyBytes: number): number {
  return Math.min(MAX_WINDOW, maxBodyBytes + WINDOW_SLACK);
}

/**
 * The streams of one connection: opens them, hands their frames to their consumers, and ends them. Each frame's method reads the
 * parser's fields and returns the peer's fault, if any; the connection acts on it.
 */
export class StreamTable implements StreamHost {
  readonly context: ConnectionContext;
  readonly peer: Peer;
  readonly outbound: Outbound;
  /** When this turn's input arrived. */
  now = 0;
  /** Highest stream number the peer has used. */
  lastStreamId = 0;
  /** Streams above this number are ignored. */
  finalStreamId = MAX_WINDOW;
  /** Whether the peer has acknowledged our SETTINGS, and so knows how many streams it may open. */
  limitKnown = false;
  readonly #budget: AbuseBudget;
  readonly #heads: HeadReader;
  readonly #streams = new Map<number, Stream>();
  readonly #closed: ClosedStreams;
  readonly #windowSize: number;
  readonly #buffers: BufferBudget;
  #heldBytes = 0;
  /** How many look into the bytes of the read at hand, and which read that is. */
  #inputViews = 0;
  #reads = 0;
  #opened: Stream[] = [];
  #answeredEarly: Stream[] = [];

  constructor(context: ConnectionContext, peer: Peer, outbound: Outbound, budget: AbuseBudget, buffers: BufferBudget) {
    this.peer = peer;
    const { limits } = context;
    this.context = context;
    this.outbound = outbound;
    this.#budget = budget;
    this.#buffers = buffers;
    this.#heads = new HeadReader({ maxBytes: limits.maxHeaderBytes, maxCount: limits.maxHeaderCount });
    this.#closed = new ClosedStreams(limits.maxConcurrentStreams);
    this.#windowSize = receiveWindowSize(limits.maxBodyBytes);
  }

  /** Whether anybody looks into the bytes of the read at hand. */
  get inputKept(): boolean {
    return this.#inputViews > 0;
  }

  beginRead(): void {
    this.#reads++;
    this.#inputViews = 0;
  }

  keepInput(): number {
    this.#inputViews++;
    return this.#reads;
  }

  letInputGo(kept: number): void {
    if (kept === this.#reads) this.#inputViews--;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Bodies of unanswered requests that are kept. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  values(): Iterable<Stream> {
    return this.#streams.values();
  }

  reset(stream: Stream, code: number): void {
    if (stream.state === "closed") return;
    this.outbound.drop(stream, new ServingError("cancelled", "the call was reset"));
    this.outbound.number(FRAME_TYPE.reset, stream.id, code);
    if (stream.remoteOpen) this.#closed.addResetByUs(stream.id);
    stream.move("reset");
    this.#forget(stream);
  }

  consumed(stream: Stream, bytes: number): void {
    if (stream.state === "closed") return;
    stream.heldBytes -= bytes;
    this.#heldBytes -= bytes;
    const increment = stream.receiveWindow.release(bytes);
    if (increment > 0 && stream.remoteOpen) this.outbound.number(FRAME_TYPE.windowUpdate, stream.id, increment);
  }

  /** Our side of a stream has ended. */
  localEnded(stream: Stream): void {
    if (stream.state === "closed") this.#forget(stream);
    else this.#answeredEarly.push(stream);
  }

  /** Whether the stream number has never been used by the peer. */
  isIdle(streamId: number): boolean {
    return streamId > this.lastStreamId || streamId % 2 === 0;
  }

  /** A run of DATA that the connection's window has been charged for. */
  onData(parser: FrameParser): Fault | undefined {
    const { streamId, start, end, frameLength, endStream } = parser;
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#lateFault(streamId, "DATA");
    if (!stream.remoteOpen) return streamFault(ERROR_CODE.streamClosed, "DATA after the end of the stream");
    if (frameLength > 0 && !stream.receiveWindow.receive(frameLength)) {
      return streamFault(ERROR_CODE.flowControlError, "DATA beyond the stream's window");
    }
    const length = end - start;
    stream.receivedBytes += length;
    if (stream.contentLength >= 0 && stream.receivedBytes > stream.contentLength) return contentLengthFault();
    if (length > 0 && stream.localOpen) {
      stream.heldBytes += length;
      this.#heldBytes += length;
      if (this.#heldBytes > HELD_BODIES * this.context.limits.maxBodyBytes + WINDOW_SLACK) {
        return streamFault(ERROR_CODE.enhanceYourCalm, "the connection's unanswered requests are too large together");
      }
      if (this.#buffers.exhausted && stream.receivedBytes > SMALL_BODY_BYTES) stream.consumer?.overloaded();
      else stream.consumer?.received(parser.bytes, start, end);
    }
    return endStream ? this.#remoteEnd(stream) : undefined;
  }

  onHeaders(parser: FrameParser): Fault | undefined {
    const { streamId, bytes, start, end } = parser;
    if (streamId % 2 === 0) return connectionFault(ERROR_CODE.protocolError, "HEADERS on a stream of the server's");
    if (streamId > this.lastStreamId) return this.#open(parser);
    const stream = this.#streams.get(streamId);
    const trailers = this.#heads.readFields(bytes, start, end);
    if ("scope" in trailers) return trailers;
    if (stream === undefined) return this.#lateFault(streamId, "HEADERS");
    if (!stream.remoteOpen) return streamFault(ERROR_CODE.streamClosed, "HEADERS after the end of the stream");
    if (!parser.endStream) return streamFault(ERROR_CODE.protocolError, "trailers do not end the stream");
    const reason = parser.selfDependent ? "a stream depends on itself" : trailersFault(trailers);
    if (reason !== undefined) return streamFault(ERROR_CODE.protocolError, reason);
    return this.#remoteEnd(stream);
  }

  onReset({ streamId }: FrameParser): Fault | undefined {
    if (this.isIdle(streamId)) return connectionFault(ERROR_CODE.protocolError, "RST_STREAM on an idle stream");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#budget.chargeControl(this.now);
    const reason = new ServingError("cancelled", "the client cancelled the request");
    this.outbound.drop(stream, reason);
    stream.move("reset");
    this.#forget(stream);
    stream.consumer?.aborted(reason);
    return this.#budget.chargeReset(this.now);
  }

  /** WINDOW_UPDATE on a stream. */
  onWindowUpdate({ streamId, value }: FrameParser): Fault | undefined {
    if (this.isIdle(streamId)) return connectionFault(ERROR_CODE.protocolError, "WINDOW_UPDATE on an idle stream");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return undefined;
    if (value === 0) return streamFault(ERROR_CODE.protocolError, "WINDOW_UPDATE of 0");
    return this.outbound.widenStream(stream, value)
      ? undefined
      : streamFault(ERROR_CODE.flowControlError, "WINDOW_UPDATE makes the stream's window overflow");
  }

  /**
   * Resets the stream at fault; returns a fault of the connection when that is not enough. Resets that a peer provokes cost the
   * server what the peer's own do, and are counted with them.
   */
  resetFaulty(streamId: number, fault: Fault): Fault | undefined {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      this.reset(stream, fault.code);
      stream.consumer?.aborted(new ServingError("cancelled", "the client broke the protocol"));
    } else if (this.isIdle(streamId)) {
      return connectionFault(fault.code, fault.message);
    }
    return this.#budget.chargeReset(this.now);
  }

  /** Whether {@link endTurn} has something to do. */
  get turnPending(): boolean {
    return this.#opened.length > 0 || this.#answeredEarly.length > 0;
  }

  /** Does what is due once all input of a turn is seen. */
  endTurn(): void {
    if (this.#answeredEarly.length > 0) {
      // The answer is whole and the request is not: the rest of it is not wanted (RFC 9113 section 8.1).
      const answered = this.#answeredEarly;
      this.#answeredEarly = [];
      for (const stream of answered) if (stream.state === "half-closed-local") this.reset(stream, ERROR_CODE.noError);
    }
    if (this.#opened.length > 0) {
      const opened = this.#opened;
      this.#opened = [];
      for (const stream of opened) if (stream.awaitingBody) stream.consumer?.turnEnded();
    }
  }

  /** Ends what has taken too long. */
  sweep(now: number): void {
    const { limits } = this.context;
    for (const stream of this.#streams.values()) {
      if (stream.remoteOpen) stream.consumer?.compact();
      if (stream.awaitingBody && now - stream.openedAt >= limits.requestTimeoutMs) {
        stream.awaitingBody = false;
        stream.consumer?.overdue();
      }
      if (stream.queue !== undefined && now - stream.queue.progressAt >= limits.writeTimeoutMs) {
        this.context.report("write_timeout");
        this.reset(stream, ERROR_CODE.cancel);
        stream.consumer?.aborted(new ServingError("cancelled", "the client did not take in the answer in time"));
      }
    }
  }

  /** The connection is gone: tells every consumer. */
  abortAll(reason: ServingError): void {
    for (const stream of this.#streams.values()) {
      this.outbound.drop(stream, reason);
      stream.move("reset");
      stream.consumer?.aborted(reason);
    }
    this.#streams.clear();
    this.#heldBytes = 0;
  }

  #open(parser: FrameParser): Fault | undefined {
    const { streamId, bytes, start, end, endStream, selfDependent } = parser;
    const { limits } = this.context;
    this.lastStreamId = streamId;
    const head = this.#heads.readHead(bytes, start, end);
    if (typeof head === "object" && "scope" in head) return head;
    if (streamId > this.finalStreamId) return undefined;
    const contentLength = typeof head === "string" ? -1 : head.contentLength;
    const window = new ReceiveWindow(this.#windowSize);
    const stream = new Stream(streamId, this.outbound.peer.initialWindowSize, window, contentLength, this.now);
    const unread = this.#buffers.exhausted ? UNREAD_BYTES : limits.maxBodyBytes;
    if (this.#streams.size >= limits.maxConcurrentStreams || this.outbound.queuedBytes > unread) {
      return this.#refuse(stream);
    }
    this.#streams.set(streamId, stream);
    if (typeof head === "string") return streamFault(ERROR_CODE.protocolError, head);
    if (selfDependent) return streamFault(ERROR_CODE.protocolError, "a stream depends on itself");
    stream.consumer = this.#consumerOf(stream, head);
    if (endStream) return this.#remoteEnd(stream);
    if (stream.localOpen) {
      stream.awaitingBody = true;
      this.#opened.push(stream);
    }
    return undefined;
  }

  #consumerOf(stream: Stream, head: RequestHead): StreamConsumer {
    const grpc = head.contentType?.startsWith("application/grpc") === true;
    return grpc ? openGrpcCall(this, stream, head) : openHttpCall(this, stream, head);
  }

  /** Tells the client to try again; one that ignores the announced number of streams pays for it. */
  #refuse(stream: Stream): Fault | undefined {
    this.reset(stream, ERROR_CODE.refusedStream);
    return this.limitKnown ? this.#budget.chargeReset(this.now) : undefined;
  }

  #remoteEnd(stream: Stream): Fault | undefined {
    if (stream.contentLength >= 0 && stream.receivedBytes !== stream.contentLength) return contentLengthFault();
    stream.awaitingBody = false;
    if (stream.move("remote-end") === "closed") this.#forget(stream);
    else stream.consumer?.remoteEnded();
    return undefined;
  }

  /** What DATA or HEADERS on a stream that does not exist cost. */
  #lateFault(streamId: number, frame: "DATA" | "HEADERS"): Fault | undefined {
    if (this.isIdle(streamId)) return connectionFault(ERROR_CODE.protocolError, `${frame} on an idle stream`);
    if (this.#closed.wasResetByUs(streamId) || streamId > this.finalStreamId) return undefined;
    return this.#closed.hasEnded(streamId) || frame === "DATA"
      ? connectionFault(ERROR_CODE.streamClosed, `${frame} on a closed stream`)
      : connectionFault(ERROR_CODE.protocolError, `${frame} on a stream number that was passed over`);
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream.id);
    this.#heldBytes -= stream.heldBytes;
    stream.heldBytes = 0;
    this.#closed.addEnded(stream.id);
    this.outbound.wake();
  }
}

function contentLengthFault(): Fault {
  return streamFault(ERROR_CODE.protocolError, "the body's length is not what content-length says");
}
