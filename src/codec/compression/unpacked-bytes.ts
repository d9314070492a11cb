import { ServingError } from "../../base/serving-error.ts";

const FIRST_BYTES = 1 << 16;
/** Memory behind the last byte: decoders that copy pieces may go as far beyond what they asked for. */
const SPARE_BYTES = 512;

/** Bytes that a decoder makes, one after the other, and no more than it may. */
export class UnpackedBytes {
  /** Memory of more than {@link length} bytes; another one after {@link room}. */
  data: Uint8Array;
  /** How many bytes there are. */
  length = 0;
  readonly #most: number;

  /** @param most bytes that may be made */
  constructor(most: number) {
    this.#most = most;
    this.data = new Uint8Array(Math.min(most, FIRST_BYTES) + SPARE_BYTES);
  }

  /** How many bytes more may be made. */
  get left(): number {
    return this.#most - this.length;
  }

  /** Makes sure that `data` has memory for some bytes more, and 512 behind them. @throws ServingError resource-exhausted when there may not be so many */
  room(count: number): void {
    const wanted = this.length + count;
    if (wanted > this.#most)
      throw new ServingError("resource-exhausted", `it is compressed, and has more than ${this.#most} bytes`);
    if (wanted + SPARE_BYTES <= this.data.length) return;
    const larger = new Uint8Array(Math.min(this.#most, Math.max(wanted, this.data.length * 2)) + SPARE_BYTES);
    larger.set(this.data.subarray(0, this.length));
    this.data = larger;
  }

  /** Adds bytes that are there. @throws ServingError as {@link room} */
  append(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A view of all bytes. */
  bytes(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
}
