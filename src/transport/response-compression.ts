import { acceptsGzip, deflateMessage } from "./content-coding.ts";
import { type HttpResponse, isWhole, type WholeResponse } from "./http-exchange.ts";

/** Smaller answers are not worth compressing. */
const SMALLEST_BYTES = 1024;

/**
 * Whether an answer is to be sent as gzip to a peer with this `accept-encoding`: large enough, accepted, and not coded yet. A
 * streamed one never is: a compressor would hold its pieces back.
 */
export function isCompressible(response: HttpResponse, acceptEncoding: string | undefined): response is WholeResponse {
  return (
    acceptEncoding !== undefined &&
    isWhole(response) &&
    response.body.length >= SMALLEST_BYTES &&
    !response.headers.some(([name]) => name === "content-encoding") &&
    acceptsGzip(acceptEncoding)
  );
}

/** The same answer with its body as gzip and the headers that say so. */
export async function compressResponse(response: WholeResponse): Promise<WholeResponse> {
  const body = await deflateMessage(response.body, "gzip");
  const headers = [...response.headers, ["content-encoding", "gzip"], ["vary", "accept-encoding"]] as const;
  return { status: response.status, headers, body };
}
