import type { ServingError } from "../../base/serving-error.ts";
import { statusNumber } from "../../base/status-code.ts";
import type { ContentCoding } from "../content-coding.ts";
import { type HeaderFields, PreparedHeaders } from "../http2/hpack-encoder.ts";
import type { HeaderBlock } from "../http2/outbound.ts";

const MESSAGE_BYTES = 1024;
const TRUNCATED = "...TRUNCATED";

/** Message codings a call may use, as announced to clients. */
export const ACCEPTED_ENCODINGS = "identity,gzip,deflate";

const RESPONSE_FIELDS = [
  [":status", "200"],
  ["content-type", "application/grpc"],
  ["grpc-accept-encoding", ACCEPTED_ENCODINGS],
] as const;

const RESPONSE_HEADS: Readonly<Record<"identity" | ContentCoding, PreparedHeaders>> = {
  identity: new PreparedHeaders(RESPONSE_FIELDS),
  gzip: new PreparedHeaders([...RESPONSE_FIELDS, ["grpc-encoding", "gzip"]]),
  deflate: new PreparedHeaders([...RESPONSE_FIELDS, ["grpc-encoding", "deflate"]]),
};

/** The head of an answer that begins with messages; `coding` of those that are compressed, `metadata` of the method's. */
export function responseHead(coding?: ContentCoding, metadata?: HeaderFields): HeaderBlock {
  const head = RESPONSE_HEADS[coding ?? "identity"];
  return metadata === undefined ? head : [...head.fields, ...metadata];
}

const OK_TRAILERS = new PreparedHeaders([["grpc-status", "0"]]);

/** The trailers of a call that went well. */
export function okTrailers(metadata?: HeaderFields): HeaderBlock {
  return metadata === undefined ? OK_TRAILERS : [...OK_TRAILERS.fields, ...metadata];
}

/** The trailers of a call that failed. The text is cut at 1024 bytes, as TensorFlow Serving's is. */
export function errorTrailers(error: ServingError, metadata: HeaderFields = []): HeaderFields {
  return [
    ["grpc-status", String(statusNumber(error.code))],
    ["grpc-message", encodeGrpcMessage(truncated(error.message))],
    ...metadata,
  ];
}

/** The whole answer of a call that failed before its first message. */
export function trailersOnly(error: ServingError, metadata?: HeaderFields): HeaderFields {
  return [...RESPONSE_FIELDS, ...errorTrailers(error, metadata)];
}

function truncated(message: string): string {
  const bytes = Buffer.from(message, "utf8");
  if (bytes.length <= MESSAGE_BYTES) return message;
  let end = MESSAGE_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end) + TRUNCATED;
}

/**
 * Percent-encodes what is not printable ASCII, and the percent sign (gRPC's HTTP/2 mapping, "Status-Message"). A blank at either end
 * is encoded too: it would make the field malformed (RFC 9113 section 8.2.1).
 */
export function encodeGrpcMessage(message: string): string {
  if (/^(?! )[\x20-\x24\x26-\x7e]*(?<! )$/.test(message)) return message;
  let encoded = "";
  const bytes = Buffer.from(message, "utf8");
  for (const [index, byte] of bytes.entries()) {
    const plain = byte > 0x20 || (byte === 0x20 && index > 0 && index < bytes.length - 1);
    encoded +=
      plain && byte <= 0x7e && byte !== 0x25 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
