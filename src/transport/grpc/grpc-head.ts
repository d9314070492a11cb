import { ServingError } from "../../base/serving-error.ts";
import type { ContentCoding } from "../content-coding.ts";
import type { HeaderFields } from "../http2/hpack-encoder.ts";
import { fieldValue, type RequestHead } from "../http2/request-head.ts";
import { ACCEPTED_ENCODINGS } from "./grpc-status.ts";
import { parseGrpcTimeout } from "./grpc-timeout.ts";

/** What gRPC reads from a request's header fields. */
export interface GrpcHead {
  /** The plain HTTP answer to a request that is no gRPC call. */
  readonly refusal: HeaderFields | undefined;
  /** Why the call fails whatever its method. */
  readonly error: ServingError | undefined;
  /** Undefined when the call has no deadline. */
  readonly timeoutMs: number | undefined;
  /** How messages with the compressed flag are compressed. */
  readonly coding: ContentCoding | undefined;
  /** Whether the client takes answers in {@link coding}. */
  readonly acceptsCoding: boolean;
}

const CALL: GrpcHead = { refusal: undefined, error: undefined, timeoutMs: undefined, coding: undefined, acceptsCoding: false };

/** gRPC's header rules (its HTTP/2 mapping, "Requests"); the answer is kept with the head. */
export function grpcHeadOf(head: RequestHead): GrpcHead {
  head.grpc ??= readGrpcHead(head);
  return head.grpc;
}

function readGrpcHead(head: RequestHead): GrpcHead {
  const type = /^application\/grpc(?:\+([^\s;]+))?\s*(?:;|$)/.exec(head.contentType ?? "");
  if (type === null) return refused("415");
  if (head.method !== "POST") return refused("405", ["allow", "POST"]);
  if (head.oversized)
    return failed(new ServingError("resource-exhausted", "the call's metadata is larger than the server takes"));
  const format = type[1] ?? "proto";
  if (format !== "proto") {
    return failed(
      new ServingError("unimplemented", `content-type "application/grpc+${format}" is not supported, expected +proto`),
    );
  }
  const encoding = fieldValue(head, "grpc-encoding") ?? "identity";
  if (encoding !== "identity" && encoding !== "gzip" && encoding !== "deflate") {
    return failed(
      new ServingError("unimplemented", `grpc-encoding "${encoding}" is not supported, expected one of ${ACCEPTED_ENCODINGS}`),
    );
  }
  const timeout = fieldValue(head, "grpc-timeout");
  const timeoutMs = timeout === undefined ? undefined : parseGrpcTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    return failed(new ServingError("internal", `malformed grpc-timeout "${timeout}", expected up to 8 digits and one of HMSmun`));
  }
  if (encoding === "identity") return timeoutMs === undefined ? CALL : { ...CALL, timeoutMs };
  return { ...CALL, timeoutMs, coding: encoding, acceptsCoding: acceptedCodings(head).includes(encoding) };
}

/** In which codings the client takes answers; gzip first. */
export function acceptedCodings(head: RequestHead): readonly ContentCoding[] {
  const accepted = (fieldValue(head, "grpc-accept-encoding") ?? "").split(",").map((name) => name.trim());
  return (["gzip", "deflate"] as const).filter((coding) => accepted.includes(coding));
}

function refused(status: string, ...fields: HeaderFields): GrpcHead {
  return { ...CALL, refusal: [[":status", status], ...fields, ["content-length", "0"]] };
}

function failed(error: ServingError): GrpcHead {
  return { ...CALL, error };
}
