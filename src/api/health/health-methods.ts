import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ServingError } from "../../base/serving-error.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
} from "../../gen/grpc/health/v1/health_pb.ts";
import type { GrpcCall, GrpcMethod } from "../../transport/grpc/method.ts";
import type { Readiness } from "./readiness.ts";

const SERVICE = "/grpc.health.v1.Health/";

/** Names that stand for the server as a whole: TensorFlow Serving's own, and the full names of the services. */
const WHOLE_SERVER: readonly string[] = [
  "",
  "ModelService",
  "PredictionService",
  "tensorflow.serving.ModelService",
  "tensorflow.serving.PredictionService",
  "grpc.health.v1.Health",
];

/**
 * `grpc.health.v1.Health` by path. A service name is one of the server's services, or a model's name.
 *
 * Check answers NOT_FOUND for an unknown name; Watch answers SERVICE_UNKNOWN and goes on, as the model may come; List
 * tells of the services, not of the models.
 */
export function healthMethods(readiness: Readiness): Map<string, GrpcMethod> {
  return new Map<string, GrpcMethod>([
    [`${SERVICE}Check`, { kind: "unary", run: (message) => check(readiness, message) }],
    [`${SERVICE}List`, { kind: "unary", run: () => list(readiness) }],
    [`${SERVICE}Watch`, { kind: "streaming", run: (messages, send, call) => watch(readiness, messages, send, call) }],
  ]);
}

function check(readiness: Readiness, message: Uint8Array): Uint8Array {
  const service = serviceOf(message);
  const status = statusOf(readiness, service);
  if (status === HealthCheckResponse_ServingStatus.SERVICE_UNKNOWN) {
    throw new ServingError("not-found", `"${service}" is neither a service nor a model of this server`);
  }
  return encode(status);
}

function list(readiness: Readiness): Uint8Array {
  const statuses = Object.fromEntries(WHOLE_SERVER.map((service) => [service, { status: statusOf(readiness, service) }]));
  return toBinary(HealthListResponseSchema, create(HealthListResponseSchema, { statuses }));
}

/** Sends the status at once and again whenever it is another one; ends only with the call, by its signal's reason. */
async function watch(
  readiness: Readiness,
  messages: AsyncIterable<Uint8Array>,
  send: (message: Uint8Array) => Promise<void>,
  call: GrpcCall,
): Promise<void> {
  const first = await messages[Symbol.asyncIterator]().next();
  if (first.done) throw new ServingError("invalid-argument", "Watch takes one HealthCheckRequest and got none");
  const service = serviceOf(first.value);
  let changes = 0;
  let wake = () => {};
  const unsubscribe = readiness.subscribe(() => {
    changes++;
    wake();
  });
  const abort = () => wake();
  call.signal.addEventListener("abort", abort, { once: true });
  try {
    let sent: HealthCheckResponse_ServingStatus | undefined;
    while (!call.signal.aborted) {
      const seen = changes;
      const status = statusOf(readiness, service);
      if (status !== sent) await send(encode(status));
      sent = status;
      if (seen !== changes || call.signal.aborted) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    throw ServingError.from(call.signal.reason);
  } finally {
    call.signal.removeEventListener("abort", abort);
    unsubscribe();
  }
}

function serviceOf(message: Uint8Array): string {
  try {
    return fromBinary(HealthCheckRequestSchema, message).service;
  } catch (cause) {
    throw new ServingError("invalid-argument", "the message is not a grpc.health.v1.HealthCheckRequest", { cause });
  }
}

function statusOf(readiness: Readiness, service: string): HealthCheckResponse_ServingStatus {
  const serving = readiness.isServing(WHOLE_SERVER.includes(service) ? "" : service);
  if (serving === undefined) return HealthCheckResponse_ServingStatus.SERVICE_UNKNOWN;
  return serving ? HealthCheckResponse_ServingStatus.SERVING : HealthCheckResponse_ServingStatus.NOT_SERVING;
}

function encode(status: HealthCheckResponse_ServingStatus): Uint8Array {
  return toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status }));
}
