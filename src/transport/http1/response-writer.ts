import { Buffer } from "node:buffer";
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
export const COPIED_BODY_BYTES = 32 * 1024;

const EMPTY = Buffer.alloc(0);

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

const CONTENT_LENGTH = Buffer.from("content-length: ", "latin1");
const CHUNKED = Buffer.from("transfer-encoding: chunked\r\n", "latin1");

/** What follows the length: date, and how the connection goes on. */
interface Ending {
  readonly keepAlive: Buffer;
  readonly keepAlive10: Buffer;
  readonly close: Buffer;
}

/** Puts answers on the wire. One for all connections of a thread: it keeps what one answer shares with the next. */
export class ResponseWriter {
  readonly #wallNow: () => number;
  #second = -1;
  #ending: Ending = { keepAlive: EMPTY, keepAlive10: EMPTY, close: EMPTY };
  /** The status line and header lines written last, and what they were made from. */
  #status = 0;
  #headers: HttpResponse["headers"] | undefined;
  #beginning: Buffer | undefined;

  /** `wallNow`: milliseconds since 1970, for the `date` header. */
  constructor(wallNow: () => number = Date.now) {
    this.#wallNow = wallNow;
  }

  /**
   * Appends the bytes of an answer to `out`: one buffer for a small body, two for a large one, which is not copied, and the head
   * alone of a streamed one. To HTTP/1.1 that is sent in chunks; for HTTP/1.0 `framing` must say that the connection closes. An
   * answer that cannot be sent as it is (a header with a line break, a status that is none) is replaced by a 500; then false is
   * returned.
   */
  write(response: HttpResponse, framing: AnswerFraming, out: Uint8Array[]): boolean {
    const { status, body } = response;
    const beginning = this.#begin(status, response.headers);
    if (beginning === undefined) {
      this.write(faultAnswer(500, "internal error"), framing, out);
      return false;
    }
    const whole = body instanceof Uint8Array;
    const length = whole && hasBody(status, framing.headOnly) ? body.length : 0;
    const copied = length <= COPIED_BODY_BYTES ? length : 0;
    const sized = status !== 204 && status !== 304 && (whole || status === 205);
    const stated = whole && status !== 205 ? body.length : 0;
    const chunked = !sized && status !== 204 && status !== 304 && framing.minorVersion === 1;
    const ending = this.#end(framing);
    const lengthLine = sized ? CONTENT_LENGTH.length + digitsOf(stated) + 2 : chunked ? CHUNKED.length : 0;
    // Of the exact length: one allocation, and no second view of it.
    const bytes = Buffer.allocUnsafe(beginning.length + lengthLine + ending.length + copied);
    bytes.set(beginning, 0);
    let at = beginning.length;
    if (sized) writeLength(bytes, at, stated);
    else if (chunked) bytes.set(CHUNKED, at);
    at += lengthLine;
    bytes.set(ending, at);
    if (whole && copied > 0) bytes.set(body, at + ending.length);
    out.push(bytes);
    if (whole && length > copied) out.push(body);
    return true;
  }

  #begin(status: number, headers: HttpResponse["headers"]): Buffer | undefined {
    if (status === this.#status && headers === this.#headers) return this.#beginning;
    const lines = Number.isInteger(status) && status >= 200 && status <= 599 ? headerLines(headers) : undefined;
    if (lines === undefined) return undefined;
    this.#status = status;
    this.#headers = headers;
    this.#beginning = Buffer.from(statusLine(status) + lines, "latin1");
    return this.#beginning;
  }

  #end({ close, minorVersion }: AnswerFraming): Buffer {
    const now = this.#wallNow();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const date = `date: ${new Date(now).toUTCString()}\r\n`;
      this.#ending = {
        keepAlive: Buffer.from(`${date}\r\n`, "latin1"),
        keepAlive10: Buffer.from(`${date}connection: keep-alive\r\n\r\n`, "latin1"),
        close: Buffer.from(`${date}connection: close\r\n\r\n`, "latin1"),
      };
    }
    if (close) return this.#ending.close;
    return minorVersion === 0 ? this.#ending.keepAlive10 : this.#ending.keepAlive;
  }
}

function digitsOf(length: number): number {
  let digits = 1;
  for (let power = 10; power <= length; power *= 10) digits++;
  return digits;
}

/** Writes the header line of a body's length. */
function writeLength(bytes: Buffer, start: number, length: number): void {
  bytes.set(CONTENT_LENGTH, start);
  const first = start + CONTENT_LENGTH.length;
  const end = first + digitsOf(length);
  let rest = length;
  for (let at = end - 1; at >= first; at--) {
    bytes[at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  bytes[end] = 0x0d;
  bytes[end + 1] = 0x0a;
}
