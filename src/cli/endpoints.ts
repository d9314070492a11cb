import type { ServerOptions } from "../config/server-options.ts";
import type { ThreadPool } from "../threads/thread-pool.ts";
import type { BoundEndpoint, EndpointUse } from "../transport/listener.ts";

/** Where the server listens, by purpose. */
export interface ServerEndpoints {
  readonly grpc?: ServerEndpoint;
  readonly rest?: ServerEndpoint;
  /** Unix sockets. */
  readonly socket?: BoundEndpoint;
  readonly restSocket?: BoundEndpoint;
}

/** A port and what may be spoken there. */
export type ServerEndpoint = BoundEndpoint & EndpointUse;

/**
 * Opens what the options name. The REST port comes last: it is where readiness is asked for, and ready means that all is open.
 * Rejects with a ServingError that names what cannot be had.
 */
export async function openEndpoints(
  pool: ThreadPool,
  { host, port, restApiPort, grpcSocketPath, restSocketPath, socketMode, tls }: ServerOptions,
): Promise<ServerEndpoints> {
  const unix = async (path: string | undefined) =>
    path === undefined
      ? undefined
      : await pool.listen({ kind: "unix", path, ...(socketMode !== undefined && { mode: socketMode }) });
  const tcp = async (number: number, use: EndpointUse) =>
    number === 0 ? undefined : { ...(await pool.listen({ kind: "tcp", host, port: number, ...use })), ...use };
  const secured = tls === undefined ? {} : { tls: true };
  const socket = await unix(grpcSocketPath);
  const restSocket = await unix(restSocketPath);
  const grpc = await tcp(port, secured);
  // TensorFlow Serving's file secures gRPC and leaves REST plain: whoever writes it expects no plain gRPC anywhere.
  const rest = await tcp(restApiPort, tls?.kind === "ssl-config" ? { grpc: false } : secured);
  return { ...(grpc && { grpc }), ...(rest && { rest }), ...(socket && { socket }), ...(restSocket && { restSocket }) };
}

/** Whether only this machine can reach a host's address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
