import { systemClock } from "../../src/base/clock.ts";
import type { ConnectionContext, ConnectionFactory } from "../../src/transport/connection.ts";
import { testAdoption } from "../../src/transport/epoll/test-adoption.ts";
import { createHttp2Connection } from "../../src/transport/http2/connection.ts";
import { DEFAULT_LIMITS } from "../../src/transport/limits.ts";
import { Listener } from "../../src/transport/listener.ts";
import { interopMethods } from "./interop-service.ts";

/** The test service on a port of the loopback. */
export interface InteropServer {
  readonly port: number;
  /** Paths of the calls so far, in order. */
  readonly called: readonly string[];
  /** What clients or methods did wrong, in order. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

const refuseHttp1: ConnectionFactory = (socket) => {
  socket.destroy();
  return { drain() {}, destroy() {} };
};

/** Serves gRPC's test service by the transport alone: no model, no thread. */
export async function startInteropServer(): Promise<InteropServer> {
  const faults: string[] = [];
  const called: string[] = [];
  const route = (path: string) => {
    called.push(path);
    return interopMethods.get(path);
  };
  const context: ConnectionContext = {
    http: () => ({ status: 404, headers: [], body: new Uint8Array(0) }),
    grpc: Object.assign(route, { hasService: (service: string) => service === "grpc.testing.TestService" }),
    limits: DEFAULT_LIMITS,
    clock: systemClock,
    compressResponses: false,
    ...testAdoption(),
    report: (event, detail) => void faults.push(`${event} ${String(detail)}`),
  };
  const listener = new Listener(context, { http1: refuseHttp1, http2: createHttp2Connection });
  const { port } = await listener.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  return { port: port!, called, faults, close: () => listener.close() };
}
