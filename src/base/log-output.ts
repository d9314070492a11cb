import { writeSync } from "node:fs";

/** Waits for a reader that is slow, each of a millisecond, before a line is given up: the thread that logs also serves. */
const MOST_WAITS = 20;

/** How a line gets out: writes from an offset on and gives how many bytes it took, as `writeSync` of node:fs. */
export type WriteBytes = (descriptor: number, bytes: Uint8Array, offset: number) => number;

/**
 * Where log lines go: each is written whole before the next thing happens, so that threads may share a descriptor and a dying process
 * loses none. A line that cannot be written (full disk, reader gone or not reading) is dropped: serving goes on without its log. The
 * first line that gets through again is followed by what `tellLost` writes about how many were lost.
 */
export class LogOutput {
  readonly #descriptor: number;
  readonly #tellLost: (lost: number) => void;
  readonly #write: WriteBytes;
  #lost = 0;
  /** Whether half a line is out: the next one must not continue it. */
  #torn = false;
  /** Whether the reader was given up on: until it reads again nobody waits for it. */
  #stalled = false;

  constructor(descriptor: number, tellLost: (lost: number) => void, write: WriteBytes = writeSync) {
    this.#descriptor = descriptor;
    this.#tellLost = tellLost;
    this.#write = write;
  }

  /** Writes a line with its end, or drops it. Never throws. */
  write(line: string): void {
    if (!this.#writeAll(this.#torn ? `\n${line}` : line)) {
      this.#lost++;
      return;
    }
    const lost = this.#lost;
    if (lost === 0) return;
    this.#lost = 0;
    this.#tellLost(lost);
    // Was lost itself: the next one says it all again.
    if (this.#lost > 0) this.#lost = lost;
  }

  #writeAll(text: string): boolean {
    const bytes = Buffer.from(text);
    let waits = this.#stalled ? MOST_WAITS : 0;
    for (let offset = 0; offset < bytes.length; ) {
      try {
        offset += this.#write(this.#descriptor, bytes, offset);
        if (offset > 0) this.#torn = offset < bytes.length;
      } catch (reason) {
        const full = (reason as NodeJS.ErrnoException).code === "EAGAIN";
        if (full && waits++ < MOST_WAITS) {
          sleep();
          continue;
        }
        this.#stalled = full;
        return false;
      }
    }
    this.#stalled = false;
    return true;
  }
}

/** A millisecond, by a lock nobody gives up. */
function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}
