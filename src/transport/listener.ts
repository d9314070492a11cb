import { createServer, type Server, type Socket } from "node:net";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { Connection, ConnectionContext, ConnectionFactory } from "./connection.ts";
import { type BoundEndpoint, type Endpoint, openEndpoint } from "./endpoint.ts";
import { Newcomer } from "./newcomer.ts";
import type { PeerSocket } from "./peer-socket.ts";

export type { BoundEndpoint, Endpoint, EndpointUse } from "./endpoint.ts";

/** What serves each protocol that the first bytes can announce. */
export interface ProtocolFactories {
  readonly http1: ConnectionFactory;
  readonly http2: ConnectionFactory;
}

/** What a port takes instead of the plain protocols: connections that begin with a TLS handshake. */
export interface Security {
  /**
   * Takes over a socket whose first bytes were read. `secured` is called with the decrypted socket and what was agreed on for
   * it (undefined: its first bytes tell), or never when `socket` closes before that.
   */
  secure(socket: Socket, first: Buffer, context: ConnectionContext, secured: Secured): Connection;
  /** Turns away a peer that speaks without TLS. */
  refuse(socket: Socket, protocol: "http1" | "http2", context: ConnectionContext): Connection;
}

export type Secured = (socket: PeerSocket, protocol: "http1" | "http2" | undefined) => void;

const NO_BYTES = Buffer.alloc(0);

/**
 * Accepts connections on one endpoint and hands each to the protocol that its first bytes announce. Owns the sockets: what
 * is still open at the end of {@link drain} is destroyed.
 */
export class Listener {
  readonly #context: ConnectionContext;
  readonly #factories: ProtocolFactories;
  readonly #security: Security | undefined;
  readonly #server: Server;
  /** By the socket that was accepted, whatever stage its connection is in. */
  readonly #connections = new Map<PeerSocket, Connection>();
  readonly #closed: Deferred<void> = deferred<void>();
  #listening = false;
  #draining = false;

  /** With `security` every connection has to begin with TLS, without it none may. */
  constructor(context: ConnectionContext, factories: ProtocolFactories, security?: Security) {
    this.#context = context;
    this.#factories = factories;
    this.#security = security;
    const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: this.#adopts };
    this.#server = createServer(options, (socket) => this.#accept(socket));
  }

  /** Whether sockets may be served by something else than Node: TLS is Node's. */
  get #adopts(): boolean {
    return this.#security === undefined && this.#context.adopt !== undefined;
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
    this.#server.on("close", () => {
      this.#listening = false;
      this.#settleClosed();
    });
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
    this.#settleClosed();
  }

  /** Adopted sockets are none of the server's: it may be closed before they are. */
  #settleClosed(): void {
    if (this.#draining && !this.#listening && this.#connections.size === 0) this.#closed.resolve();
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
    if (this.#security === undefined) {
      const plain = this.#adopted(socket);
      this.#forgetClosed(plain);
      this.#greet(plain, plain);
    } else {
      this.#forgetClosed(socket);
      this.#greetSecurely(socket, this.#security);
    }
  }

  #adopted(socket: Socket): PeerSocket {
    if (!this.#adopts) return socket;
    const { adopt, gate } = this.#context;
    const adopted = adopt?.(socket, gate === undefined ? undefined : socket.remoteAddress);
    if (adopted === undefined) socket.resume();
    return adopted ?? socket;
  }

  #forgetClosed(socket: PeerSocket): void {
    socket.on("close", () => {
      this.#connections.delete(socket);
      this.#settleClosed();
    });
  }

  /** Waits for the first plain bytes: of the accepted socket, or of the one that TLS made of it. */
  #greet(accepted: PeerSocket, socket: PeerSocket): void {
    const newcomer = new Newcomer(socket, this.#context, (protocol, first) => {
      if (protocol !== "tls") {
        this.#start(accepted, socket, protocol, first);
        return;
      }
      this.#context.report("connection_refused", "TLS on a port without TLS");
      socket.on("error", () => undefined);
      socket.destroy();
    });
    this.#connections.set(accepted, newcomer);
    if (this.#draining) newcomer.drain();
  }

  #greetSecurely(socket: Socket, security: Security): void {
    const secured: Secured = (inner, agreed) => {
      if (agreed === undefined) this.#greet(socket, inner);
      else this.#start(socket, inner, agreed, NO_BYTES);
    };
    const newcomer = new Newcomer(socket, this.#context, (protocol, first) => {
      const stage =
        protocol === "tls"
          ? security.secure(socket, first, this.#context, secured)
          : security.refuse(socket, protocol, this.#context);
      this.#connections.set(socket, stage);
    });
    this.#connections.set(socket, newcomer);
  }

  #start(accepted: PeerSocket, socket: PeerSocket, protocol: "http1" | "http2", first: Buffer): void {
    // An HTTP/1 peer may close its side and still await answers; an HTTP/2 peer that closes has left.
    socket.allowHalfOpen = protocol === "http1";
    const connection = this.#factories[protocol](socket, first, this.#context);
    this.#connections.set(accepted, connection);
    if (this.#draining) connection.drain();
  }
}
