import { ServingError } from "../../base/serving-error.ts";
import type { RequestHead } from "../http2/request-head.ts";
import type { Stream, StreamConsumer } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import { grpcHeadOf } from "./grpc-head.ts";
import { trailersOnly } from "./grpc-status.ts";
import type { GrpcRouter } from "./method.ts";
import { StreamingCall } from "./streaming-call.ts";
import { UnaryCall } from "./unary-call.ts";

/** A router that can also tell a service it does not know from a method; without this the method is said to be unknown. */
export type ServiceAwareRouter = GrpcRouter & { readonly hasService?: (service: string) => boolean };

/** Takes what still arrives for a call that was answered by its head alone. */
const ANSWERED: StreamConsumer = {
  received() {},
  remoteEnded() {},
  aborted() {},
  turnEnded() {},
  compact() {},
  overdue() {},
  overloaded() {},
};

/** Serves a stream as a gRPC call. Errors seen in the head are answered at once. */
export function openGrpcCall(host: StreamHost, stream: Stream, head: RequestHead): StreamConsumer {
  const { refusal, error } = grpcHeadOf(head);
  if (refusal !== undefined) {
    host.outbound.headers(stream, refusal, true);
    return ANSWERED;
  }
  const router: ServiceAwareRouter = host.context.grpc;
  const method = error === undefined ? router(head.target) : undefined;
  if (method === undefined) {
    host.outbound.headers(stream, trailersOnly(error ?? unknownMethod(router, head.target)), true);
    return ANSWERED;
  }
  if (method.kind === "unary") return new UnaryCall(host, stream, head, method);
  const call = new StreamingCall(host, stream, head);
  // The consumer must be in its place before the method can answer and end the stream.
  queueMicrotask(() => void call.run(method));
  return call;
}

function unknownMethod(router: ServiceAwareRouter, path: string): ServingError {
  const slash = path.lastIndexOf("/");
  if (slash < 1) return new ServingError("unimplemented", `malformed method name "${path}", expected /service/method`);
  const service = path.slice(1, slash);
  return router.hasService?.(service) === false
    ? new ServingError("unimplemented", `unknown service ${service}`)
    : new ServingError("unimplemented", `unknown method ${path.slice(slash + 1)} for service ${service}`);
}
