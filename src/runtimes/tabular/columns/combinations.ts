import type { EstimatorOperation } from "../../../model/tabular/estimator-operations.ts";
import type { Matrix } from "../matrix.ts";

/** The sum of matrices of one shape, each times its weight, in their order. */
export function weightedSum(weights: Float64Array, matrices: readonly Matrix[]): Matrix {
  const { rows, width } = matrices[0];
  const sums = new Float64Array(rows * width);
  for (const [i, { data }] of matrices.entries()) {
    const weight = weights[i];
    for (let at = 0; at < sums.length; at++) sums[at] += weight * data[at];
  }
  return { rows, width, data: sums };
}

/** Of a column for each weight, the smallest whose weights, up to it and in its order, are at least half of all. */
export function weightedMedian(weights: Float64Array, { rows, width, data }: Matrix): Matrix {
  const medians = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const order = Array.from({ length: width }, (_, i) => i).sort(
      (a, b) => data[row * width + a] - data[row * width + b] || a - b,
    );
    let all = 0;
    const reached = order.map((column) => (all += weights[column]));
    const median = reached.findIndex((sum) => sum >= 0.5 * all);
    medians[row] = data[row * width + order[Math.max(0, median)]];
  }
  return { rows, width: 1, data: medians };
}

/** The sum of the products of two matrices' columns. */
export function rowProduct(one: Matrix, other: Matrix): Matrix {
  const { rows, width } = one;
  const sums = new Float64Array(rows);
  for (let i = 0; i < rows * width; i++) sums[Math.floor(i / width)] += one.data[i] * other.data[i];
  return { rows, width: 1, data: sums };
}

/** Products number by number; the second matrix may have one column for all of the first's. */
export function multiply({ rows, width, data }: Matrix, other: Matrix): Matrix {
  const isColumn = other.width === 1;
  return {
    rows,
    width,
    data: Float64Array.from(data, (value, i) => value * other.data[isColumn ? Math.floor(i / width) : i]),
  };
}

/** A number of each row. */
export function ofRow(does: Extract<EstimatorOperation, { kind: "row" }>["does"], { rows, width, data }: Matrix): Matrix {
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const [start, end] = [row * width, (row + 1) * width];
    switch (does) {
      case "sum":
        for (let i = start; i < end; i++) numbers[row] += data[i];
        break;
      case "log-sum-exp":
        numbers[row] = logSumExp(data, start, end);
        break;
      case "last-argmax": {
        let best = start;
        for (let i = start + 1; i < end; i++) if (data[i] >= data[best]) best = i;
        numbers[row] = best - start;
      }
    }
  }
  return { rows, width: 1, data: numbers };
}

function logSumExp(data: Matrix["data"], start: number, end: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = start; i < end; i++) most = Math.max(most, data[i]);
  if (!Number.isFinite(most)) return most;
  let sum = 0;
  for (let i = start; i < end; i++) sum += Math.exp(data[i] - most);
  return most + Math.log(sum);
}

/** Each number divided by the sum of its row; where that is 0, all the same or all 0. */
export function guardedShares(whenZero: "equal" | "zero", { rows, width, data }: Matrix): Matrix {
  const shares = new Float64Array(rows * width);
  for (let start = 0; start < data.length; start += width) {
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += data[i];
    for (let i = start; i < start + width; i++) shares[i] = sum === 0 ? (whenZero === "equal" ? 1 / width : 0) : data[i] / sum;
  }
  return { rows, width, data: shares };
}
