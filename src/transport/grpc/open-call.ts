import { ServingError } from "../../base/serving-error.ts";
import { type AccessGate, ADMITTED, type Admission } from "../access-gate.ts";
import { fieldValue, type RequestHead } from "../http2/request-head.ts";
import type { Stream, StreamConsumer } from "../http2/stream.ts";
import type { StreamHost } from "../http2/stream-host.ts";
import { AskedCall } from "./asked-call.ts";
import { grpcHeadOf } from "./grpc-head.ts";
import { trailersOnly } from "./grpc-status.ts";
import type { GrpcMethod, GrpcRouter } from "./method.ts";
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
  const { grpc: router, gate }: { readonly grpc: ServiceAwareRouter; readonly gate?: AccessGate } = host.context;
  const fail = (reason: ServingError): StreamConsumer => {
    host.outbound.headers(stream, trailersOnly(reason), true);
    return ANSWERED;
  };
  if (error !== undefined) return fail(error);
  const { method: verb, target } = head;
  const admission = gate?.grpc({ method: verb, target, header: (name) => headerOf(head, name), peer: host.peer }) ?? ADMITTED;
  const open = ({ refusal: denied }: Admission<ServingError>): StreamConsumer => {
    if (denied !== undefined) return fail(denied);
    const method = router(target);
    return method === undefined ? fail(unknownMethod(router, target)) : start(host, stream, head, method);
  };
  return admission instanceof Promise ? new AskedCall(stream, admission, open, fail) : open(admission);
}

/** A field of the head; the host is where HTTP/2 has it. */
function headerOf(head: RequestHead, name: string): string | undefined {
  return name === "host" ? head.authority : fieldValue(head, name);
}

function start(host: StreamHost, stream: Stream, head: RequestHead, method: GrpcMethod): StreamConsumer {
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
