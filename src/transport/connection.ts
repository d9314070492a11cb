import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { AccessGate } from "./access-gate.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import type { GrpcRouter } from "./grpc/method.ts";
import type { HttpHandler } from "./http-exchange.ts";
import type { TransportLimits } from "./limits.ts";
import type { PeerSocket } from "./peer-socket.ts";

/** What every connection of a listener shares. */
export interface ConnectionContext {
  readonly http: HttpHandler;
  readonly grpc: GrpcRouter;
  /** Asked of every request before it is served; undefined: all are. */
  readonly gate?: AccessGate;
  readonly limits: TransportLimits;
  readonly clock: Clock;
  /** What all connections together may keep; undefined: as much as each may by itself. */
  readonly buffers?: BufferBudget;
  /** Compress answers of HTTP requests that accept it. */
  readonly compressResponses: boolean;
  /**
   * Takes over a socket just accepted, unread, for faster service; undefined, and the socket untouched, when it cannot. `address`
   * is the peer's, where somebody wants to know it.
   */
  readonly adopt?: (socket: Socket, address?: string) => PeerSocket | undefined;
  /** Told of what a peer or a handler did wrong, for the log (debug level); never holds request data. */
  report(event: string, detail?: unknown): void;
}

/** One accepted socket with its protocol. Ends by itself when the socket does. */
export interface Connection {
  /** Takes no new requests, answers those in flight, then closes the socket (at once when idle). */
  drain(): void;
  /** Closes the socket now; requests in flight are aborted. */
  destroy(): void;
}

/** Starts a protocol on a socket. `first` are bytes that were already read; the socket has no other listeners. */
export type ConnectionFactory = (socket: PeerSocket, first: Buffer, context: ConnectionContext) => Connection;
