import type { Matrix } from "../matrix.ts";

/**
 * The class that a row's probabilities stand for, of equally likely ones a drawn one, as H2O draws: by the row itself, so that the same row
 * always has the same class.
 *
 * @param priors probabilities of the classes, by which it is drawn
 */
export function classNumber(threshold: number, priors: Float64Array | undefined, probabilities: Matrix, values: Matrix): Matrix {
  const { rows, width, data } = probabilities;
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * width, (row + 1) * width);
    if (width === 2) numbers[row] = own[1] >= threshold ? 1 : 0;
    else numbers[row] = mostLikely(own, priors, () => hashOf(values.data.subarray(row * values.width, (row + 1) * values.width)));
  }
  return { rows, width: 1, data: numbers };
}

function mostLikely(probabilities: Matrix["data"], priors: Float64Array | undefined, hash: () => bigint): number {
  let best = 0;
  let count = 0;
  // The library keeps those that are no longer the most likely ones, and begins with the first class: which is drawn depends on it.
  const ties = [0];
  for (let i = 1; i < probabilities.length; i++) {
    if (probabilities[best] < probabilities[i]) {
      best = i;
      count = 0;
    } else if (probabilities[best] === probabilities[i]) {
      count++;
      ties.push(i);
    }
  }
  if (count === 0) return best;
  const seed = hash();
  return (priors && drawn(ties, priors, seed)) ?? counted(probabilities, probabilities[best], count, seed);
}

function drawn(ties: readonly number[], priors: Float64Array, seed: bigint): number | undefined {
  let sum = 0;
  for (const tie of ties) sum += priors[tie];
  const draw = firstDouble(seed);
  let upTo = 0;
  return ties.find((tie) => {
    upTo += priors[tie] / sum;
    return draw <= upTo;
  });
}

function counted(probabilities: Matrix["data"], most: number, count: number, seed: bigint): number {
  let left = Number(BigInt.asIntN(32, seed)) % (count + 1);
  for (let i = 0; i < probabilities.length; i++) if (probabilities[i] === most && --left < 0) return i;
  return 0;
}

const WORD = new DataView(new ArrayBuffer(8));
const NAN_BITS = 0x7ff8_0000_0000_0000n;

function hashOf(row: Matrix["data"]): bigint {
  let hash = 0n;
  for (const value of row) {
    WORD.setFloat64(0, value);
    hash ^= (Number.isNaN(value) ? NAN_BITS : WORD.getBigInt64(0)) >> 6n;
  }
  return hash;
}

const MULTIPLIER = 0x5_deec_e66dn;
const MASK = (1n << 48n) - 1n;

/** The first number from 0 to 1 of Java's generator with this seed. */
function firstDouble(seed: bigint): number {
  let state = (seed ^ MULTIPLIER) & MASK;
  const next = (bits: bigint): bigint => {
    state = (state * MULTIPLIER + 0xbn) & MASK;
    return state >> (48n - bits);
  };
  const high = next(26n) << 27n;
  return Number(high + next(27n)) * 2 ** -53;
}
