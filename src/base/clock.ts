import { performance } from "node:perf_hooks";

/** A timer that was started; cancelling one that fired has no effect. */
export interface Timer {
  cancel(): void;
}

/** Time as the rooms see it: monotonic, so that a jump of the wall clock misfires nothing. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Calls `action` once, `delayMs` from now at the earliest. Does not keep the process alive. */
  after(delayMs: number, action: () => void): Timer;
}

/** Of a longer delay Node makes a millisecond. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** When each timer of {@link systemClock} that has not fired is due, and the earliest of them or an earlier time. */
const timers = new Map<Timer, number>();
let earliest = Number.POSITIVE_INFINITY;
let fired = 0;

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, action) {
    const due = performance.now() + delayMs;
    const fire = () => {
      const left = due - performance.now();
      if (delayMs > LONGEST_DELAY_MS && left > 0) {
        handle = setTimeout(fire, Math.min(left, LONGEST_DELAY_MS)).unref();
        return;
      }
      timers.delete(timer);
      fired++;
      action();
    };
    let handle = setTimeout(fire, Math.min(delayMs, LONGEST_DELAY_MS)).unref();
    const timer = {
      cancel: () => {
        timers.delete(timer);
        clearTimeout(handle);
      },
    };
    timers.set(timer, due);
    if (due < earliest) earliest = due;
    return timer;
  },
};

/** Milliseconds until a timer of {@link systemClock} may be due on this thread, never negative; Infinity when there is none. */
export function untilNextTimer(): number {
  const now = performance.now();
  if (earliest <= now) {
    earliest = Number.POSITIVE_INFINITY;
    for (const due of timers.values()) if (due < earliest) earliest = due;
  }
  return Math.max(0, earliest - now);
}

/** How many timers of {@link systemClock} have fired on this thread. */
export function timersFired(): number {
  return fired;
}
