/**
 * Request heads, read strictly after RFC 9112: what two readers could take in two ways is refused, because a proxy in front
 * may be the other reader (request smuggling). One pass over the bytes; only the method and the target become strings.
 */
import { contentLength, isBlank, isHost, isOption, refuseTabs, requireChunked, trimmedEnd } from "./field-values.ts";
import { COLON, CR, FIELD_VALUE, LF, nameBytes, SPACE, sameName, TAB, TARGET, TOKEN } from "./grammar.ts";
import { malformed, RequestFault } from "./request-fault.ts";

/** How large a head may be; part of the transport's limits. */
export interface HeadLimits {
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
}

/** {@link RequestHead.bodyLength} of a body in chunks. */
export const CHUNKED = -1;

const HOST = nameBytes("host");
const EXPECT = nameBytes("expect");
const CONNECTION = nameBytes("connection");
const CONTENT_LENGTH = nameBytes("content-length");
const ACCEPT_ENCODING = nameBytes("accept-encoding");
const CONTENT_ENCODING = nameBytes("content-encoding");
const TRANSFER_ENCODING = nameBytes("transfer-encoding");

const CLOSE = nameBytes("close");
const KEEP_ALIVE = nameBytes("keep-alive");

const COMMA = 44;
const SLASH = 47;
const ZERO = 48;
const ONE = 49;
const NINE = 57;

/** One request's line and header fields. Field values stay bytes until asked for. */
export class RequestHead {
  method = "";
  /** In origin form (`/path?query`), or `*` of an OPTIONS request. */
  target = "";
  minorVersion: 0 | 1 = 1;
  /** Bytes of the body, or {@link CHUNKED}. Never negative otherwise; at most 2^53 - 1, however long the number sent. */
  bodyLength = 0;
  /** Whether the peer lets the connection serve another request. */
  keepAlive = true;
  /** Whether the peer waits for `100 Continue` before it sends the body. */
  expectsContinue = false;
  hasContentEncoding = false;
  hasAcceptEncoding = false;
  /** Where the body begins in the bytes that were parsed. */
  end = 0;
  /** The host of an absolute-form target, which stands above the Host field (RFC 9112, 3.2.2). */
  authority: string | undefined = undefined;
  readonly bytes: Buffer;
  /** Where the head begins in the bytes. */
  readonly start: number;
  /** Where the first field begins. */
  fieldsStart = 0;
  /** Found when the first header is asked for: most requests are answered without. */
  #spans: readonly number[] | undefined = undefined;

  constructor(bytes: Buffer, start: number) {
    this.bytes = bytes;
    this.start = start;
  }

  /** Four numbers for each field: start and end of its name, start and end of its value. */
  get spans(): readonly number[] {
    this.#spans ??= fieldSpans(this.bytes, this.fieldsStart, this.end);
    return this.#spans;
  }

  /** A field's value by its lower-case name, as Latin-1; repeated ones joined by `, `; undefined when absent. */
  header(name: string): string | undefined {
    if (name === "host" && this.authority !== undefined) return this.authority;
    const { bytes, spans } = this;
    const length = name.length;
    let value: string | undefined;
    for (let at = 0; at < spans.length; at += 4) {
      const start = spans[at]!;
      if (spans[at + 1]! - start !== length || !sameText(bytes, start, name)) continue;
      const one = bytes.toString("latin1", spans[at + 2], spans[at + 3]);
      value = value === undefined ? one : `${value}, ${one}`;
    }
    return value;
  }
}

/** {@link RequestHead.spans} of a head found valid. */
function fieldSpans(bytes: Uint8Array, start: number, end: number): number[] {
  const spans: number[] = [];
  for (let i = start; i < end - 2; i += 2) {
    const nameStart = i;
    while (bytes[i] !== COLON) i++;
    const nameEnd = i++;
    while (isBlank(bytes[i]!)) i++;
    const valueStart = i;
    while (bytes[i] !== CR) i++;
    spans.push(nameStart, nameEnd, valueStart, trimmedEnd(bytes, valueStart, i));
  }
  return spans;
}

function sameText(bytes: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (TOKEN[bytes[start + i]!] !== name.charCodeAt(i)) return false;
  return true;
}

