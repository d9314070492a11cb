/**
 * Calls of one version, in memory that serving threads write and the control thread reads: a row for each thread, which is that
 * thread's alone, so there are no locks. Gone with the version, unlike a metric's series.
 *
 * Every number is a count modulo 2^32 that is never set back; readers look at differences, which survive its wrapping.
 */

/** A latency's bucket has up to 3 bits below its highest one: no wider than an eighth of what it begins with. */
const FINE_BITS = 3;
const FINE = 1 << FINE_BITS;

/** Latencies from 2^27 microseconds (134 s) on share the last bucket. */
const HIGHEST_BIT = 26;
const LONGEST_MICROSECONDS = 2 ** (HIGHEST_BIT + 1) - 1;

/** All calls, and those that were not answered well; then good answers by their time. */
const CALLS = 0;
const ERRORS = 1;
const FIRST_BUCKET = 2;
const BUCKETS = (HIGHEST_BIT - FINE_BITS + 2) * FINE;

/** Numbers of a row: whole cache lines of 64 bytes, so that threads do not take them from each other. */
const ROW = Math.ceil((FIRST_BUCKET + BUCKETS) / 16) * 16;

/** Memory for the calls of one version on this many threads, 832 bytes for each. */
export function figuresMemory(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * ROW * Uint32Array.BYTES_PER_ELEMENT);
}

/** One thread's calls of one version. */
export class CallFigures {
  readonly #row: Uint32Array;

  /** `row`: the thread's, counted from 0. */
  constructor(memory: SharedArrayBuffer, row: number) {
    this.#row = new Uint32Array(memory, row * ROW * Uint32Array.BYTES_PER_ELEMENT, ROW);
  }

  /** A call was answered well. */
  answered(microseconds: number): void {
    const row = this.#row;
    row[FIRST_BUCKET + bucketOf(microseconds)]!++;
    row[CALLS]!++;
  }

  /** A call was not. */
  failed(): void {
    this.#row[ERRORS]!++;
    this.#row[CALLS]!++;
  }
}

/** What happened to a version between two readings. */
export interface CallSummary {
  readonly requests: number;
  readonly errors: number;
  /** Percentiles of the times of good answers, in microseconds, to about a sixteenth; absent where there was none. */
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
}

/** Adds up what happened, of as many rows and memories as belong together. */
export class CallSum {
  readonly #buckets = new Uint32Array(BUCKETS);
  #errors = 0;

  /** @param before the row at the reading before, which becomes what it is now. */
  add(row: Uint32Array, before: Uint32Array): void {
    const errors = row[ERRORS]!;
    this.#errors += (errors - before[ERRORS]!) >>> 0;
    before[ERRORS] = errors;
    for (let index = 0; index < BUCKETS; index++) {
      const count = row[FIRST_BUCKET + index]!;
      this.#buckets[index]! += count - before[FIRST_BUCKET + index]!;
      before[FIRST_BUCKET + index] = count;
    }
  }

  /** What was added up; undefined where it was nothing. */
  summary(): CallSummary | undefined {
    const good = this.#buckets.reduce((sum, count) => sum + count, 0);
    const requests = good + this.#errors;
    if (requests === 0) return undefined;
    const counts = { requests, errors: this.#errors };
    if (good === 0) return counts;
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => this.#percentile(good, share)) as [number, number, number];
    return { ...counts, p50, p95, p99 };
  }

  /** The middle of the bucket that holds the answer below which a share of all is. */
  #percentile(good: number, share: number): number {
    let left = Math.ceil(good * share);
    let index = 0;
    for (; index < BUCKETS - 1; index++) {
      left -= this.#buckets[index]!;
      if (left <= 0) break;
    }
    return (bucketStart(index) + bucketStart(index + 1)) / 2;
  }
}

/** Reads the calls of one version, on every thread. */
export class FiguresReader {
  readonly #rows: Uint32Array;
  /** The rows at the last reading; made when there is something to remember. */
  #before: Uint32Array | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#rows = new Uint32Array(memory);
  }

  /** Whether there was a call since the last reading; costs one look for each row. */
  get changed(): boolean {
    const rows = this.#rows;
    for (let calls = CALLS; calls < rows.length; calls += ROW) {
      if (rows[calls] !== (this.#before?.[calls] ?? 0)) return true;
    }
    return false;
  }

  /** Adds what happened since the last reading, or ever. */
  read(sum: CallSum): void {
    const rows = this.#rows;
    for (let start = 0; start < rows.length; start += ROW) {
      const calls = rows[start + CALLS]!;
      if (calls === (this.#before?.[start + CALLS] ?? 0)) continue;
      this.#before ??= new Uint32Array(rows.length);
      const before = this.#before.subarray(start, start + ROW);
      sum.add(rows.subarray(start, start + ROW), before);
      before[CALLS] = calls;
    }
  }
}

/** The bucket of a latency. */
function bucketOf(microseconds: number): number {
  // What is below 0, which a clock does not give, is 0.
  const value = microseconds < LONGEST_MICROSECONDS ? Math.max(0, microseconds | 0) : LONGEST_MICROSECONDS;
  if (value < FINE) return value;
  const highest = 31 - Math.clz32(value);
  return ((highest - FINE_BITS + 1) << FINE_BITS) + ((value >>> (highest - FINE_BITS)) & (FINE - 1));
}

/** The shortest latency of a bucket. */
function bucketStart(index: number): number {
  if (index < FINE) return index;
  const highest = (index >>> FINE_BITS) + FINE_BITS - 1;
  return (FINE + (index & (FINE - 1))) * 2 ** (highest - FINE_BITS);
}
