/** A run above this many milliseconds does not hold up the thread that serves. */
const LONG_MS = 0.5;
/** Weight of the newest run. */
const WEIGHT = 0.2;
/** Every so many runs elsewhere one is done here when it is not too long, because only here its time is exact. */
const PROBE_EVERY = 64;
const LONGEST_PROBE_MS = 4;
/** A first run also pays for what is made once; below this many milliseconds it says nothing about the next. */
const LONGEST_FIRST_MS = 20;

/** Where a run is done: on the serving thread, on another, or on the serving thread to learn its true time. */
export type Place = "here" | "elsewhere" | "probe";

/**
 * The moving average after one more run, `undefined` while nothing is known. One run that was held up by something else
 * does not make short runs long; a probe replaces what runs elsewhere seemed to take, since those also wait for a thread.
 */
export function averageTime(
  previous: number | undefined,
  milliseconds: number,
  place: Place,
  first: boolean,
): number | undefined {
  if (first && milliseconds < LONGEST_FIRST_MS) return previous;
  if (previous === undefined || place === "probe") return milliseconds;
  const counted = previous < LONG_MS ? Math.min(milliseconds, 2 * LONG_MS) : milliseconds;
  return previous + WEIGHT * (counted - previous);
}

/** The moving average after one more run of so many elements. */
export function averageSize(previous: number | undefined, elements: number): number {
  return previous === undefined ? elements : previous + WEIGHT * (elements - previous);
}

/** Decides where a run of `milliseconds` on average is done, the `count`-th elsewhere. */
export function placeOf(milliseconds: number, count: number): Place {
  if (milliseconds < LONG_MS) return "here";
  return milliseconds < LONGEST_PROBE_MS && count % PROBE_EVERY === PROBE_EVERY - 1 ? "probe" : "elsewhere";
}
