const NUMBER = new Float64Array(1);
const BITS = new BigInt64Array(NUMBER.buffer);
const SPLITTER = 2 ** 27 + 1;

/**
 * `a * b + c`, rounded once, as processors and the libraries that use them do it. For numbers whose product neither overflows nor is less
 * than 2^-969.
 */
export function fused(a: number, b: number, c: number): number {
  const product = a * b;
  const rest = productError(a, b, product);
  const low = c + rest;
  const lowRest = sumError(c, rest, low);
  const high = product + low;
  const highRest = sumError(product, low, high);
  return high + roundedToOdd(highRest, lowRest);
}

/** What a product lacks, by Dekker's and Veltkamp's halves. */
function productError(a: number, b: number, product: number): number {
  const aLarge = SPLITTER * a;
  const aHigh = aLarge - (aLarge - a);
  const aLow = a - aHigh;
  const bLarge = SPLITTER * b;
  const bHigh = bLarge - (bLarge - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** What a sum lacks, by Knuth. */
function sumError(a: number, b: number, sum: number): number {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

/** A sum whose last bit is 1 unless it is exact, so that rounding it again is as if it had been rounded once. */
function roundedToOdd(a: number, b: number): number {
  const sum = a + b;
  const rest = sumError(a, b, sum);
  if (rest === 0 || sum === 0 || !Number.isFinite(sum)) return sum;
  NUMBER[0] = sum;
  if ((BITS[0] & 1n) !== 0n) return sum;
  BITS[0] += rest > 0 === sum > 0 ? 1n : -1n;
  return NUMBER[0];
}
