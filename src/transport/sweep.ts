import type { Clock } from "../base/clock.ts";
import { perClock } from "./per-clock.ts";

/** Something with time limits that a {@link Sweep} looks at. */
export interface Swept {
  /** Called about once a second with the clock's time; may remove itself or others. Must not throw. */
  sweep(now: number): void;
}

const PERIOD_MS = 1000;

/**
 * One timer for all connections that share a clock, instead of several a connection: time limits are kept to about a
 * second, and a request starts and stops no timer. Runs only while something is in it.
 */
export class Sweep {
  readonly #clock: Clock;
  readonly #entries = new Set<Swept>();
  #armed = false;
  /** Whether the last round was left out. */
  #skipped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(entry: Swept): void {
    this.#entries.add(entry);
    this.#arm();
  }

  delete(entry: Swept): void {
    this.#entries.delete(entry);
  }

  #arm(): void {
    if (this.#armed || this.#entries.size === 0) return;
    this.#armed = true;
    const due = this.#clock.now() + PERIOD_MS;
    this.#clock.after(PERIOD_MS, () => {
      this.#armed = false;
      const now = this.#clock.now();
      // So late, it was this thread that did not look: what its peers have sent meanwhile is read before they are judged.
      this.#skipped = !this.#skipped && now - due >= PERIOD_MS;
      if (!this.#skipped) for (const entry of this.#entries) entry.sweep(now);
      this.#arm();
    });
  }
}

/** The sweep of a clock. */
export const sweepOf = perClock((clock) => new Sweep(clock));
