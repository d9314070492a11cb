import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";

/** Bytes, or as much work, between two turns for others: some 3 ms. */
const WORK = 2 << 20;

/** Gives others a turn now and then while a file is read. */
export class Turns {
  readonly #signal: AbortSignal;
  #left = WORK;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Most work that may be done before {@link spend} is asked again. */
  get most(): number {
    return WORK;
  }

  /** Notes work done; whether it is time to {@link take} a turn. */
  spend(work: number): boolean {
    this.#left -= work;
    return this.#left <= 0;
  }

  /** @throws the signal's reason once it aborts */
  async take(): Promise<void> {
    this.#left = WORK;
    await nextTurn();
    throwIfAborted(this.#signal);
  }
}
