/** Bodies sent in chunks (RFC 9112, section 7.1), undone piece by piece whatever the cuts between reads. */
import { type ExtensionPlace, nextInExtension } from "./chunk-extension.ts";
import { COLON, CR, FIELD_VALUE, HEX, LF, TOKEN } from "./grammar.ts";
import { malformed, RequestFault } from "./request-fault.ts";

/** How much a chunked body may hold; part of the transport's limits. */
export interface ChunkLimits {
  readonly maxBodyBytes: number;
  readonly maxChunks: number;
  /** Bounds the extensions of all chunks together, and the trailer section. */
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
}

/** Takes the plain bytes `bytes[start, end)` of a body, in order. */
export interface BodySink {
  append(bytes: Uint8Array, start: number, end: number): void;
}

/**
 * What the next byte belongs to:
 * size -> extension -> size-lf -> data -> data-cr -> data-lf -> size ...; after a chunk of size 0,
 * size-lf -> line -> (name -> value -> value-lf -> line)* -> end-lf -> done.
 */
type Place =
  | "size"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "line"
  | "name"
  | "value"
  | "value-lf"
  | "end-lf"
  | "done";

const MOST_DIGITS = 16;

/** Decodes one chunked body. Extensions and trailers are checked, counted and dropped. */
export class ChunkedParser {
  readonly #limits: ChunkLimits;
  readonly #sink: BodySink;
  #place: Place = "size";
  #digits = 0;
  #size = 0;
  /** Bytes of the current chunk that are still to come. */
  #left = 0;
  #total = 0;
  #chunks = 0;
  #extension: ExtensionPlace = "before";
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailers = 0;

  constructor(limits: ChunkLimits, sink: BodySink) {
    this.#limits = limits;
    this.#sink = sink;
  }

  /** Whether the body's end has been read. */
  get done(): boolean {
    return this.#place === "done";
  }

  /**
   * Reads on from `start`; returns the index after the last byte that belongs to the body, which is `end` unless {@link done}.
   * Throws {@link RequestFault}: 400 when malformed, 413 over a limit; the parser is of no use after that.
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let i = start;
    while (i < end && this.#place !== "done") {
      if (this.#place === "data") {
        const taken = Math.min(end - i, this.#left);
        this.#sink.append(bytes, i, i + taken);
        this.#left -= taken;
        i += taken;
        if (this.#left === 0) this.#place = "data-cr";
      } else {
        this.#place = this.#next(bytes[i]!);
        i++;
      }
    }
    return i;
  }

  #next(byte: number): Place {
    switch (this.#place) {
      case "size":
        return this.#inSize(byte);
      case "extension":
        return this.#inExtension(byte);
      case "size-lf":
        return byte === LF ? this.#afterSize() : malformed("malformed chunk size line");
      case "data-cr":
        return byte === CR ? "data-lf" : malformed("chunk data longer than its size");
      case "data-lf":
        return byte === LF ? "size" : malformed("malformed end of a chunk");
      case "end-lf":
        return byte === LF ? "done" : malformed("malformed end of a chunked body");
      case "line":
      case "name":
      case "value":
      case "value-lf":
        return this.#inTrailer(this.#place, byte);
      case "data":
      case "done":
        return this.#place;
    }
  }

  #inSize(byte: number): Place {
    const digit = HEX[byte]!;
    if (digit >= 0) {
      if (++this.#digits > MOST_DIGITS) malformed("malformed chunk size");
      this.#size = this.#size * 16 + digit;
      return "size";
    }
    if (this.#digits === 0) malformed("malformed chunk size");
    if (byte === CR) return "size-lf";
    this.#extension = "before";
    return this.#inExtension(byte);
  }

  #inExtension(byte: number): Place {
    if (++this.#extensionBytes > this.#limits.maxHeaderBytes) throw new RequestFault(413, "the chunk extensions are too large");
    const next = nextInExtension(this.#extension, byte);
    if (next === undefined) malformed("malformed chunk size or extension");
    this.#extension = next;
    return next === "line-end" ? "size-lf" : "extension";
  }

  #afterSize(): Place {
    const size = this.#size;
    this.#digits = 0;
    this.#size = 0;
    if (size === 0) return "line";
    if (++this.#chunks > this.#limits.maxChunks) {
      throw new RequestFault(413, `the request body has more than ${this.#limits.maxChunks} chunks`);
    }
    this.#total += size;
    if (this.#total > this.#limits.maxBodyBytes) {
      throw new RequestFault(413, `the request body is larger than the limit of ${this.#limits.maxBodyBytes} bytes`);
    }
    this.#left = size;
    return "data";
  }

  #inTrailer(place: "line" | "name" | "value" | "value-lf", byte: number): Place {
    if (++this.#trailerBytes > this.#limits.maxHeaderBytes) throw new RequestFault(431, "the trailers are too large");
    switch (place) {
      case "line":
        if (byte === CR) return "end-lf";
        if (TOKEN[byte] === 0) malformed("malformed trailer name");
        if (++this.#trailers > this.#limits.maxHeaderCount) throw new RequestFault(431, "too many trailers");
        return "name";
      case "name":
        if (byte === COLON) return "value";
        return TOKEN[byte] === 0 ? malformed("malformed trailer name") : "name";
      case "value":
        if (byte === CR) return "value-lf";
        return FIELD_VALUE[byte] === 1 ? "value" : malformed("malformed trailer value");
      case "value-lf":
        return byte === LF ? "line" : malformed("malformed end of a trailer");
    }
  }
}
