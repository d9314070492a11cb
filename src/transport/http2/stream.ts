import type { Deferred } from "../../base/deferred.ts";
import type { ServingError } from "../../base/serving-error.ts";
import type { ReceiveWindow } from "./flow-control.ts";
import type { HeaderFields } from "./hpack-encoder.ts";

/** Where a request's stream is (RFC 9113 section 5.1); a server's streams begin open. */
export type StreamState = "open" | "half-closed-remote" | "half-closed-local" | "closed";

/** What moves a stream on: either side's END_STREAM, or RST_STREAM from either. */
export type StreamMove = "remote-end" | "local-end" | "reset";

/** The state table; a missing entry is a move that must not happen. */
export const STREAM_MOVES: Readonly<Record<StreamState, Readonly<Partial<Record<StreamMove, StreamState>>>>> = {
  open: { "remote-end": "half-closed-remote", "local-end": "half-closed-local", reset: "closed" },
  "half-closed-remote": { "local-end": "closed", reset: "closed" },
  "half-closed-local": { "remote-end": "closed", reset: "closed" },
  closed: {},
};

/** Takes what arrives on a stream. Called by the connection, never after `aborted`, `remoteEnded` at most once. */
export interface StreamConsumer {
  /** Body bytes: a view that stays unchanged but keeps the socket's chunk alive. */
  received(bytes: Buffer, start: number, end: number): void;
  /** The peer has sent everything. */
  remoteEnded(): void;
  /** The stream is gone: reset, a lost connection or a fault of the peer's. Nothing can be answered any more. */
  aborted(reason: ServingError): void;
  /** The turn in which the stream was opened is over, and the peer has not sent everything. */
  turnEnded(): void;
  /** The body has not all come for a while: what is held of it must not keep more than itself in memory. */
  compact(): void;
  /** The body has not come within the request's time: answer or give up. */
  overdue(): void;
  /** There is no memory for the body: answer or give up. What arrives of it later is not kept. */
  overloaded(): void;
}

/** Body bytes waiting for the peer's windows. */
export interface QueuedBytes {
  readonly bytes: Uint8Array;
  /** Settled when the last byte is on its way, or the stream is gone. */
  readonly sent: Deferred<void> | undefined;
}

/** What is left to be sent on a stream, in order. */
export interface SendQueue {
  readonly chunks: QueuedBytes[];
  /** Bytes of the first chunk that were sent. */
  offset: number;
  /** Bytes left in all chunks. */
  bytes: number;
  /** Sent after the chunks; `end` alone ends the stream with the last DATA frame. */
  trailers: HeaderFields | undefined;
  end: boolean;
  /** When the peer last took something. */
  progressAt: number;
}

/** One request and its answer. Moves only by {@link move}. */
export class Stream {
  readonly id: number;
  state: StreamState = "open";
  /** What the peer lets us send on this stream. */
  sendWindow: number;
  readonly receiveWindow: ReceiveWindow;
  consumer: StreamConsumer | undefined;
  queue: SendQueue | undefined;
  /** Announced and counted body lengths; -1 when not announced. */
  readonly contentLength: number;
  receivedBytes = 0;
  /** Bytes charged to the connection's memory budget until the stream closes or its consumer gives them back. */
  heldBytes = 0;
  readonly openedAt: number;
  /** Whether a body is expected within the request's time. */
  awaitingBody = false;

  constructor(id: number, sendWindow: number, receiveWindow: ReceiveWindow, contentLength: number, openedAt: number) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.contentLength = contentLength;
    this.openedAt = openedAt;
  }

  /** Whether the peer may still send a body or trailers. */
  get remoteOpen(): boolean {
    return this.state === "open" || this.state === "half-closed-local";
  }

  /** Whether we may still send. */
  get localOpen(): boolean {
    return this.state === "open" || this.state === "half-closed-remote";
  }

  move(by: StreamMove): StreamState {
    const next = STREAM_MOVES[this.state][by];
    if (next === undefined) throw new Error(`stream ${this.id} cannot take ${by} when ${this.state}`);
    this.state = next;
    return next;
  }
}
