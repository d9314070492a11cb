import { Buffer } from "node:buffer";
import { bodyCoding } from "../content-coding.ts";
import type { TransportLimits } from "../limits.ts";
import { ownBytes } from "../own-bytes.ts";
import { BodyCollector } from "./body-collector.ts";
import { ChunkedParser } from "./chunked-parser.ts";
import { CR, LF } from "./grammar.ts";
import { CHUNKED, parseRequestHead, RequestHead } from "./head-parser.ts";
import { RequestFault } from "./request-fault.ts";

/** What the next byte belongs to: head -> (body | chunks) -> head. */
type Place = "head" | "body" | "chunks";

const NO_BYTES = Buffer.alloc(0);
const HEAD = Buffer.from("HEAD ");

/** Heads in a row that differ from the one before them, after which the connection's heads are no longer compared. */
const MOST_CHANGES = 4;

/**
 * Turns the bytes of a connection into whole requests, however they are cut. Pure: it knows no socket and no time.
 *
 * A body that arrived together with its head is a view of what was pushed; any other is gathered.
 */
export class RequestReader {
  readonly #limits: TransportLimits;
  #place: Place = "head";
  /** Bytes that were pushed, from {@link #position} not yet used. */
  #input: Buffer = NO_BYTES;
  #position = 0;
  #head: RequestHead | undefined = undefined;
  #collector: BodyCollector | undefined = undefined;
  #chunks: ChunkedParser | undefined = undefined;
  #partialHead = false;
  #needsLine = false;
  /** Whether the empty line that may come before a request has come (RFC 9112, 2.2). */
  #emptyLine = false;
  #continueDue = false;
  #body: Uint8Array = NO_BYTES;
  #gathered = false;
  /** A head of before in bytes of its own: clients repeat themselves, and comparing costs a fraction of parsing. */
  #known: RequestHead | undefined = undefined;
  #changes = -1;

  constructor(limits: TransportLimits) {
    this.#limits = limits;
  }

  /** The body, still in its content coding, of the request that {@link next} gave last. */
  get body(): Uint8Array {
    return this.#body;
  }

  /** Whether the request that {@link next} gave last lies in memory of its own, head and body. */
  get gathered(): boolean {
    return this.#gathered;
  }