/**
 * Reads the head that begins at `start` of `bytes[0, end)`; undefined when it is not all there. Pure: to go on, call again
 * with more bytes. Throws {@link RequestFault} at the first byte that cannot belong to a valid head, so that the outcome
 * does not depend on how the bytes were cut into pieces.
 */
export function parseRequestHead(bytes: Buffer, start: number, end: number, limits: HeadLimits): RequestHead | undefined {
  const bound = start + limits.maxHeaderBytes;
  const stop = Math.min(end, bound);
  const full = end >= bound;
  const head = new RequestHead(bytes, start);

  let i = start;
  while (i < stop && TOKEN[bytes[i]!] !== 0) i++;
  if (i === stop) return unfinished(full, 414);
  if (i === start || bytes[i] !== SPACE) malformed("malformed request line");
  head.method = methodName(bytes, start, i);

  const targetStart = ++i;
  while (i < stop && TARGET[bytes[i]!] === 1) i++;
  if (i === stop) return unfinished(full, 414);
  if (i === targetStart || bytes[i] !== SPACE) malformed("malformed request target");
  const targetEnd = i++;

  if (stop - i >= VERSION.length && isLatest(bytes, i)) {
    i += VERSION.length;
  } else {
    const versionStart = i;
    while (i < stop && i < versionStart + VERSION.length) {
      if (!fitsVersion(bytes[i]!, i - versionStart)) malformed("malformed HTTP version");
      i++;
    }
    if (i < versionStart + VERSION.length) return unfinished(full, 414);
    if (bytes[versionStart + 5] !== ONE) {
      throw new RequestFault(505, "unsupported HTTP version, expected HTTP/1.1 or HTTP/1.0");
    }
    // A higher minor version is served as the highest one known (RFC 9110, 2.5).
    head.minorVersion = bytes[versionStart + 7] === ZERO ? 0 : 1;
  }
  head.fieldsStart = i;
  readTarget(head, targetStart, targetEnd);

  let hosts = 0;
  let lengths = 0;
  let codings = 0;
  let close = false;
  let keep = false;
  let fields = 0;
  for (;;) {
    if (i === stop) return unfinished(full, 431);
    if (bytes[i] === CR) {
      if (i + 1 === stop) return unfinished(full, 431);
      if (bytes[i + 1] !== LF) malformed("malformed header: bare carriage return");
      head.end = i + 2;
      break;
    }
    if (++fields > limits.maxHeaderCount) {
      throw new RequestFault(431, `too many header fields, at most ${limits.maxHeaderCount} are allowed`);
    }

    const nameStart = i;
    while (i < stop && TOKEN[bytes[i]!] !== 0) i++;
    if (i === stop) return unfinished(full, 431);
    if (bytes[i] !== COLON || i === nameStart) badName(bytes[i]!, i === nameStart);
    const nameEnd = i++;
    while (i < stop && isBlank(bytes[i]!)) i++;
    const valueStart = i;
    while (i < stop && FIELD_VALUE[bytes[i]!] === 1) i++;
    if (i === stop) return unfinished(full, 431);
    if (bytes[i] !== CR) malformed("malformed header: control character in a value");
    if (i + 1 === stop) return unfinished(full, 431);
    if (bytes[i + 1] !== LF) malformed("malformed header: bare carriage return");
    const valueEnd = trimmedEnd(bytes, valueStart, i);
    i += 2;

    switch (nameEnd - nameStart) {
      case 4:
        if (!sameName(bytes, nameStart, HOST)) break;
        if (++hosts > 1) malformed("duplicate Host header");
        if (!isHost(bytes, valueStart, valueEnd)) malformed("malformed Host header");
        break;
      case 6:
        // HTTP/1.0 has no expectations (RFC 9110, 10.1.1).
        if (!sameName(bytes, nameStart, EXPECT) || head.minorVersion === 0) break;
        if (bytes.toString("latin1", valueStart, valueEnd).toLowerCase() !== "100-continue") {
          throw new RequestFault(417, "unsupported expectation, expected 100-continue");
        }
        head.expectsContinue = true;
        break;
      case 10:
        if (!sameName(bytes, nameStart, CONNECTION)) break;
        for (let at = valueStart; at < valueEnd; at++) {
          const optionStart = at;
          while (at < valueEnd && bytes[at] !== COMMA) at++;
          if (isOption(bytes, optionStart, at, CLOSE)) close = true;
          else if (isOption(bytes, optionStart, at, KEEP_ALIVE)) keep = true;
        }
        break;
      case 14:
        if (!sameName(bytes, nameStart, CONTENT_LENGTH)) break;
        if (++lengths > 1) malformed("duplicate Content-Length header");
        refuseTabs(bytes, nameEnd, i);
        head.bodyLength = contentLength(bytes, valueStart, valueEnd);
        break;
      case 15:
        if (sameName(bytes, nameStart, ACCEPT_ENCODING)) head.hasAcceptEncoding = true;
        break;
      case 16:
        if (sameName(bytes, nameStart, CONTENT_ENCODING)) head.hasContentEncoding = true;
        break;
      case 17:
        if (!sameName(bytes, nameStart, TRANSFER_ENCODING)) break;
        if (++codings > 1) malformed("duplicate Transfer-Encoding header");
        refuseTabs(bytes, nameEnd, i);
        requireChunked(bytes.toString("latin1", valueStart, valueEnd).toLowerCase());
        break;
    }
  }

  if (hosts === 0 && head.minorVersion === 1) malformed("missing Host header");
  if (codings > 0) {
    if (lengths > 0) malformed("both Transfer-Encoding and Content-Length are present");
    if (head.minorVersion === 0) malformed("Transfer-Encoding is not part of HTTP/1.0");
    head.bodyLength = CHUNKED;
  }
  head.keepAlive = !close && (keep || head.minorVersion === 1);
  if (head.method === "CONNECT") throw new RequestFault(501, "CONNECT is not supported");
  return head;
}

