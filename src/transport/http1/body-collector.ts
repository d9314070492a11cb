import type { BodySink } from "./chunked-parser.ts";

const SMALLEST_CAPACITY = 4096;

/**
 * Gathers a body that arrives in pieces into one buffer. The buffer doubles as bytes arrive and never outgrows `bound`, so
 * a request that announces a large body and sends none takes no memory.
 */
export class BodyCollector implements BodySink {
  readonly #bound: number;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  /** `bound`: the announced length, or the most that may come. */
  constructor(bound: number) {
    this.#bound = bound;
  }

  /** Bytes gathered so far. */
  get length(): number {
    return this.#length;
  }

  /** Takes a copy of `bytes[start, end)`. The caller keeps the total within the bound. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + (end - start);
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#bound, Math.max(needed * 2, SMALLEST_CAPACITY))));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }

  /** The whole body; the collector is not used after that. */
  take(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
