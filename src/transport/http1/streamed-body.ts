import type { BodySink } from "../body-pump.ts";
import type { SocketWriter } from "../socket-writer.ts";
import { afterOthers } from "../turn-end.ts";

/** Pieces gathered beyond this size are written at once; smaller ones at the end of the turn. */
const FLUSHED_BYTES = 16 * 1024;
const CRLF = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/** How a streamed body came to its end. */
export interface StreamedBodyEnd {
  /** Its last bytes are with the writer, to be flushed. */
  ended(): void;
  broken(reason: unknown): void;
}

/**
 * Sends a body of unknown length over HTTP/1: in chunks (RFC 9112, 7.1), or as it is when the connection's close ends it. What is
 * given within one turn of the event loop leaves in one write, the head included.
 */
export class StreamedBody implements BodySink {
  readonly #writer: SocketWriter;
  readonly #chunked: boolean;
  readonly #end: StreamedBodyEnd;
  #gathered: Uint8Array[];
  #gatheredBytes = 0;
  #scheduled = false;

  /** `head` is what goes before the body. */
  constructor(writer: SocketWriter, head: Uint8Array[], chunked: boolean, end: StreamedBodyEnd) {
    this.#writer = writer;
    this.#gathered = head;
    this.#chunked = chunked;
    this.#end = end;
    this.#schedule();
  }

  piece(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#chunked) this.#gathered.push(Buffer.from(`${bytes.length.toString(16)}\r\n`, "latin1"), bytes, CRLF);
    else this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= FLUSHED_BYTES) this.#flush();
    else this.#schedule();
    return this.#writer.room();
  }

  end(): void {
    if (this.#chunked) this.#gathered.push(LAST_CHUNK);
    this.#handOver();
    this.#end.ended();
  }

  broken(reason: unknown): void {
    this.#flush();
    this.#end.broken(reason);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    afterOthers(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#handOver();
    this.#writer.flush();
  }

  #handOver(): void {
    for (const bytes of this.#gathered) this.#writer.out.push(bytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }
}
