import type { Clock, Timer } from "../../base/clock.ts";
import { perClock } from "../per-clock.ts";

/** A call that a {@link Deadlines} watches. */
export interface Deadlined {
  /** When it is up, by the clock that watches. */
  readonly deadline: number;
  /** Called once the deadline has passed; the call is watched no longer. Must not throw. */
  expire(): void;
}

/** Longer delays do not fit a timer; it is set anew when it fires. */
const LONGEST_TIMER_MS = 0x7fffffff;
/** At most this often are the calls looked through, however their deadlines are spread. */
const SHORTEST_TIMER_MS = 1;

/**
 * The deadlines of all calls that share a clock, kept with one timer: it is set for the earliest of them, and left alone when
 * that call ends in time, so that watching a call costs a place in a set. Nearly all calls end before their deadline.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #calls = new Set<Deadlined>();
  #timer: Timer | undefined = undefined;
  /** What the timer is set for. */
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(call: Deadlined): void {
    this.#calls.add(call);
    if (call.deadline < this.#timerAt) this.#arm(call.deadline);
  }

  delete(call: Deadlined): void {
    this.#calls.delete(call);
  }

  #arm(deadline: number, shortest = 0): void {
    this.#timer?.cancel();
    this.#timerAt = deadline;
    const delay = Math.min(LONGEST_TIMER_MS, Math.max(shortest, deadline - this.#clock.now()));
    this.#timer = this.#clock.after(delay, () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    this.#timer = undefined;
    // What is added meanwhile is visited too, and needs no timer of its own.
    this.#timerAt = Number.NEGATIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.#calls) {
      if (call.deadline <= now) {
        this.#calls.delete(call);
        call.expire();
      } else if (call.deadline < next) {
        next = call.deadline;
      }
    }
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (next < Number.POSITIVE_INFINITY) this.#arm(next, SHORTEST_TIMER_MS);
  }
}

/** The deadlines of a clock. */
export const deadlinesOf = perClock((clock) => new Deadlines(clock));
