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

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, action) {
    const handle = setTimeout(action, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
