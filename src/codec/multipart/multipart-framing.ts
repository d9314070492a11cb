import { setImmediate } from "node:timers/promises";
import { ServingError } from "../../base/serving-error.ts";

/** RFC 2046, 5.1.1. */
const LONGEST_BOUNDARY = 70;
const BOUNDARY = /^[\w'()+,\-./:=? ]*[\w'()+,\-./:=?]$/;
const PARAMETER = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]*))/gi;

const DASH = 0x2d;
const END_OF_HEADERS = Buffer.from("\r\n\r\n");

/** Bytes searched before others have their turn: about a millisecond. */
const SEARCHED_A_TURN = 2 * 1024 * 1024;

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

/** Where a part of a form lies in its body. */
export interface PartPlace {
  /** Of the line before it, from its dashes or the line break before them on. */
  readonly start: number;
  /** Of what it holds, after its headers. */
  readonly content: number;
  /** Where the line after it starts, line break and all. */
  readonly end: number;
}

/**
 * Finds the parts by the lines between them; of a large body in pieces, others having their turn between.
 *
 * Rejects with invalid-argument when the first or last of these lines is missing, a part's headers do not end, or there are more parts or
 * longer headers than the limits allow.
 */
export async function findParts(
  body: Buffer,
  boundary: string,
  limits: { readonly parts: number; readonly headerBytes: number },
): Promise<readonly PartPlace[]> {
  const line = Buffer.from(`\r\n--${boundary}`);
  const places: PartPlace[] = [];
  let start = 0;
  let turn = 0;
  let at = line.length - 2;
  if (body.compare(line, 2, line.length, 0, Math.min(at, body.length)) !== 0) {
    start = await findLine(body, line, 0);
    if (start < 0) throw invalid("it has no line with the boundary that its content-type names");
    at = start + line.length;
  }
  for (;;) {
    if (body[at] === DASH && body[at + 1] === DASH) return places;
    const part = places.length;
    if (part === limits.parts) throw invalid(`it has more than ${limits.parts} parts`);
    const end = await findLine(body, line, at);
    if (end < 0) throw invalid("it ends before its last line, the boundary with -- after it");
    const longest = Math.min(end, at + limits.headerBytes + END_OF_HEADERS.length);
    const headers = body.subarray(at, longest).indexOf(END_OF_HEADERS);
    if (headers < 0 && longest === end) throw invalid(`the headers of part ${part} do not end`);
    if (headers < 0) throw invalid(`the headers of part ${part} have more than ${limits.headerBytes} bytes`);
    places.push({ start, content: at + headers + END_OF_HEADERS.length, end });
    start = end;
    at = end + line.length;
    if (at - turn >= SEARCHED_A_TURN) {
      turn = at;
      await setImmediate();
    }
  }
}

async function findLine(body: Buffer, line: Buffer, from: number): Promise<number> {
  for (let at = from; ; at += SEARCHED_A_TURN) {
    const found = body.subarray(at, at + SEARCHED_A_TURN + line.length - 1).indexOf(line);
    if (found >= 0) return at + found;
    if (at + SEARCHED_A_TURN >= body.length) return -1;
    await setImmediate();
  }
}

function invalid(rest: string): ServingError {
  return new ServingError("invalid-argument", `the form (multipart/form-data) is not right: ${rest}`);
}
