import { stat } from "node:fs/promises";
import { throwIfAborted } from "../../base/abort.ts";
import { resolveInside } from "../../base/path-safety.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { ExternalData } from "./model-proto.ts";

/** Most files a model may keep its tensors in. */
const MOST_FILES = 10_000;

/** The other files that a model keeps tensors in, and how much it expects of each. */
export class ExternalFiles {
  /** Largest position that a tensor reaches to, by location. */
  readonly #ends = new Map<string, number>();
  readonly #model: string;

  /** `model` is the name of the model's file, for errors. */
  constructor(model: string) {
    this.#model = model;
  }

  /** Notes what one tensor needs. @throws ServingError invalid-argument for an offset or length that is no number. */
  add({ location, offset, length }: ExternalData): void {
    const end = this.#number(location, "offset", offset) + this.#number(location, "length", length);
    this.#ends.set(location, Math.max(end, this.#ends.get(location) ?? 0));
    if (this.#ends.size > MOST_FILES) {
      throw new ServingError("invalid-argument", `${this.#model} names more than ${MOST_FILES} other files`);
    }
  }

  /**
   * Checks that every file is there, below `root`, and long enough.
   * @returns the sum of their sizes in bytes
   * @throws ServingError invalid-argument for a file that may not be read, data-loss for one that is too short; both name
   * it as the model does.
   */
  async check(root: string, signal: AbortSignal): Promise<number> {
    let sum = 0;
    for (const [location, end] of this.#ends) {
      throwIfAborted(signal);
      const { size } = await stat(await resolveInside(root, location));
      if (size < end) {
        throw new ServingError(
          "data-loss",
          `${this.#model} needs ${end} bytes of ${JSON.stringify(location)}, which has ${size}`,
        );
      }
      sum += size;
    }
    return sum;
  }

  #number(location: string, what: string, text = "0"): number {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    throw new ServingError(
      "invalid-argument",
      `${this.#model} gives ${JSON.stringify(location)} the ${what} ${JSON.stringify(text)}, which is no whole number`,
    );
  }
}
