import { Buffer } from "node:buffer";
import { addressOf, type SystemCalls } from "./system-calls.ts";

const SLAB_BYTES = 64 * 1024;
/** A slab with less room than this is given up: a read cut short costs another. */
const LEAST_ROOM_BYTES = 16 * 1024;

/**
 * Where received bytes lie: one after the other in a slab that is never written twice, so that whoever is given them may keep them.
 */
export class ReceiveSlab {
  readonly #calls: Pick<SystemCalls, "receive" | "errno">;
  #slab: Buffer = Buffer.alloc(0);
  #address = 0;
  #used = 0;

  constructor(calls: Pick<SystemCalls, "receive" | "errno">) {
    this.#calls = calls;
  }

  /** Reads once: the bytes, 0 at the end, or a negative errno. */
  receive(fd: number): Buffer | number {
    if (this.#slab.length - this.#used < LEAST_ROOM_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#address = addressOf(this.#slab);
      this.#used = 0;
    }
    const start = this.#used;
    const length = this.#calls.receive(fd, this.#address + start, this.#slab.length - start);
    if (length <= 0) return length === 0 ? 0 : -this.#calls.errno();
    this.#used = start + length;
    return this.#slab.subarray(start, start + length);
  }
}