function unfinished(full: boolean, status: 414 | 431): undefined {
  if (full) throw new RequestFault(status, status === 414 ? "request line too long" : "request headers too large");
}

function badName(byte: number, first: boolean): never {
  if (byte !== SPACE && byte !== TAB) malformed("malformed header name");
  malformed(first ? "malformed header: folded lines are not allowed" : "malformed header: space before the colon");
}

/** The method's string; the usual ones need no allocation. */
function methodName(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 4 && bytes[start] === 80 && bytes[start + 1] === 79 && bytes[start + 2] === 83 && bytes[start + 3] === 84) {
    return "POST";
  }
  if (length === 3 && bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84) return "GET";
  return bytes.toString("latin1", start, end);
}

const VERSION = nameBytes("HTTP/#.#\r\n");
const LATEST = nameBytes("HTTP/1.1\r\n");
const DIGIT = 35;

function isLatest(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < LATEST.length; i++) if (bytes[start + i] !== LATEST[i]) return false;
  return true;
}

function fitsVersion(byte: number, at: number): boolean {
  const wanted = VERSION[at]!;
  return wanted === DIGIT ? byte >= ZERO && byte <= NINE : byte === wanted;
}

function readTarget(head: RequestHead, start: number, end: number): void {
  const { bytes } = head;
  if (bytes[start] === SLASH) {
    head.target = bytes.toString("latin1", start, end);
    return;
  }
  const text = bytes.toString("latin1", start, end);
  if (text === "*" && head.method === "OPTIONS") {
    head.target = text;
    return;
  }
  // An authority-form target is CONNECT's alone, which is refused once the head has been read.
  if (head.method === "CONNECT") {
    head.target = text;
    return;
  }
  const absolute = /^https?:\/\/([^/?]+)(.*)$/is.exec(text);
  if (absolute === null) malformed("malformed request target, expected a path beginning with /");
  const [, authority = "", rest = ""] = absolute;
  const hostStart = start + text.indexOf("//") + 2;
  if (!isHost(bytes, hostStart, hostStart + authority.length)) malformed("malformed request target host");
  head.authority = authority;
  if (rest === "") head.target = head.method === "OPTIONS" ? "*" : "/";
  else head.target = rest.startsWith("?") ? `/${rest}` : rest;
}
