import { ServingError } from "../../base/serving-error.ts";

/** RFC 2046, 5.1.1. */
const LONGEST_BOUNDARY = 70;
const BOUNDARY = /^[\w'()+,\-./:=? ]*[\w'()+,\-./:=?]$/;
const PARAMETER = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]*))/gi;

const DASH = 0x2d;
const END_OF_HEADERS = Buffer.from("\r\n\r\n");

/** Whether a request's content type is that of a form, whatever its boundary. */
export function isMultipart(contentType: string | undefined): boolean {
  return contentType !== undefined && /^\s*multipart\/form-data\s*(?:;|$)/i.test(contentType);
}

/**
 * The boundary that a content type names.
 * @throws ServingError invalid-argument when it is another content type, or the boundary is missing, given twice, longer than 70
 * characters or not made of the characters that one may have.
 */
export function multipartBoundary(contentType: string | undefined): string {
  if (contentType === undefined || !isMultipart(contentType)) {
    throw invalid("its content-type must be multipart/form-data; boundary=...");
  }
  const found = [...contentType.matchAll(PARAMETER)];
  if (found.length !== 1) throw invalid(`its content-type must name one boundary, has ${found.length}`);
  const boundary = found[0][1] ?? found[0][2] ?? "";
  if (boundary.length > LONGEST_BOUNDARY) {
    throw invalid(`its boundary has ${boundary.length} characters, of at most ${LONGEST_BOUNDARY}`);
  }
  if (!BOUNDARY.test(boundary)) throw invalid("its boundary is empty or has characters that one may not have");
  return boundary;
}

/**
 * Looks for the lines between the parts, and gives how many parts there are.
 * @throws ServingError invalid-argument when the first or last of these lines is missing, a part's headers do not end, or there are more
 * parts or longer headers than the limits allow.
 */
export function checkParts(
  body: Buffer,
  boundary: string,
  limits: { readonly parts: number; readonly headerBytes: number },
): number {
  const line = Buffer.from(`\r\n--${boundary}`);
  let at = line.length - 2;
  if (body.compare(line, 2, line.length, 0, Math.min(at, body.length)) !== 0) {
    const first = body.indexOf(line);
    if (first < 0) throw invalid("it has no line with the boundary that its content-type names");
    at = first + line.length;
  }
  for (let parts = 0; ; parts++) {
    if (body[at] === DASH && body[at + 1] === DASH) return parts;
    if (parts === limits.parts) throw invalid(`it has more than ${limits.parts} parts`);
    const next = body.indexOf(line, at);
    if (next < 0) throw invalid("it ends before its last line, the boundary with -- after it");
    const headers = body.indexOf(END_OF_HEADERS, at);
    if (headers < 0 || headers + END_OF_HEADERS.length > next) throw invalid(`the headers of part ${parts} do not end`);
    if (headers - at > limits.headerBytes)
      throw invalid(`the headers of part ${parts} have more than ${limits.headerBytes} bytes`);
    at = next + line.length;
  }
}

function invalid(rest: string): ServingError {
  return new ServingError("invalid-argument", `the form (multipart/form-data) is not right: ${rest}`);
}
