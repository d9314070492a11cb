import { ServingError } from "../base/serving-error.ts";

/** A count that only grows. Belongs to the thread of its shard. */
export class Counter {
  readonly #value: Float64Array;

  constructor(value: Float64Array) {
    this.#value = value;
  }

  /** Adds `amount`, which must not be negative. */
  add(amount = 1): void {
    if (amount < 0) throw new ServingError("internal", `a counter cannot shrink, got ${amount}`);
    this.#value[0]! += amount;
  }
}

/** A figure that goes up and down. Belongs to the thread of its shard. */
export class Gauge {
  readonly #value: Float64Array;

  constructor(value: Float64Array) {
    this.#value = value;
  }

  /** Adds `amount`, which may be negative. */
  add(amount: number): void {
    this.#value[0]! += amount;
  }

  set(value: number): void {
    this.#value[0] = value;
  }
}

/** Values counted by size. Belongs to the thread of its shard. */
export class Histogram {
  /** The sum, then one count for each bucket. */
  readonly #values: Float64Array;
  readonly #limits: Float64Array;

  constructor(values: Float64Array, limits: Float64Array) {
    this.#values = values;
    this.#limits = limits;
  }

  /** Counts one value. NaN is dropped: it would stay in the sum for ever. */
  observe(value: number): void {
    if (Number.isNaN(value)) return;
    const values = this.#values;
    values[0]! += value;
    values[1 + bucketOf(this.#limits, value)]! += 1;
  }
}

/** The index of the first limit above `value`; the number of limits when there is none. `limits` ascend. */
export function bucketOf(limits: Float64Array, value: number): number {
  let low = 0;
  let high = limits.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (limits[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
