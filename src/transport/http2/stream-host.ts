import type { ConnectionContext } from "../connection.ts";
import type { Outbound } from "./outbound.ts";
import type { RequestHead } from "./request-head.ts";
import type { Stream, StreamConsumer } from "./stream.ts";

/** What a request's consumer may ask of the connection it came by. */
export interface StreamHost {
  readonly context: ConnectionContext;
  /** Answers are sent through this; only while the stream is open on our side. */
  readonly outbound: Outbound;
  /** Ends the stream with RST_STREAM and forgets what it had to send. */
  reset(stream: Stream, code: number): void;
  /** Gives back body bytes that are no longer kept in memory and lets the peer send as many more on the stream. */
  consumed(stream: Stream, bytes: number): void;
}

/** Makes the consumer of a new stream. It may answer at once. */
export type ConsumerFactory = (host: StreamHost, stream: Stream, head: RequestHead) => StreamConsumer;
