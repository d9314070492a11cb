import type { ServerOptions } from "../config/server-options.ts";
import type { ThreadPool } from "../threads/thread-pool.ts";
import type { BoundEndpoint } from "../transport/listener.ts";

/** Where the server listens, by purpose. */
export interface ServerEndpoints {
  readonly grpc?: BoundEndpoint;
  readonly rest?: BoundEndpoint;
  readonly socket?: BoundEndpoint;
}

/**
 * Opens what the options name. The REST port comes last: it is where readiness is asked for, and ready means that all is open.
 * Rejects with a ServingError that names what cannot be had.
 */
export async function openEndpoints(
  pool: ThreadPool,
  { host, port, restApiPort, grpcSocketPath }: ServerOptions,
): Promise<ServerEndpoints> {
  const socket = grpcSocketPath === undefined ? undefined : await pool.listen({ kind: "unix", path: grpcSocketPath });
  const grpc = port === 0 ? undefined : await pool.listen({ kind: "tcp", host, port });
  const rest = restApiPort === 0 ? undefined : await pool.listen({ kind: "tcp", host, port: restApiPort });
  return { ...(grpc && { grpc }), ...(rest && { rest }), ...(socket && { socket }) };
}

/** Whether only this machine can reach a host's address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
