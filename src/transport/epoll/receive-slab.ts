import { Buffer } from "node:buffer";
import { addressOf, type SystemCalls } from "./system-calls.ts";

const SLAB_BYTES = 64 * 1024;
/** A slab with less room than this is given up: a read cut short costs another. */
const LEAST_ROOM_BYTES = 16 * 1024;
/** Slabs kept for the next batch of reads. */
const MOST_FREE = 16;

/** In tests: what is to be used again is overwritten, so that whoever still looks there is found out. */
const poisoning = process.env.MODELPORT_POISON_BUFFERS !== undefined;

interface Slab {
  readonly bytes: Buffer;
  readonly address: number;
}

/**
 * Where received bytes lie: one after the other in a slab, so that whoever is given them may keep them. What nobody kept is written
 * over by the next batch of reads, which then finds the slab in the processor's cache, and leaves no garbage.
 */
export class ReceiveSlab {
  readonly #calls: Pick<SystemCalls, "receive" | "errno">;
  #slab: Slab = newSlab();
  #used = 0;
  /** Where the batch began in its first slab: bytes before that were kept. */
  #batchStart = 0;
  /** Slabs that the batch has filled. */
  readonly #filled: Slab[] = [];
  readonly #free: Slab[] = [];

  constructor(calls: Pick<SystemCalls, "receive" | "errno">) {
    this.#calls = calls;
  }

  /** Reads once: the bytes, 0 at the end, or a negative errno. */
  receive(fd: number): Buffer | number {
    if (SLAB_BYTES - this.#used < LEAST_ROOM_BYTES) {
      this.#filled.push(this.#slab);
      this.#slab = this.#free.pop() ?? newSlab();
      this.#used = 0;
    }
    const start = this.#used;
    const { bytes, address } = this.#slab;
    const length = this.#calls.receive(fd, address + start, SLAB_BYTES - start);
    if (length <= 0) return length === 0 ? 0 : -this.#calls.errno();
    this.#used = start + length;
    return bytes.subarray(start, start + length);
  }

  /** Ends a batch. `kept`: whether any of its bytes may still be looked at. */
  endBatch(kept: boolean): void {
    if (kept) {
      while (this.#filled.length > 0) this.#filled.pop();
      this.#batchStart = this.#used;
      return;
    }
    if (poisoning) this.#poison();
    if (this.#filled.length > 0) {
      for (let index = this.#batchStart > 0 ? 1 : 0; index < this.#filled.length && this.#free.length < MOST_FREE; index++) {
        this.#free.push(this.#filled[index]!);
      }
      this.#filled.length = 0;
      this.#batchStart = 0;
    }
    this.#used = this.#batchStart;
  }

  #poison(): void {
    let from = this.#batchStart;
    for (const { bytes } of [...this.#filled, this.#slab]) {
      bytes.fill(0xdb, from);
      from = 0;
    }
  }
}

function newSlab(): Slab {
  const bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  return { bytes, address: addressOf(bytes) };
}
