import type { Clock } from "../base/clock.ts";

/** How far an install is. */
export interface InstallProgress {
  readonly phase: "downloading" | "unpacking" | "checking";
  /** What is worked on: `tensorflow-cpu 2.18.1`. */
  readonly what: string;
  /** Bytes done, and all that there are to be as far as that is known. */
  readonly bytes: number;
  readonly expectedBytes?: number;
}

/** Hears of progress: at each change of phase, and a few times a second. */
export type ReportProgress = (progress: InstallProgress) => void;

const INTERVAL_MS = 250;

/**
 * Reports what `measure` gives, at once and then every quarter of a second until `work` has settled, then settles as it did. What is reported never
 * goes back, as a folder's bytes do when a program tidies up. `measure` must not reject, `report` not throw.
 */
export async function whileMeasuring<T>(
  clock: Clock,
  measure: () => Promise<number>,
  report: (bytes: number) => void,
  work: Promise<T>,
): Promise<T> {
  let ended = false;
  let largest = 0;
  let timer = clock.after(0, function again() {
    void measure().then((bytes) => {
      if (ended) return;
      largest = Math.max(largest, bytes);
      report(largest);
      timer = clock.after(INTERVAL_MS, again);
    });
  });
  try {
    return await work;
  } finally {
    ended = true;
    timer.cancel();
  }
}

/** Lets through one call in a quarter of a second. */
export function atIntervals(clock: Clock, action: () => void): () => void {
  let due = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.now() < due) return;
    due = clock.now() + INTERVAL_MS;
    action();
  };
}
