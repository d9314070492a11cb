import type { ServingError } from "../../base/serving-error.ts";
import { statusNumber } from "../../base/status-code.ts";
import { type HeaderFields, PreparedHeaders } from "../http2/hpack-encoder.ts";

const MESSAGE_BYTES = 1024;
const TRUNCATED = "...TRUNCATED";

/** Message codings a call may use, as announced to clients. */
export const ACCEPTED_ENCODINGS = "identity,gzip,deflate";

const RESPONSE_FIELDS = [
  [":status", "200"],
  ["content-type", "application/grpc"],
  ["grpc-accept-encoding", ACCEPTED_ENCODINGS],
] as const;

/** The head of an answer that begins with messages. */
export const RESPONSE_HEAD = new PreparedHeaders(RESPONSE_FIELDS);

/** The head of an answer whose messages are compressed. */
export const COMPRESSED_HEADS = {
  gzip: new PreparedHeaders([...RESPONSE_FIELDS, ["grpc-encoding", "gzip"]]),
  deflate: new PreparedHeaders([...RESPONSE_FIELDS, ["grpc-encoding", "deflate"]]),
} as const;

/** The trailers of a call that went well. */
export const OK_TRAILERS = new PreparedHeaders([["grpc-status", "0"]]);

/** The trailers of a call that failed. The text is cut at 1024 bytes, as TensorFlow Serving's is. */
export function errorTrailers(error: ServingError): HeaderFields {
  return [
    ["grpc-status", String(statusNumber(error.code))],
    ["grpc-message", encodeGrpcMessage(truncated(error.message))],
  ];
}

/** The whole answer of a call that failed before its first message. */
export function trailersOnly(error: ServingError): HeaderFields {
  return [...RESPONSE_FIELDS, ...errorTrailers(error)];
}

function truncated(message: string): string {
  const bytes = Buffer.from(message, "utf8");
  if (bytes.length <= MESSAGE_BYTES) return message;
  let end = MESSAGE_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end) + TRUNCATED;
}

/** Percent-encodes what is not printable ASCII, and the percent sign (gRPC's HTTP/2 mapping, "Status-Message"). */
export function encodeGrpcMessage(message: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(message)) return message;
  let encoded = "";
  for (const byte of Buffer.from(message, "utf8")) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
