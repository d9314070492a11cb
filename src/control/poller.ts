import type { Clock, Timer } from "../base/clock.ts";

/**
 * Calls `look` again and again until stopped, never twice at a time; what goes wrong goes to `report`, once until it went
 * well again.
 */
export class Poller {
  readonly #look: () => Promise<void>;
  readonly #report: (reason: unknown) => void;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #timer: Timer | undefined;
  #stopped = false;
  #failing = false;

  constructor(look: () => Promise<void>, intervalMs: number, clock: Clock, report: (reason: unknown) => void) {
    this.#look = look;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#report = report;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (!this.#stopped) this.#timer = this.#clock.after(this.#intervalMs, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    try {
      await this.#look();
      this.#failing = false;
    } catch (reason) {
      if (!this.#failing) this.#report(reason);
      this.#failing = true;
    }
    this.#schedule();
  }
}
