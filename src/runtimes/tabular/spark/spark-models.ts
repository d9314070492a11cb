import type { SparkOperation } from "../../../model/tabular/spark-operations.ts";
import type { Matrix } from "../matrix.ts";
import { normalCdf } from "../normal-distribution.ts";

type Of<Kind extends SparkOperation["kind"]> = Omit<Extract<SparkOperation, { kind: Kind }>, "kind" | "from" | "to">;

/** What Spark adds to each share of a mixture, so that not all are 0. */
const EPSILON = 2.220446049250313e-16;

/** The class with the largest share of its threshold. */
export function sparkLargest({ thresholds }: Of<"spark-largest">, { rows, width, data }: Matrix): Matrix {
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < width; i++) {
      const share = data[row * width + i] / thresholds[i];
      if (share > most) {
        most = share;
        numbers[row] = i;
      }
    }
  }
  return { rows, width: 1, data: numbers };
}

/** Whether the second column is above the threshold. */
export function sparkSecondAbove({ threshold }: Of<"spark-second-above">, { rows, data }: Matrix): Matrix {
  return { rows, width: 1, data: Float64Array.from({ length: rows }, (_, row) => (data[row * 2 + 1] > threshold ? 1 : 0)) };
}

/** The sigmoid of one column of two, and the rest to 1. */
export function sparkBinaryShares({ of, steepness }: Of<"spark-binary-shares">, { rows, data }: Matrix): Matrix {
  const shares = new Float64Array(rows * 2);
  for (let row = 0; row < rows; row++) {
    const share = 1 / (1 + Math.exp(-steepness * data[row * 2 + of]));
    shares[row * 2 + of] = share;
    shares[row * 2 + 1 - of] = 1 - share;
  }
  return { rows, width: 2, data: shares };
}

/** The mean of a linear part. */
export function sparkMean({ link, power, least, most }: Of<"spark-mean">, { rows, width, data }: Matrix): Matrix {
  const meanOf = MEANS[link];
  const means = Float64Array.from(data, (number) => {
    const mean = meanOf(number, power);
    return mean < least ? least : mean > most ? most : mean;
  });
  return { rows, width, data: means };
}

const MEANS: Readonly<Record<Of<"spark-mean">["link"], (number: number, power: number) => number>> = {
  identity: (number) => number,
  log: Math.exp,
  inverse: (number) => 1 / number,
  logit: (number) => 1 / (1 + Math.exp(-number)),
  probit: normalCdf,
  cloglog: (number) => 1 - Math.exp(-1 * Math.exp(number)),
  sqrt: (number) => number * number,
  power: (number, power) => (power === 0 ? Math.exp(number) : number ** (1 / power)),
};

/** On a line between the nearest of points. */
export function sparkIsotonic({ places, values }: Of<"spark-isotonic">, { rows, data, width }: Matrix): Matrix {
  const last = places.length - 1;
  const found = Float64Array.from(data, (number) => {
    // NaN is beyond all numbers, as Java sorts.
    if (Number.isNaN(number) || number >= places[last]) return values[last];
    if (number <= places[0]) return values[0];
    let [low, high] = [0, last];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (places[middle] <= number) low = middle;
      else high = middle;
    }
    if (places[low] === number) return values[low];
    return values[low] + ((values[high] - values[low]) * (number - places[low])) / (places[high] - places[low]);
  });
  return { rows, width, data: found };
}

/** A linear part and what pairs of columns say. */
export function sparkFactors(
  { bias, weights, factors, width: count }: Of<"spark-factors">,
  { rows, width, data }: Matrix,
): Matrix {
  const sums = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = bias;
    for (let column = 0; column < width; column++) sum += data[row * width + column] * weights[column];
    for (let factor = 0; factor < count; factor++) {
      let [first, squares] = [0, 0];
      for (let column = 0; column < width; column++) {
        const part = factors[column * count + factor] * data[row * width + column];
        first += part;
        squares += part * part;
      }
      sum += 0.5 * (first * first - squares);
    }
    sums[row] = sum;
  }
  return { rows, width: 1, data: sums };
}

/** The leaf that is nearest at each step from the root. */
export function sparkPointTree(
  { points, starts, children, leaves, distance }: Of<"spark-point-tree">,
  { rows, width, data }: Matrix,
): Matrix {
  const costOf = distance === "euclidean" ? squaredDistance : cosineDistance;
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let node = 0;
    while (starts[node + 1] > starts[node]) {
      let next = children[starts[node]];
      let least = costOf(data, row * width, points, next * width, width);
      for (let i = starts[node] + 1; i < starts[node + 1]; i++) {
        const cost = costOf(data, row * width, points, children[i] * width, width);
        if (cost < least) [least, next] = [cost, children[i]];
      }
      node = next;
    }
    numbers[row] = leaves[node];
  }
  return { rows, width: 1, data: numbers };
}

function squaredDistance(data: ArrayLike<number>, row: number, points: Float64Array, point: number, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += (data[row + i] - points[point + i]) ** 2;
  return sum;
}

function cosineDistance(data: ArrayLike<number>, row: number, points: Float64Array, point: number, width: number): number {
  let [product, one, other] = [0, 0, 0];
  for (let i = 0; i < width; i++) {
    product += data[row + i] * points[point + i];
    one += data[row + i] ** 2;
    other += points[point + i] ** 2;
  }
  return 1 - product / Math.sqrt(one) / Math.sqrt(other);
}

/** Shares of normal distributions. */
export function sparkMixture({ width: count, logs, weights }: Of<"spark-mixture">, { rows, width, data }: Matrix): Matrix {
  const kinds = weights.length;
  const shares = new Float64Array(rows * kinds);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let kind = 0; kind < kinds; kind++) {
      let squares = 0;
      for (let i = 0; i < count; i++) squares += data[row * width + kind * count + i] ** 2;
      const share = EPSILON + weights[kind] * Math.exp(logs[kind] + squares * -0.5);
      shares[row * kinds + kind] = share;
      sum += share;
    }
    for (let kind = 0; kind < kinds; kind++) shares[row * kinds + kind] /= sum;
  }
  return { rows, width: kinds, data: shares };
}
