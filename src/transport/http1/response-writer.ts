import { STATUS_CODES } from "node:http";
import type { HttpResponse } from "../http-exchange.ts";
import { faultAnswer } from "./fault-answer.ts";

/** How an answer ends its exchange. */
export interface AnswerFraming {
  /** Minor version of the request's HTTP/1. */
  readonly minorVersion: 0 | 1;
  /** Answers HEAD: the length of the body without the body. */
  readonly headOnly: boolean;
  /** Whether the connection closes after this answer. */
  readonly close: boolean;
}

/** Bodies up to this size are copied behind their head: one buffer and one write cost less than a gathering write. */
const COPIED_BODY_BYTES = 32 * 1024;

const NAME = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What only the transport may say; a handler's own are dropped. */
const FRAMING = new Set(["connection", "content-length", "date", "keep-alive", "trailer", "transfer-encoding", "upgrade"]);

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  let line = statusLines.get(status);
  if (line === undefined) {
    const reason = status === 499 ? "Client Closed Request" : (STATUS_CODES[status] ?? "Unknown");
    line = `HTTP/1.1 ${status} ${reason}\r\n`;
    statusLines.set(status, line);
  }
  return line;
}

/** The header lines of an answer, or undefined when one of them could be read as something else than one header. */
function headerLines(headers: HttpResponse["headers"]): string | undefined {
  let lines = "";
  for (const [name, value] of headers) {
    if (!NAME.test(name) || !VALUE.test(value)) return undefined;
    if (!FRAMING.has(name)) lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** Whether an answer's head is followed by a body (RFC 9112, 6.3; RFC 9110, 15.3.6). */
export function hasBody(status: number, headOnly: boolean): boolean {
  return !headOnly && status !== 204 && status !== 205 && status !== 304;
}

/** Puts answers on the wire. One for all connections of a thread: it keeps the `date` header of the current second. */
export class ResponseWriter {
  readonly #wallNow: () => number;
  #second = -1;
  #dateLine = "";

  /** `wallNow`: milliseconds since 1970, for the `date` header. */
  constructor(wallNow: () => number = Date.now) {
    this.#wallNow = wallNow;
  }

  /**
   * Appends the bytes of an answer to `out`: one buffer for a small body, two for a large one, which is not copied, and the head
   * alone of a streamed one. To HTTP/1.1 that is sent in chunks; for HTTP/1.0 `framing` must say that the connection closes. An answer that cannot be sent as it is (a header with a line break, a status that is none) is replaced by a 500; then
   * false is returned.
   */
  write(response: HttpResponse, framing: AnswerFraming, out: Uint8Array[]): boolean {
    const { status, body } = response;
    const lines = Number.isInteger(status) && status >= 200 && status <= 599 ? headerLines(response.headers) : undefined;
    if (lines === undefined) {
      this.write(faultAnswer(500, "internal error"), framing, out);
      return false;
    }
    const whole = body instanceof Uint8Array;
    let head = statusLine(status) + lines;
    if (status !== 204 && status !== 304) {
      if (whole || status === 205) head += `content-length: ${whole && status !== 205 ? body.length : 0}\r\n`;
      else if (framing.minorVersion === 1) head += "transfer-encoding: chunked\r\n";
    }
    head += this.#date();
    if (framing.close) head += "connection: close\r\n\r\n";
    else head += framing.minorVersion === 0 ? "connection: keep-alive\r\n\r\n" : "\r\n";

    const length = whole && hasBody(status, framing.headOnly) ? body.length : 0;
    if (whole && length > COPIED_BODY_BYTES) {
      out.push(Buffer.from(head, "latin1"), body);
      return true;
    }
    const bytes = Buffer.allocUnsafe(head.length + length);
    bytes.write(head, "latin1");
    if (whole && length > 0) bytes.set(body, head.length);
    out.push(bytes);
    return true;
  }

  #date(): string {
    const now = this.#wallNow();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#dateLine = `date: ${new Date(now).toUTCString()}\r\n`;
    }
    return this.#dateLine;
  }
}
