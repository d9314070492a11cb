import { ServingError } from "../base/serving-error.ts";

/** Twice the transport's default limit of a message. */
const DEFAULT_BYTES = 128 * 1024 * 1024;

/**
 * How much memory decoding one request may take. A few bytes can describe a tensor of any size (its shape and one value
 * to fill it with), so what a decoder is about to allocate is taken from here first.
 */
export class AllocationBudget {
  #left: number;
  readonly #limit: number;

  /** @param bytes what the request may take in all; by default twice the default limit of a message. */
  constructor(bytes = DEFAULT_BYTES) {
    this.#left = bytes;
    this.#limit = bytes;
  }

  /** @throws ServingError invalid-argument when the request would take more than it may. */
  take(bytes: number): void {
    if (!(bytes <= this.#left)) {
      throw new ServingError(
        "invalid-argument",
        `the request describes more than the ${this.#limit} bytes that one may take in memory`,
      );
    }
    this.#left -= bytes;
  }
}
