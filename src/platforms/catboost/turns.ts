import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../base/abort.ts";

/** Numbers that are looked at without letting others have their turn: some milliseconds. */
const TURN = 200_000;

/** Lets others have their turn while much is read. */
export class Turns {
  readonly #signal: AbortSignal;
  #done = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Counts numbers that have been looked at. @throws the signal's reason once it aborts */
  async after(numbers: number): Promise<void> {
    this.#done += numbers;
    if (this.#done < TURN) return;
    this.#done = 0;
    await setImmediate();
    throwIfAborted(this.#signal);
  }
}
