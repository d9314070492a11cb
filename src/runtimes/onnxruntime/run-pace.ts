/** A run above this many milliseconds does not hold up the thread that serves. */
const LONG_MS = 0.5;
/** Weight of the newest run. */
const WEIGHT = 0.2;
/** Every so many runs elsewhere one is done here when it is not too long, because only here its time is exact. */
const PROBE_EVERY = 64;
const LONGEST_PROBE_MS = 4;

/**
 * A moving average over runs, `previous` being `undefined` before the first. A run that was done elsewhere also waited for
 * a thread, so it never raises the average of short runs on its own account more than its weight, and a probe replaces it.
 */
export function averageTime(previous: number | undefined, milliseconds: number, probe: boolean): number {
  return previous === undefined || probe ? milliseconds : previous + WEIGHT * (milliseconds - previous);
}

/** Where the next run is done. */
export type Place = "here" | "elsewhere" | "probe";

/** Decides where a run of `milliseconds` on average is done, the `count`-th elsewhere. */
export function placeOf(milliseconds: number, count: number): Place {
  if (milliseconds < LONG_MS) return "here";
  return milliseconds < LONGEST_PROBE_MS && count % PROBE_EVERY === PROBE_EVERY - 1 ? "probe" : "elsewhere";
}
