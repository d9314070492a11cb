import type { Readable } from "node:stream";
import type { Clock, Timer } from "../../base/clock.ts";

/** Longest line that is logged, in bytes; of a longer one the beginning. */
const MOST_LINE_BYTES = 4096;
/** Lines and bytes that are logged in a second; what is more is counted. */
const MOST_LINES = 100;
const MOST_BYTES = 64 * 1024;
const PERIOD_MS = 1000;
const NEWLINE = 0x0a;

/** Where a worker's output goes. */
export interface OutputSink {
  line(text: string): void;
  /** Bytes that were not logged, told once a period at most. */
  dropped(bytes: number): void;
}

/**
 * Reads what a worker prints and gives it on line by line. All is read at once, however much it is, so that the worker never waits; what is more
 * than some lines a second is dropped, so that neither memory nor the log fills.
 */
export class WorkerOutput {
  readonly #sink: OutputSink;
  readonly #clock: Clock;
  /** Beginning of a line whose end has not come. */
  #partial: Buffer = EMPTY;
  /** The rest of the line is passed over. */
  #skipping = false;
  #since = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #bytes = 0;
  #dropped = 0;
  #timer: Timer | undefined;

  constructor(stream: Readable, sink: OutputSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
    stream.on("error", () => undefined);
    stream.on("close", () => this.#end());
  }

  #take(chunk: Buffer): void {
    this.#renew();
    let at = 0;
    while (at < chunk.length) {
      if (this.#lines >= MOST_LINES || this.#bytes >= MOST_BYTES) {
        // Not searched for ends of lines: a gigabyte has too many.
        this.#dropped += this.#partial.length + chunk.length - at;
        this.#tellLater();
        this.#partial = EMPTY;
        this.#skipping = chunk[chunk.length - 1] !== NEWLINE;
        return;
      }
      const found = chunk.indexOf(NEWLINE, at);
      const end = found < 0 ? chunk.length : found;
      this.#add(chunk.subarray(at, end));
      if (found < 0) return;
      this.#finish();
      at = end + 1;
    }
  }

  #add(part: Buffer): void {
    if (this.#skipping) {
      this.#dropped += part.length;
      return;
    }
    const room = MOST_LINE_BYTES - this.#partial.length;
    this.#dropped += Math.max(0, part.length - room);
    // A copy: a part of a line must not keep the chunk that it came in.
    if (part.length > 0 && room > 0) this.#partial = Buffer.concat([this.#partial, part.subarray(0, room)]);
  }

  #finish(): void {
    if (!this.#skipping) {
      const text = this.#partial.toString("utf8").trimEnd();
      this.#lines++;
      this.#bytes += this.#partial.length;
      if (text !== "") this.#sink.line(text);
    }
    this.#skipping = false;
    this.#partial = EMPTY;
  }

  #renew(): void {
    const now = this.#clock.now();
    if (now - this.#since < PERIOD_MS) return;
    this.#since = now;
    this.#lines = 0;
    this.#bytes = 0;
    this.#tellDropped();
  }

  /** A worker that prints no more is told of as well. */
  #tellLater(): void {
    this.#timer ??= this.#clock.after(PERIOD_MS, () => {
      this.#timer = undefined;
      this.#tellDropped();
    });
  }

  #end(): void {
    this.#timer?.cancel();
    if (this.#partial.length > 0) this.#finish();
    this.#tellDropped();
  }

  #tellDropped(): void {
    if (this.#dropped > 0) this.#sink.dropped(this.#dropped);
    this.#dropped = 0;
  }
}

const EMPTY = Buffer.alloc(0);
