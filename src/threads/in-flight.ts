import { afterSettled } from "../base/after-settled.ts";
import type { Gauge } from "../metrics/cells.ts";
import type { GrpcMethod } from "../transport/grpc/method.ts";
import type { HttpHandler } from "../transport/http-exchange.ts";

/** A handler that counts the answers still awaited. One that is ready at once is never in flight for anybody to see. */
export function countedHandler(handler: HttpHandler, inFlight: Gauge): HttpHandler {
  return (request) => counted(handler(request), inFlight);
}

/** A method that counts the calls still awaited. */
export function countedMethod(method: GrpcMethod, inFlight: Gauge): GrpcMethod {
  if (method.kind === "unary") return { kind: "unary", run: (message, call) => counted(method.run(message, call), inFlight) };
  return {
    kind: "streaming",
    run: async (messages, send, call) => await counted(method.run(messages, send, call), inFlight),
  };
}

function counted<Result>(answer: Result | Promise<Result>, inFlight: Gauge): Result | Promise<Result> {
  if (!(answer instanceof Promise)) return answer;
  inFlight.add(1);
  return afterSettled(answer, () => inFlight.add(-1));
}
