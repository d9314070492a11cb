import type { Matrix } from "../matrix.ts";

/** Votes of each class: above 0 one for the first of a pair, else for the second. Pairs are 01, 02, ..., 12, ... */
export function pairwiseVotes(classes: number, { rows, width, data }: Matrix): Matrix {
  const votes = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    let pair = row * width;
    for (let first = 0; first < classes; first++) {
      for (let second = first + 1; second < classes; second++) votes[row * classes + (data[pair++] > 0 ? first : second)]++;
    }
  }
  return { rows, width: classes, data: votes };
}

/** Votes, plus less than a third by how much a class won: `wins` is 1 where the second of a pair won, `margins` how much it did. */
export function pairwiseScores(classes: number, wins: Matrix, { rows, width, data }: Matrix): Matrix {
  const scores = new Float64Array(rows * classes);
  const sums = new Float64Array(classes);
  for (let row = 0; row < rows; row++) {
    let pair = row * width;
    sums.fill(0);
    for (let first = 0; first < classes; first++) {
      for (let second = first + 1; second < classes; second++) {
        sums[first] -= data[pair];
        sums[second] += data[pair];
        scores[row * classes + (wins.data[pair] === 1 ? second : first)]++;
        pair++;
      }
    }
    for (let i = 0; i < classes; i++) scores[row * classes + i] += sums[i] / (3 * (Math.abs(sums[i]) + 1));
  }
  return { rows, width: classes, data: scores };
}

const LEAST = 1e-7;

/** Probabilities of classes from those of the first of each pair, by the second method of Wu, Lin and Weng, with LIBSVM's limits. */
export function pairwiseCoupling(classes: number, { rows, width, data }: Matrix): Matrix {
  const probabilities = new Float64Array(rows * classes);
  const pairs = new Float64Array(classes * classes);
  const matrix = new Float64Array(classes * classes);
  for (let row = 0; row < rows; row++) {
    let pair = row * width;
    for (let first = 0; first < classes; first++) {
      for (let second = first + 1; second < classes; second++) {
        const probability = Math.min(Math.max(data[pair++], LEAST), 1 - LEAST);
        pairs[first * classes + second] = probability;
        pairs[second * classes + first] = 1 - probability;
      }
    }
    couple(classes, pairs, matrix, probabilities.subarray(row * classes, (row + 1) * classes));
  }
  return { rows, width: classes, data: probabilities };
}

function couple(classes: number, pairs: Float64Array, matrix: Float64Array, shares: Float64Array): void {
  shares.fill(1 / classes);
  for (let i = 0; i < classes; i++) {
    let own = 0;
    for (let j = 0; j < classes; j++) if (j !== i) own += pairs[j * classes + i] * pairs[j * classes + i];
    for (let j = 0; j < classes; j++) {
      matrix[i * classes + j] = j === i ? own : -pairs[j * classes + i] * pairs[i * classes + j];
    }
  }
  const products = new Float64Array(classes);
  const enough = 0.005 / classes;
  const most = Math.max(100, classes);
  for (let round = 0; round < most; round++) {
    let whole = 0;
    for (let i = 0; i < classes; i++) {
      let product = 0;
      for (let j = 0; j < classes; j++) product += matrix[i * classes + j] * shares[j];
      products[i] = product;
      whole += shares[i] * product;
    }
    let error = 0;
    for (const product of products) error = Math.max(error, Math.abs(product - whole));
    if (error < enough) return;
    for (let i = 0; i < classes; i++) {
      const own = matrix[i * classes + i];
      const change = (whole - products[i]) / own;
      shares[i] += change;
      whole = (whole + change * (change * own + 2 * products[i])) / (1 + change) / (1 + change);
      for (let j = 0; j < classes; j++) {
        products[j] = (products[j] + change * matrix[i * classes + j]) / (1 + change);
        shares[j] /= 1 + change;
      }
    }
  }
}
