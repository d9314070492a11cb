/**
 * Request heads, read strictly after RFC 9112: what two readers could take in two ways is refused, because a proxy in front
 * may be the other reader (request smuggling). One pass over the bytes; only the method and the target become strings.
 */
import { AUTHORITY, COLON, CR, FIELD_VALUE, LF, nameBytes, SPACE, sameName, TAB, TARGET, TOKEN } from "./grammar.ts";
import { RequestFault } from "./request-fault.ts";

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

const SLASH = 47;
const ZERO = 48;
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
  /** Four numbers a field: start and end of its name, start and end of its value. */
  readonly spans: number[] = [];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
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

function sameText(bytes: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (TOKEN[bytes[start + i]!] !== name.charCodeAt(i)) return false;
  return true;
}

function fault(message: string): never {
  throw new RequestFault(400, message);
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
  const head = new RequestHead(bytes);

  let i = start;
  if (i < stop && bytes[i] === CR) {
    if (i + 1 === stop) return unfinished(full, 414);
    if (bytes[i + 1] !== LF) fault("malformed request line");
    i += 2;
  }
  const methodStart = i;
  while (i < stop && TOKEN[bytes[i]!] !== 0) i++;
  if (i === stop) return unfinished(full, 414);
  if (i === methodStart || bytes[i] !== SPACE) fault("malformed request line");
  head.method = methodName(bytes, methodStart, i);

  const targetStart = ++i;
  while (i < stop && TARGET[bytes[i]!] === 1) i++;
  if (i === stop) return unfinished(full, 414);
  if (i === targetStart || bytes[i] !== SPACE) fault("malformed request target");
  const targetEnd = i++;

  const versionStart = i;
  while (i < stop && i < versionStart + 10) {
    if (!fitsVersion(bytes[i]!, i - versionStart)) fault("malformed HTTP version");
    i++;
  }
  if (i < versionStart + 10) return unfinished(full, 414);
  const major = bytes[versionStart + 5]!;
  const minor = bytes[versionStart + 7]!;
  if (major !== ZERO + 1 || minor > ZERO + 1) {
    throw new RequestFault(505, "unsupported HTTP version, expected HTTP/1.1 or HTTP/1.0");
  }
  head.minorVersion = minor === ZERO ? 0 : 1;
  readTarget(head, targetStart, targetEnd);

  let hosts = 0;
  let lengths = 0;
  let codings = 0;
  let close = false;
  let keep = false;
  const { spans } = head;
  for (;;) {
    if (i === stop) return unfinished(full, 431);
    if (bytes[i] === CR) {
      if (i + 1 === stop) return unfinished(full, 431);
      if (bytes[i + 1] !== LF) fault("malformed header: bare carriage return");
      head.end = i + 2;
      break;
    }
    if (spans.length === limits.maxHeaderCount * 4) {
      throw new RequestFault(431, `too many header fields, at most ${limits.maxHeaderCount} are allowed`);
    }

    const nameStart = i;
    while (i < stop && TOKEN[bytes[i]!] !== 0) i++;
    if (i === stop) return unfinished(full, 431);
    if (bytes[i] !== COLON || i === nameStart) badName(bytes[i]!, i === nameStart);
    const nameEnd = i++;
    while (i < stop && (bytes[i] === SPACE || bytes[i] === TAB)) i++;
    const valueStart = i;
    while (i < stop && FIELD_VALUE[bytes[i]!] === 1) i++;
    if (i === stop) return unfinished(full, 431);
    if (bytes[i] !== CR) fault("malformed header: control character in a value");
    if (i + 1 === stop) return unfinished(full, 431);
    if (bytes[i + 1] !== LF) fault("malformed header: bare carriage return");
    let valueEnd = i;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--;
    i += 2;
    spans.push(nameStart, nameEnd, valueStart, valueEnd);

    switch (nameEnd - nameStart) {
      case 4:
        if (!sameName(bytes, nameStart, HOST)) break;
        if (++hosts > 1) fault("duplicate Host header");
        for (let at = valueStart; at < valueEnd; at++) if (AUTHORITY[bytes[at]!] === 0) fault("malformed Host header");
        break;
      case 6:
        if (!sameName(bytes, nameStart, EXPECT)) break;
        if (bytes.toString("latin1", valueStart, valueEnd).toLowerCase() !== "100-continue") {
          throw new RequestFault(417, "unsupported expectation, expected 100-continue");
        }
        head.expectsContinue = true;
        break;
      case 10:
        if (!sameName(bytes, nameStart, CONNECTION)) break;
        for (const option of bytes.toString("latin1", valueStart, valueEnd).toLowerCase().split(",")) {
          const word = option.trim();
          if (word === "close") close = true;
          else if (word === "keep-alive") keep = true;
        }
        break;
      case 14:
        if (!sameName(bytes, nameStart, CONTENT_LENGTH)) break;
        if (++lengths > 1) fault("duplicate Content-Length header");
        head.bodyLength = decimal(bytes, valueStart, valueEnd);
        break;
      case 15:
        if (sameName(bytes, nameStart, ACCEPT_ENCODING)) head.hasAcceptEncoding = true;
        break;
      case 16:
        if (sameName(bytes, nameStart, CONTENT_ENCODING)) head.hasContentEncoding = true;
        break;
      case 17:
        if (!sameName(bytes, nameStart, TRANSFER_ENCODING)) break;
        if (++codings > 1) fault("duplicate Transfer-Encoding header");
        requireChunked(bytes.toString("latin1", valueStart, valueEnd).toLowerCase());
        break;
    }
  }

  if (hosts === 0 && head.minorVersion === 1) fault("missing Host header");
  if (codings > 0) {
    if (lengths > 0) fault("both Transfer-Encoding and Content-Length are present");
    if (head.minorVersion === 0) fault("Transfer-Encoding is not part of HTTP/1.0");
    head.bodyLength = CHUNKED;
  }
  head.keepAlive = !close && (keep || head.minorVersion === 1);
  if (head.minorVersion === 0) head.expectsContinue = false;
  if (head.method === "CONNECT") throw new RequestFault(501, "CONNECT is not supported");
  return head;
}

function unfinished(full: boolean, status: 414 | 431): undefined {
  if (full) throw new RequestFault(status, status === 414 ? "request line too long" : "request headers too large");
}

function badName(byte: number, first: boolean): never {
  if (byte !== SPACE && byte !== TAB) fault("malformed header name");
  fault(first ? "malformed header: folded lines are not allowed" : "malformed header: space before the colon");
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
const DIGIT = 35;

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
  if (absolute === null) fault("malformed request target, expected a path beginning with /");
  const [, authority = "", rest = ""] = absolute;
  for (let i = 0; i < authority.length; i++) if (AUTHORITY[authority.charCodeAt(i)] !== 1) fault("malformed request target host");
  head.authority = authority;
  if (rest === "") head.target = head.method === "OPTIONS" ? "*" : "/";
  else head.target = rest.startsWith("?") ? `/${rest}` : rest;
}

function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) fault("malformed Content-Length header");
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) fault("malformed Content-Length header");
    value = value * 10 + digit;
  }
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/** RFC 9112, 6.1: a coding under `chunked` that is not known is 501; any other ending leaves the body's end unknown, 400. */
function requireChunked(value: string): void {
  if (value === "chunked") return;
  const codings = value.split(",").map((coding) => coding.trim());
  const well = codings.at(-1) === "chunked" && codings.indexOf("chunked") === codings.length - 1 && !codings.includes("");
  if (well) throw new RequestFault(501, "unsupported Transfer-Encoding, expected chunked");
  fault("malformed Transfer-Encoding header, expected chunked");
}