  /** The head of the request whose body is being read, or was found faulty; of a faulty head no more than whether it asks for HEAD. */
  get faultyHead(): RequestHead {
    if (this.#head !== undefined) return this.#head;
    const head = new RequestHead(NO_BYTES, 0);
    const begins = this.#input.subarray(this.#position, this.#position + HEAD.length);
    if (this.#place === "head" && HEAD.equals(begins)) head.method = "HEAD";
    return head;
  }

  /** The head of the request whose body is being read; undefined when none is. */
  get begun(): RequestHead | undefined {
    return this.#head;
  }

  /** Whether nothing of a next request is there. */
  get atBoundary(): boolean {
    return this.#place === "head" && this.#position === this.#input.length;
  }

  /** Bytes kept of requests that are not whole, or wait to be read. */
  get heldBytes(): number {
    const unread = this.#input.length - this.#position;
    return this.#collector === undefined ? unread : unread + this.#collector.length;
  }

  /** Which part of a request has begun and not ended; undefined between requests and before {@link next} has looked. */
  get unfinished(): "head" | "body" | undefined {
    if (this.#place !== "head") return "body";
    return this.#partialHead ? "head" : undefined;
  }

  /** Whether nothing of what was pushed will be looked at again, but for the bodies and heads that were given out. */
  get holdsNoInput(): boolean {
    return this.#position === this.#input.length;
  }

  /** Adds bytes that arrived. Kept, not copied, unless they continue a head. */
  push(bytes: Buffer): void {
    const rest = this.#input.length - this.#position;
    this.#input = rest === 0 ? bytes : Buffer.concat([this.#input.subarray(this.#position), bytes], rest + bytes.length);
    this.#position = 0;
    // A head does not become complete without a line end: a peer that sends it byte by byte must not cost a parse for each.
    this.#needsLine = this.#partialHead && this.#input.length < this.#limits.maxHeaderBytes && !bytes.includes(LF);
  }

  /**
   * The head of the next whole request, whose body is in {@link body}; undefined when it has not all arrived. Throws
   * {@link RequestFault} when the connection cannot be read any further.
   */
  next(): RequestHead | undefined {
    while (this.#position < this.#input.length) {
      if (this.#place === "head") {
        if (this.#needsLine) return undefined;
        const head = this.#readHead();
        if (head !== undefined || this.#partialHead) return head;
      } else {
        return this.#place === "body" ? this.#readBody() : this.#readChunks();
      }
    }
    return undefined;
  }

  /** Whether `100 Continue` is due to the peer; true once a request. */
  takeContinue(): boolean {
    const due = this.#continueDue;
    this.#continueDue = false;
    return due;
  }

  /** Lets go of the buffers of which it holds a small part: what is not whole by now may take long. */
  compact(): void {
    this.#input = this.#position < this.#input.length ? ownBytes(this.#input.subarray(this.#position)) : NO_BYTES;
    this.#position = 0;
  }

  /** Lets go of all that was read. */
  drop(): void {
    this.#place = "head";
    this.#input = NO_BYTES;
    this.#position = 0;
    this.#partialHead = false;
    this.#needsLine = false;
    this.#emptyLine = false;
    this.#continueDue = false;
    this.#head = undefined;
    this.#collector = undefined;
    this.#chunks = undefined;
    this.#known = undefined;
  }

  #readHead(): RequestHead | undefined {
    const limits = this.#limits;
    const input = this.#input;
    if (input[this.#position] === CR && !this.#emptyLine && !this.#skipEmptyLine()) return undefined;
    const head = this.#knownHead() ?? this.#newHead();
    this.#partialHead = head === undefined;
    if (head === undefined) return undefined;
    this.#head = head;
    const { bodyLength } = head;
    const end = this.#position + head.end - head.start;
    this.#position = end;
    if (bodyLength === 0) return this.#whole(head, NO_BYTES);
    if (bodyLength > limits.maxBodyBytes) {
      throw new RequestFault(413, `the request body is larger than the limit of ${limits.maxBodyBytes} bytes`);
    }
    if (head.hasContentEncoding && bodyCoding(head.header("content-encoding")) === "unsupported") {
      throw new RequestFault(415, "unsupported Content-Encoding, expected gzip");
    }
    if (bodyLength !== CHUNKED && input.length - end >= bodyLength) {
      this.#position = end + bodyLength;
      return this.#whole(head, input.subarray(end, end + bodyLength));
    }
    this.#continueDue = head.expectsContinue && end === input.length;
    if (head !== this.#known) this.#head = this.#ownHead(head);
    this.#collector = new BodyCollector(bodyLength === CHUNKED ? limits.maxBodyBytes : bodyLength);
    if (bodyLength === CHUNKED) this.#chunks = new ChunkedParser(limits, this.#collector);
    this.#place = bodyLength === CHUNKED ? "chunks" : "body";
    return undefined;
  }

  /** Skips the empty line that begins here; false when no head can begin behind it yet. */
  #skipEmptyLine(): boolean {
    const left = this.#input.length - this.#position;
    this.#partialHead = left === 1;
    if (left === 1) return false;
    // What is no line end is left to the parser, which refuses it.
    if (this.#input[this.#position + 1] !== LF) return true;
    this.#position += 2;
    this.#emptyLine = true;
    return left > 2;
  }

  #knownHead(): RequestHead | undefined {
    const known = this.#known;
    if (known === undefined) return undefined;
    const { bytes } = known;
    const start = this.#position;
    const end = start + bytes.length;
    if (end > this.#input.length || this.#input.compare(bytes, 0, bytes.length, start, end) !== 0) return undefined;
    this.#changes = 0;
    return known;
  }

  #newHead(): RequestHead | undefined {
    const input = this.#input;
    const head = parseRequestHead(input, this.#position, input.length, this.#limits);
    // The first is not kept: many a connection brings no second.
    if (head === undefined || this.#changes > MOST_CHANGES || ++this.#changes === 0) return head;
    if (this.#changes > MOST_CHANGES) {
      this.#known = undefined;
      return head;
    }
    this.#known = this.#ownHead(head);
    return head;
  }

  /** The head in bytes of its own: its body takes longer than what it came with. */
  #ownHead(head: RequestHead): RequestHead {
    const bytes = Buffer.allocUnsafeSlow(head.end - head.start);
    head.bytes.copy(bytes, 0, head.start, head.end);
    return parseRequestHead(bytes, 0, bytes.length, this.#limits)!;
  }

  #readBody(): RequestHead | undefined {
    const head = this.#head!;
    const collector = this.#collector!;
    const end = Math.min(this.#input.length, this.#position + head.bodyLength - collector.length);
    collector.append(this.#input, this.#position, end);
    this.#position = end;
    return collector.length === head.bodyLength ? this.#whole(head, collector.take()) : undefined;
  }

  #readChunks(): RequestHead | undefined {
    const chunks = this.#chunks!;
    this.#position = chunks.push(this.#input, this.#position, this.#input.length);
    return chunks.done ? this.#whole(this.#head!, this.#collector!.take()) : undefined;
  }

  #whole(head: RequestHead, body: Uint8Array): RequestHead {
    this.#body = body;
    this.#gathered = this.#collector !== undefined;
    this.#place = "head";
    this.#emptyLine = false;
    this.#head = undefined;
    this.#collector = undefined;
    this.#chunks = undefined;
    if (this.#position === this.#input.length) {
      this.#input = NO_BYTES;
      this.#position = 0;
    }
    return head;
  }
}
