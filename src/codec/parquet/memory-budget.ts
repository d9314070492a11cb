import { ServingError } from "../../base/serving-error.ts";

/**
 * How much memory reading may take: a few bytes of Parquet can stand for any number of values, so what is about to be made is taken from
 * here first.
 */
export class MemoryBudget {
  #left: number;
  #all: number;

  constructor(bytes: number) {
    this.#left = bytes;
    this.#all = bytes;
  }

  /** Allows more. */
  allow(bytes: number): void {
    this.#left += bytes;
    this.#all += bytes;
  }

  /** @throws ServingError resource-exhausted when there is not as much left */
  take(bytes: number): void {
    if (!(bytes <= this.#left)) {
      throw new ServingError(
        "resource-exhausted",
        `its values take more than the ${this.#all} bytes of memory that files of its size may`,
      );
    }
    this.#left -= bytes;
  }
}
