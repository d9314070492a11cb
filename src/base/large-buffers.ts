import { Buffer } from "node:buffer";

/** Shorter buffers are not worth keeping: the allocator has them at hand. */
export const SMALLEST_LARGE = 32 * 1024;
/** Longer ones are too rare, and too much memory to keep for the next. */
const LARGEST_KEPT = 8 * 1024 * 1024;
const MOST_KEPT_BYTES = 16 * 1024 * 1024;
/** Sizes between one power of two and the next: a buffer is at most a quarter longer than what was asked for. */
const STEPS = 4;

/**
 * Memory for bodies of some size, used again and again. V8 counts the bytes of all buffers made since it last collected garbage and
 * collects everything after some 64 MiB of them: at a few hundred large requests a second that costs more than the requests
 * (measured: 1.3 ms of 3 for a body of 310 KiB).
 *
 * One for each thread. Nothing in here knows whether a buffer that comes back is still in use somewhere: whoever gives one back
 * vouches for it, and does so once.
 */
export class LargeBuffers {
  readonly #kept = new Map<number, ArrayBuffer[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #keptBytes = 0;
  /** Least that was kept since the last {@link trim}: what nobody needed. */
  #spare = 0;

  /** Bytes that wait to be used again. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** At least `length` bytes, whatever they hold. */
  lend(length: number): Buffer {
    return this.lendKept(length) ?? this.#make(length);
  }

  /** The same if it is long enough to be used again, else undefined. */
  lendLarge(length: number): Buffer | undefined {
    return length < SMALLEST_LARGE || length > LARGEST_KEPT ? undefined : this.lend(length);
  }

  /** The same if it takes no new memory, else undefined. */
  lendKept(length: number): Buffer | undefined {
    if (length < SMALLEST_LARGE || length > LARGEST_KEPT) return undefined;
    const kept = this.#kept.get(roundedUp(length))?.pop();
    if (kept === undefined) return undefined;
    this.#keptBytes -= kept.byteLength;
    this.#spare = Math.min(this.#spare, this.#keptBytes);
    this.#lent.add(kept);
    return Buffer.from(kept);
  }

  /** Takes back the memory of bytes that {@link lend} gave, or of no less than half of them; other bytes are left alone. */
  giveBack(bytes: ArrayBufferView): void {
    // Nearly all that come are short, and to ask for their buffer costs more than to answer them.
    if (bytes.byteLength < SMALLEST_LARGE / 2) return;
    const { buffer } = bytes;
    // One that was handed to another thread has no bytes any more.
    if (!this.#lent.delete(buffer) || !(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return;
    if (this.#keptBytes + buffer.byteLength > MOST_KEPT_BYTES) return;
    if (poisoning) new Uint8Array(buffer).fill(0xdb);
    const kept = this.#kept.get(buffer.byteLength);
    if (kept === undefined) this.#kept.set(buffer.byteLength, [buffer]);
    else kept.push(buffer);
    this.#keptBytes += buffer.byteLength;
  }

  /** Lets go of what was not needed since the last call. To be called about once a second. */
  trim(): void {
    for (const [length, kept] of this.#kept) {
      while (this.#spare >= length && kept.pop() !== undefined) {
        this.#spare -= length;
        this.#keptBytes -= length;
      }
    }
    this.#spare = this.#keptBytes;
  }

  #make(length: number): Buffer {
    if (length < SMALLEST_LARGE || length > LARGEST_KEPT) return Buffer.allocUnsafeSlow(length);
    const made = Buffer.allocUnsafeSlow(roundedUp(length));
    this.#lent.add(made.buffer);
    return made;
  }
}

/** In tests: what was given back is overwritten, so that whoever still uses it is found out. */
const poisoning = process.env.MODELPORT_POISON_BUFFERS !== undefined;

/** This thread's. */
export const largeBuffers = new LargeBuffers();

/** The next of the sizes that are kept. */
function roundedUp(length: number): number {
  const step = 2 ** (31 - Math.clz32(length - 1)) / STEPS;
  return Math.ceil(length / step) * step;
}
