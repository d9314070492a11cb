import type { Tensor } from "../tensor/tensor.ts";

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

/**
 * From this size on (a model's file and what it keeps in others) a model is held to be slow. Measured with ONNX Runtime on one x86-64
 * core: one row through 4 MB of float32 weights takes 0.13 to 0.3 ms, through 16 MB 0.95 ms; 16 rows through 4 MB take 0.68 ms, on
 * two threads 0.25. So above it waking other threads pays, and a run should not hold up the thread that serves; below it
 * each run stays on the thread that asked, and the cores are shared out between requests.
 */
export const BIG_MODEL_BYTES = 4 * 1024 * 1024;

/** What a run of a model takes, whatever its shapes. */
export class RunPace {
  /** What a run is expected to take before any was timed. */
  readonly #guess: number;
  /** Milliseconds a run takes on average, and how many elements its inputs have. */
  #milliseconds: number | undefined;
  #elements: number | undefined;

  /** `slow` says that the first run is expected to be long. */
  constructor(slow: boolean) {
    this.#guess = slow ? Number.POSITIVE_INFINITY : 0;
  }

  /** Milliseconds that the next run is expected to take. */
  get milliseconds(): number {
    return this.#milliseconds ?? this.#guess;
  }

  /**
   * What a run of shapes never seen is expected to take: as much longer than others as it has more elements. Too much for many models,
   * but on another thread a short run costs little, and a long one here would hold up everybody.
   */
  expect(elements: number): number {
    const known = this.#milliseconds;
    return known === undefined ? this.#guess : known * Math.max(1, elements / Math.max(1, this.#elements ?? 1));
  }

  /** Counts one more run; see {@link averageTime}. */
  note(elements: number, milliseconds: number, place: Place, first: boolean): void {
    this.#elements = averageSize(this.#elements, elements);
    this.#milliseconds = averageTime(this.#milliseconds, milliseconds, place, first);
  }
}

/** How many elements tensors have together; what is left out has none. */
export function elementsOf(given: readonly (Tensor | undefined)[]): number {
  let elements = 0;
  for (let i = 0; i < given.length; i++) elements += given[i]?.data.length ?? 0;
  return elements;
}
