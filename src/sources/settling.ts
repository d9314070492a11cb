import type { Clock } from "../base/clock.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** Since when a path has looked the same. */
export interface Watch {
  readonly digest: string;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** The two clocks a decision needs, in milliseconds. */
export interface Moment {
  readonly monotonic: number;
  /** Since 1970, comparable with times of files. */
  readonly wall: number;
}

/**
 * - `settled`: no one is writing any more, as far as can be told; may be loaded.
 * - `changing`: look again soon.
 * - `empty`: holds no byte and has not changed for the whole window; not to be loaded, no need to hurry.
 */
export type Verdict = "settled" | "changing" | "empty";

/** Windows after which files that stay empty are taken for what they are: nobody is about to fill them. */
const EMPTY_WINDOWS = 10;

/** Windows over which files on another machine's disk must be seen unchanged: what is seen of them may be seconds old. */
const REMOTE_WINDOWS = 10;

/** By how much another machine's clock may be behind. */
const REMOTE_CLOCK_MS = 60_000;

/**
 * Decides whether files may be loaded or are still being copied.
 *
 * They have settled when they were moved into place whole (see {@link Fingerprint.published}), or when their last change is at least
 * `windowMs` ago by the wall clock, or when they were seen unchanged over `windowMs` of monotonic time: the second is quick at start-up,
 * the third copes with file times in the future and with a clock that was set back. The window bounds what a copying tool may pause.
 * Where attributes are not current ({@link Fingerprint.current}) the window is {@link REMOTE_WINDOWS} times as long, and the last
 * change must be {@link REMOTE_CLOCK_MS} longer ago. A path with files but without a single byte gets {@link EMPTY_WINDOWS} windows, so
 * that whoever loads it can say what is wrong with it; one without files never settles.
 */
export function judgeSettling(
  fingerprint: Fingerprint,
  previous: Watch | undefined,
  now: Moment,
  windowMs: number,
): { readonly verdict: Verdict; readonly watch: Watch } {
  const unchanged = previous?.digest === fingerprint.digest;
  const watch = unchanged ? previous : { digest: fingerprint.digest, since: now.monotonic };
  const window = fingerprint.current ? windowMs : REMOTE_WINDOWS * windowMs;
  const quiet = now.monotonic - watch.since >= window;
  if (fingerprint.bytes === 0 && !fingerprint.unreadable) {
    const abandoned = fingerprint.files > 0 && now.monotonic - watch.since >= EMPTY_WINDOWS * windowMs;
    return { verdict: abandoned ? "settled" : quiet ? "empty" : "changing", watch };
  }
  const age = now.wall - fingerprint.changedAtMs;
  const old = age >= (fingerprint.current ? windowMs : windowMs + REMOTE_CLOCK_MS);
  return { verdict: old || quiet || fingerprint.published ? "settled" : "changing", watch };
}

/**
 * The two clocks, of which the wall clock never runs ahead of what it would show had it not been set forward: files that are just
 * being written would else look as if they had been left alone for as long as the jump. Set back, it is taken as it is.
 */
export function steadyMoments(clock: Clock, wallClock: () => number): () => Moment {
  let ahead = wallClock() - clock.now();
  return () => {
    const monotonic = clock.now();
    ahead = Math.min(ahead, wallClock() - monotonic);
    return { monotonic, wall: monotonic + ahead };
  };
}
