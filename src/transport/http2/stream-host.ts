import type { Peer } from "../access-gate.ts";
import type { ConnectionContext } from "../connection.ts";
import type { Outbound } from "./outbound.ts";
import type { Stream } from "./stream.ts";

/** What a request's consumer may ask of the connection it came by. */
export interface StreamHost {
  readonly context: ConnectionContext;
  readonly peer: Peer;
  /** Answers are sent through this; only while the stream is open on our side. */
  readonly outbound: Outbound;
  /** Ends the stream with RST_STREAM and forgets what it had to send. */
  reset(stream: Stream, code: number): void;
  /**
   * Says that the caller looks into the bytes it was just given for longer than the call; they stay as they are. Returns what
   * {@link letInputGo} takes.
   */
  keepInput(): number;
  /** Says that the caller will not look there again, after all. */
  letInputGo(kept: number): void;
  /** Gives back body bytes that are no longer kept in memory and lets the peer send as many more on the stream. */
  consumed(stream: Stream, bytes: number): void;
}
