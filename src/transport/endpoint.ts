import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { basename } from "node:path";
import { ServingError, type StatusCode } from "../base/serving-error.ts";

/** What connections of an endpoint may speak. Plain data. */
export interface EndpointUse {
  /** Every connection begins with a TLS handshake. Default false. */
  readonly tls?: boolean;
  /** Whether gRPC is served there. Default true. */
  readonly grpc?: boolean;
}

/** Where to accept connections. Plain data: can be sent to another thread. */
export type Endpoint =
  | ({ readonly kind: "tcp"; readonly host: string /** 0 lets the system choose. */; readonly port: number } & EndpointUse)
  /** `mode` are the permissions of the socket file; without it they are what the umask leaves. */
  | { readonly kind: "unix"; readonly path: string; readonly mode?: number }
  /** A listening socket of this process; the listener owns it from then on and closes it. */
  | ({ readonly kind: "descriptor"; readonly fd: number } & EndpointUse);

/** Where connections are accepted. Plain data: can be sent to another thread. */
export interface BoundEndpoint {
  /** Of a TCP endpoint: the address as the system names it. */
  readonly host?: string;
  readonly port?: number;
  /** Of a Unix socket. */
  readonly path?: string;
  /** The listening socket, to be duplicated before another thread accepts on it; undefined where the system has none to share. */
  readonly fd?: number;
}

const BACKLOG = 1024;

/** Starts accepting. Rejects with a ServingError that names the port or the socket file. */
export async function openEndpoint(server: Server, endpoint: Endpoint): Promise<BoundEndpoint> {
  if (endpoint.kind === "unix") await removeStaleSocket(endpoint.path);
  await new Promise<void>((resolve, reject) => {
    const onError = (reason: NodeJS.ErrnoException) => reject(listenFault(endpoint, reason));
    server.once("error", onError);
    server.listen(listenOptions(endpoint), () => {
      server.off("error", onError);
      resolve();
    });
  });
  if (endpoint.kind === "unix" && endpoint.mode !== undefined) chmodSync(endpoint.path, endpoint.mode);
  return boundEndpoint(server);
}

function listenOptions(endpoint: Endpoint) {
  switch (endpoint.kind) {
    case "tcp":
      return { host: endpoint.host, port: endpoint.port, backlog: BACKLOG };
    case "unix":
      return { path: endpoint.path, backlog: BACKLOG };
    case "descriptor":
      return { fd: endpoint.fd, backlog: BACKLOG };
  }
}

function boundEndpoint(server: Server): BoundEndpoint {
  // Node keeps the listening socket's descriptor in its handle and nowhere else.
  const { _handle: handle } = server as unknown as { readonly _handle?: { readonly fd?: number } };
  const fd = handle?.fd !== undefined && handle.fd >= 0 ? { fd: handle.fd } : {};
  const address = server.address();
  if (address === null || typeof address === "string") return { ...(address !== null && { path: address }), ...fd };
  return { host: address.address, port: address.port, ...fd };
}

function endpointName(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case "tcp":
      return endpoint.host.includes(":") ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`;
    case "unix":
      return `socket file "${basename(endpoint.path)}"`;
    case "descriptor":
      return `descriptor ${endpoint.fd}`;
  }
}

function inUse(endpoint: Endpoint, cause?: unknown): ServingError {
  return new ServingError("already-exists", `${endpointName(endpoint)} is in use by another process; stop it or choose another`, {
    cause,
  });
}

const LISTEN_FAULTS: Readonly<Record<string, readonly [code: StatusCode, what: string]>> = {
  EACCES: ["permission-denied", "permission denied"],
  EPERM: ["permission-denied", "permission denied"],
  EADDRNOTAVAIL: ["invalid-argument", "the address is not one of this machine"],
  ENOTFOUND: ["invalid-argument", "the host name is unknown"],
  EAI_AGAIN: ["unavailable", "the host name cannot be looked up"],
  ENOENT: ["not-found", "the folder does not exist"],
  EINVAL: ["invalid-argument", "it cannot be listened on"],
  EBADF: ["invalid-argument", "it is not an open socket"],
  ENOTSOCK: ["invalid-argument", "it is not a socket"],
};

function listenFault(endpoint: Endpoint, reason: NodeJS.ErrnoException): ServingError {
  if (reason.code === "EADDRINUSE") return inUse(endpoint, reason);
  const [code, what] = LISTEN_FAULTS[reason.code ?? ""] ?? ["unavailable", reason.code ?? "unknown error"];
  return new ServingError(code, `cannot listen on ${endpointName(endpoint)}: ${what}`, { cause: reason });
}

/** Removes the file that a dead server left; whatever else stands in the way is somebody's. */
async function removeStaleSocket(path: string): Promise<void> {
  const endpoint = { kind: "unix", path } as const;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new ServingError("already-exists", `${endpointName(endpoint)} exists and is not a socket; choose another path`);
  }
  if (await isAnswered(path)) throw inUse(endpoint);
  unlinkSync(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    // Only a refusal proves that nobody is there: with a full queue or without permission somebody may be.
    probe.once("error", (reason: NodeJS.ErrnoException) => resolve(reason.code !== "ECONNREFUSED" && reason.code !== "ENOENT"));
  });
}
