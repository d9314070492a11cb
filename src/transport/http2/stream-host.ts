import type { ConnectionContext } from "../connection.ts";
import type { Outbound } from "./outbound.ts";
import type { Stream } from "./stream.ts";

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
