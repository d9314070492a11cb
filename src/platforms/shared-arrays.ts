/** A copy in float64 over memory that all threads share, as tables of programs are; nothing has none. */
export function sharedFloats(numbers: ArrayLike<number>): Float64Array {
  if (numbers.length === 0) return new Float64Array(0);
  const copy = new Float64Array(new SharedArrayBuffer(numbers.length * 8));
  copy.set(numbers);
  return copy;
}

/** As {@link sharedFloats}, in float32. */
export function sharedSingles(numbers: ArrayLike<number>): Float32Array {
  if (numbers.length === 0) return new Float32Array(0);
  const copy = new Float32Array(new SharedArrayBuffer(numbers.length * 4));
  copy.set(numbers);
  return copy;
}

/** As {@link sharedFloats}, whole numbers of 32 bits. */
export function sharedIntegers(numbers: ArrayLike<number>): Int32Array {
  if (numbers.length === 0) return new Int32Array(0);
  const copy = new Int32Array(new SharedArrayBuffer(numbers.length * 4));
  copy.set(numbers);
  return copy;
}

/** As {@link sharedFloats}, bytes. */
export function sharedBytes(numbers: ArrayLike<number>): Uint8Array {
  if (numbers.length === 0) return new Uint8Array(0);
  const copy = new Uint8Array(new SharedArrayBuffer(numbers.length));
  copy.set(numbers);
  return copy;
}
