const FIRST_ITEMS = 16;

/** Floats of a list whose length is not known beforehand; runs of them are taken at once. */
export class FloatList {
  #items = new Float32Array(0);
  #length = 0;

  push(value: number): void {
    const at = this.grow(1);
    this.#items[at] = value;
  }

  /** Makes room for `count` more and returns where they begin in {@link items}. Only runs that the file is known to hold are asked for. */
  grow(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#items.length) {
      const items = new Float32Array(start === 0 ? Math.max(count, FIRST_ITEMS) : Math.max(this.#length, start * 2));
      items.set(this.#items.subarray(0, start));
      this.#items = items;
    }
    return start;
  }

  get items(): Float32Array {
    return this.#items;
  }

  /** What has been taken; no copy where it was one run. */
  finish(): Float32Array {
    return this.#items.length === this.#length ? this.#items : this.#items.slice(0, this.#length);
  }
}

/** As {@link FloatList}, for int64. */
export class IntegerList {
  #halves = new Int32Array(0);
  #length = 0;

  push(low: number, high: number): void {
    if (this.#length === this.#halves.length) {
      const halves = new Int32Array(Math.max(2 * this.#length, 2 * FIRST_ITEMS));
      halves.set(this.#halves);
      this.#halves = halves;
    }
    this.#halves[this.#length++] = low;
    this.#halves[this.#length++] = high;
  }

  finish(): BigInt64Array {
    return new BigInt64Array(this.#halves.slice(0, this.#length).buffer);
  }
}
