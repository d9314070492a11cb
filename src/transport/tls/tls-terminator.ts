import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Connection, ConnectionContext } from "../connection.ts";
import type { Secured, Security } from "../listener.ts";
import { PlainRefusal } from "./plain-refusal.ts";
import { TlsHandshake } from "./tls-handshake.ts";
import { secureContextOptions, type TlsMaterial } from "./tls-material.ts";

/** Protocols by their names in ALPN (RFC 7301), the preferred one first. */
const ALPN_PROTOCOLS: ReadonlyMap<string, "http1" | "http2"> = new Map([
  ["h2", "http2"],
  ["http/1.1", "http1"],
]);

/** A handshake that goes on, and whom to tell when it is done. */
interface Pending {
  readonly handshake: TlsHandshake;
  readonly secured: Secured;
}

/** The server's side of TLS on accepted sockets, with whatever certificate is in force when a handshake begins. */
export class TlsTerminator implements Security {
  readonly #failed: (reason: string) => void;
  /** By {@link endpointsOf}: Node tells of a finished handshake without the socket that it was begun on. */
  readonly #pending = new Map<string, Pending>();
  #server: Server;

  /** `failed` is told why a handshake did not succeed: a code of Node's or OpenSSL's, no data of the peer's. */
  constructor(material: TlsMaterial, failed: (reason: string) => void) {
    this.#failed = failed;
    this.#server = this.#serverOf(material);
  }

  /** Handshakes that begin from now on use this; connections and handshakes that are there stay as they are. */
  update(material: TlsMaterial): void {
    this.#server = this.#serverOf(material);
  }

  secure(socket: Socket, first: Buffer, context: ConnectionContext, secured: Secured): Connection {
    const handshake = new TlsHandshake(socket, context);
    const key = endpointsOf(socket);
    if (key === undefined) {
      socket.on("error", () => undefined);
      socket.destroy();
      return handshake;
    }
    const pending: Pending = { handshake, secured };
    this.#pending.set(key, pending);
    socket.on("close", () => {
      if (this.#pending.get(key) === pending) this.#pending.delete(key);
    });
    // The secured socket takes this over: a peer that closes its side in the middle of a handshake has left.
    socket.allowHalfOpen = false;
    // What was read goes back before the handshake takes over the reading.
    socket.pause();
    socket.unshift(first);
    this.#server.emit("connection", socket);
    return handshake;
  }

  refuse(socket: Socket, protocol: "http1" | "http2", context: ConnectionContext): Connection {
    context.report("connection_refused", "no TLS on a port with TLS");
    return new PlainRefusal(socket, protocol, context);
  }

  /** A server that never listens: it makes secured sockets of those it is handed. */
  #serverOf(material: TlsMaterial): Server {
    const server = createServer({
      ...secureContextOptions(material),
      ALPNProtocols: [...ALPN_PROTOCOLS.keys()],
      requestCert: material.clientCertificate !== "none",
      rejectUnauthorized: material.clientCertificate === "require",
    });
    server.on("secureConnection", (socket) => this.#finish(socket));
    server.on("tlsClientError", (reason: NodeJS.ErrnoException, socket) => {
      // Of two causes a certificate that was not accepted says more than the connection that ended for it.
      this.#failed(certificateFault(socket) ?? reason.code ?? "unknown");
    });
    return server;
  }

  #finish(socket: TLSSocket): void {
    const key = endpointsOf(socket);
    const pending = key === undefined ? undefined : this.#pending.get(key);
    if (key === undefined || pending === undefined) {
      socket.destroy();
      return;
    }
    this.#pending.delete(key);
    pending.handshake.end();
    const fault = socket.getPeerX509Certificate() === undefined ? undefined : certificateFault(socket);
    if (fault !== undefined) {
      this.#failed(fault);
      socket.destroy();
      return;
    }
    pending.secured(socket, ALPN_PROTOCOLS.get(socket.alpnProtocol || ""));
  }
}

/** Why a client's certificate was not accepted, as OpenSSL's code; undefined when none was asked for or it was accepted. */
function certificateFault({ authorizationError }: TLSSocket): string | undefined {
  // Node's types say Error; what is there is the code, as its documentation says.
  const code = authorizationError as unknown as string | null | undefined;
  return code ?? undefined;
}

/** Both ends of a connection, which no other open connection shares; undefined for one that is closed. */
function endpointsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
