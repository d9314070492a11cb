import { ServingError } from "./serving-error.ts";

/** How many model runs may wait on one thread, and for how long. Plain data. */
export interface RunLimits {
  /** Longest expected wait, in milliseconds, before a run is refused; 0 for no limit at all. */
  readonly maxDelayMs: number;
  /** So many may wait whatever they take: a few callers of a slow model are no overload. */
  readonly alwaysWaiting: number;
}

/** Lets every run wait. */
export const NO_RUN_LIMITS: RunLimits = { maxDelayMs: 0, alwaysWaiting: 0 };

/** More than this never wait, even while nothing is known of their times. */
const MOST_WAITING = 16_384;

/** Which limit refused a run. */
export type RefusalReason = "queue_delay" | "queue_length";

/** A run was refused because too many wait already; `resource-exhausted`, and worth another try. */
export class RefusedError extends ServingError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super("resource-exhausted", message);
    this.reason = reason;
  }
}

/**
 * Decides whether one more run may wait behind `waiting` others, of which one begins every `everyMs` milliseconds (0 while that is
 * not known).
 * @throws RefusedError when it may not.
 */
export function checkRunLimits({ maxDelayMs, alwaysWaiting }: RunLimits, waiting: number, everyMs: number): void {
  if (maxDelayMs === 0 || waiting < alwaysWaiting) return;
  if (waiting >= MOST_WAITING)
    throw new RefusedError("queue_length", `${waiting} model runs are waiting already, try again later`);
  const delay = waiting * everyMs;
  if (delay > maxDelayMs) {
    throw new RefusedError(
      "queue_delay",
      `the model run would wait ${Math.round(delay)} ms, longer than ${maxDelayMs} ms; try again later`,
    );
  }
}
