import type { Clock, Timer } from "./clock.ts";

/** A clock for tests: time stands still until {@link FakeClock.advance} moves it. */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers = new Map<number, { readonly at: number; readonly action: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): Timer {
    const key = this.#order++;
    this.#timers.set(key, { at: this.#now + delayMs, action });
    return { cancel: () => void this.#timers.delete(key) };
  }

  /** Fires what is due in order of time, letting promises settle between timers. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (due === undefined) break;
      const [key, timer] = due;
      this.#timers.delete(key);
      this.#now = timer.at;
      timer.action();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets every promise that can settle now do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
