type TableArray = Float64Array | Int32Array | Uint32Array | Uint8Array;

interface TableType<A extends TableArray> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): A;
  new (buffer: SharedArrayBuffer): A;
}

/** Numbers of one type whose count is known only at the end. */
export class SharedTable<A extends TableArray> {
  readonly #type: TableType<A>;
  /** What is there so far, with room behind it; another array after each {@link extendTo}. */
  array: A;
  length = 0;

  constructor(type: TableType<A>) {
    this.#type = type;
    this.array = new type(1024);
  }

  /** Makes it at least `length` long; what is new is `fill`. */
  extendTo(length: number, fill = 0): void {
    if (length <= this.length) return;
    if (length > this.array.length) {
      const longer = new this.#type(Math.max(length, this.array.length * 2));
      longer.set(this.array.subarray(0, this.length));
      this.array = longer;
    }
    this.array.fill(fill, this.length, length);
    this.length = length;
  }

  /** Adds one number. */
  push(value: number): void {
    this.extendTo(this.length + 1, value);
  }

  /** A copy over shared memory, as long as the table. */
  shared(): A {
    const copy = new this.#type(new SharedArrayBuffer(this.length * this.#type.BYTES_PER_ELEMENT));
    copy.set(this.array.subarray(0, this.length));
    return copy;
  }
}
