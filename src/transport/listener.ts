import { createServer, type Server, type Socket } from "node:net";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Connection, ConnectionContext, ConnectionFactory } from "./connection.ts";
import { type BoundEndpoint, type Endpoint, openEndpoint } from "./endpoint.ts";
import { sniffProtocol } from "./protocol-sniffer.ts";
import { type Swept, sweepOf } from "./sweep.ts";

export type { BoundEndpoint, Endpoint } from "./endpoint.ts";

/** What serves each protocol that the first bytes can announce. */
export interface ProtocolFactories {
  readonly http1: ConnectionFactory;
  readonly http2: ConnectionFactory;
}

/** A socket whose protocol is not known yet. */
class Newcomer implements Swept {
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #decided: (protocol: "http1" | "http2", first: Buffer) => void;
  readonly #onData = (bytes: Buffer): void => this.#take(bytes);
  readonly #onEnd = (): void => void this.#socket.destroy();
  readonly #onError = (reason: NodeJS.ErrnoException): void => this.#context.report("socket_error", reason.code);
  #first: Buffer | undefined = undefined;
  #since: number;

  constructor(socket: Socket, context: ConnectionContext, decided: (protocol: "http1" | "http2", first: Buffer) => void) {
    this.#socket = socket;
    this.#context = context;
    this.#decided = decided;
    this.#since = context.clock.now();
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    sweepOf(context.clock).add(this);
  }

  /** A peer that has sent nothing yet loses nothing by being closed. */
  drain(): void {
    if (this.#first === undefined) this.#socket.destroy();
  }

  sweep(now: number): void {
    const { keepAliveTimeoutMs, headersTimeoutMs } = this.#context.limits;
    if (now - this.#since >= (this.#first === undefined ? keepAliveTimeoutMs : headersTimeoutMs)) this.#socket.destroy();
  }

  leave(): void {
    sweepOf(this.#context.clock).delete(this);
  }

  #take(bytes: Buffer): void {
    if (this.#first === undefined) this.#since = this.#context.clock.now();
    const first = this.#first === undefined ? bytes : Buffer.concat([this.#first, bytes]);
    this.#first = first;
    const protocol = sniffProtocol(first);
    if (protocol === "undecided") return;
    if (protocol === "neither") {
      this.#context.report("connection_refused", "neither HTTP/1 nor HTTP/2");
      this.#socket.destroy();
      return;
    }
    this.leave();
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("error", this.#onError);
    this.#decided(protocol, first);
  }
}

/**
 * Accepts connections on one endpoint and hands each to the protocol that its first bytes announce. Owns the sockets: what
 * is still open at the end of {@link drain} is destroyed.
 */
export class Listener {
  readonly #context: ConnectionContext;
  readonly #factories: ProtocolFactories;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Newcomer | Connection>();
  readonly #closed: Deferred<void> = deferred<void>();
  #listening = false;
  #draining = false;

  constructor(context: ConnectionContext, factories: ProtocolFactories) {
    this.#context = context;
    this.#factories = factories;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Open connections. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Starts accepting; once in a listener's life. Rejects with a ServingError that names the port or the socket file. */
  async listen(endpoint: Endpoint): Promise<BoundEndpoint> {
    const bound = await openEndpoint(this.#server, endpoint);
    this.#listening = true;
    this.#server.on("error", (reason: NodeJS.ErrnoException) => this.#context.report("accept_error", reason.code));
    this.#server.on("close", () => this.#closed.resolve());
    return bound;
  }

  /**
   * Accepts no more, lets every connection answer what is in flight, and resolves when all are closed; those that are not
   * after `timeoutMs` are destroyed.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#stopAccepting();
    const timer = this.#context.clock.after(timeoutMs, () => this.#destroyAll());
    for (const connection of this.#connections.values()) connection.drain();
    await this.#closed.promise;
    timer.cancel();
  }

  /** Accepts no more, destroys every connection, and resolves when all are closed. */
  async close(): Promise<void> {
    this.#stopAccepting();
    this.#destroyAll();
    await this.#closed.promise;
  }

  #stopAccepting(): void {
    if (this.#draining) return;
    this.#draining = true;
    if (this.#listening) this.#server.close();
    else this.#closed.resolve();
  }

  #destroyAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#draining || this.#connections.size >= this.#context.limits.maxConnections) {
      this.#context.report("connection_refused", this.#draining ? "draining" : "too many connections");
      socket.on("error", () => undefined);
      socket.destroy();
      return;
    }
    const newcomer = new Newcomer(socket, this.#context, (protocol, first) => this.#start(socket, protocol, first));
    this.#connections.set(socket, newcomer);
    socket.on("close", () => {
      newcomer.leave();
      this.#connections.delete(socket);
    });
  }

  #start(socket: Socket, protocol: "http1" | "http2", first: Buffer): void {
    // An HTTP/1 peer may close its side and still await answers; an HTTP/2 peer that closes has left.
    socket.allowHalfOpen = protocol === "http1";
    const connection = this.#factories[protocol](socket, first, this.#context);
    this.#connections.set(socket, connection);
    if (this.#draining) connection.drain();
  }
}
