import type { FuzzTarget } from "./target.ts";
import { codingFields, contentCoding } from "./targets/content-coding.ts";
import { grpcHead, grpcMessages } from "./targets/grpc.ts";
import { hpackDecoder, hpackRoundTrip } from "./targets/hpack.ts";
import { http1Chunks } from "./targets/http1-chunks.ts";
import { http1Head } from "./targets/http1-head.ts";
import { http1Requests } from "./targets/http1-requests.ts";
import { http2Connection } from "./targets/http2-connection.ts";
import { http2Frames } from "./targets/http2-frames.ts";

/** Parsers of what comes over the network before it has a meaning. */
export const TRANSPORT_TARGETS: readonly FuzzTarget[] = [
  http1Head,
  http1Requests,
  http1Chunks,
  http2Frames,
  http2Connection,
  hpackDecoder,
  hpackRoundTrip,
  grpcMessages,
  grpcHead,
  contentCoding,
  codingFields,
];
