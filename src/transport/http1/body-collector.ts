import { largeBuffers } from "../../base/large-buffers.ts";
import { noteOwnMemory } from "../own-memory.ts";
import type { BodySink } from "./chunked-parser.ts";

const SMALLEST_CAPACITY = 4096;
/** From here on the buffer quadruples: to copy tens of megabytes holds up others, and pages that are not written to take no memory. */
const LARGE_BYTES = 1024 * 1024;
/** Bytes of the longest element of a tensor. */
const ALIGNMENT = 8;

/**
 * Gathers a body that arrives in pieces into one buffer. The buffer grows as bytes arrive and never outgrows `bound`, so
 * a request that announces a large body and sends none takes no memory.
 */
export class BodyCollector implements BodySink {
  readonly #bound: number;
  /** Where the body begins in the buffer. */
  readonly #start: number;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  /**
   * `bound`: the announced length, or the most that may come. With `alignEnd` the last of `bound` bytes lies before a multiple
   * of 8: a message's large tensor is mostly the last thing in it, so that its elements lie aligned.
   */
  constructor(bound: number, alignEnd = false) {
    this.#bound = bound;
    this.#start = alignEnd ? (ALIGNMENT - (bound % ALIGNMENT)) % ALIGNMENT : 0;
  }

  /** Bytes gathered so far. */
  get length(): number {
    return this.#length;
  }

  /** Takes a copy of `bytes[start, end)`. The caller keeps the total within the bound. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#start + this.#length;
    const needed = at + end - start;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#buffer.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
    this.#length += end - start;
  }

  /** The whole body, which may be given back to {@link largeBuffers}; the collector is not used after that. */
  take(): Uint8Array {
    const body = this.#buffer.subarray(this.#start, this.#start + this.#length);
    noteOwnMemory(body);
    return body;
  }

  #grow(needed: number): void {
    const most = this.#start + this.#bound;
    const wanted = Math.max(needed * (needed < LARGE_BYTES ? 2 : 4), SMALLEST_CAPACITY);
    // What is kept for bodies anyway is had in full at once.
    const grown = largeBuffers.lendKept(most) ?? largeBuffers.lend(Math.max(needed, Math.min(most, wanted)));
    grown.set(this.#buffer.subarray(0, this.#start + this.#length));
    largeBuffers.giveBack(this.#buffer);
    this.#buffer = grown;
  }
}
