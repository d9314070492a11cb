import type { Metric } from "../../../model/tabular/estimator-operations.ts";
import { fused } from "./fused.ts";

/** A distance between a row, which begins at `row` in `data`, and a point, which begins at `point` in `points`. */
export interface Distance {
  /** What is as large as the distance among others, and faster: its square, for example. */
  readonly reduced: (data: ArrayLike<number>, row: number, points: ArrayLike<number>, point: number) => number;
  readonly fromReduced: (reduced: number) => number;
  readonly toReduced: (distance: number) => number;
  /** The least that a row may be from a box, reduced; for metrics that go column by column. */
  readonly fromBox?: (data: ArrayLike<number>, row: number, lower: Float64Array, upper: Float64Array, node: number) => number;
}

const same = (value: number): number => value;
const SQUARED = { fromReduced: Math.sqrt, toReduced: (distance: number) => distance * distance };
const PLAIN = { fromReduced: same, toReduced: same };

/** The distance of a metric between rows and points of `columns` numbers. */
export function distanceOf(metric: Metric, columns: number): Distance {
  switch (metric.kind) {
    case "euclidean":
      return {
        reduced: sumOf(columns, (a, b) => (a - b) * (a - b)),
        ...SQUARED,
        fromBox: boxSumOf(columns, (gap) => gap * gap),
      };
    case "euclidean-by-products":
      return { reduced: byProducts(columns), ...SQUARED };
    case "manhattan":
      return { reduced: sumOf(columns, (a, b) => Math.abs(a - b)), ...PLAIN, fromBox: boxSumOf(columns, same) };
    case "chebyshev":
      return { reduced: mostOf(columns), ...PLAIN, fromBox: boxMostOf(columns) };
    case "minkowski": {
      const { p, weights } = metric;
      const weightOf = weights === undefined ? () => 1 : (column: number) => weights[column];
      return {
        reduced: sumOf(columns, (a, b, column) => weightOf(column) * Math.abs(a - b) ** p),
        fromReduced: (reduced) => reduced ** (1 / p),
        toReduced: (distance) => distance ** p,
        ...(weights === undefined ? { fromBox: boxSumOf(columns, (gap) => gap ** p) } : {}),
      };
    }
    case "standardized": {
      const { variances } = metric;
      return { reduced: sumOf(columns, (a, b, column) => ((a - b) * (a - b)) / variances[column]), ...SQUARED };
    }
    case "canberra":
      return { reduced: sumOf(columns, (a, b) => (a === b ? 0 : Math.abs(a - b) / (Math.abs(a) + Math.abs(b)))), ...PLAIN };
    case "bray-curtis": {
      const differences = sumOf(columns, (a, b) => Math.abs(a - b));
      const sizes = sumOf(columns, (a, b) => Math.abs(a) + Math.abs(b));
      return { reduced: (...at) => differences(...at) / (sizes(...at) || 1), ...PLAIN };
    }
    case "cosine": {
      const product = sumOf(columns, (a, b) => a * b);
      return {
        reduced: (data, row, points, point) => {
          const lengths = Math.sqrt(product(data, row, data, row) || 1) * Math.sqrt(product(points, point, points, point) || 1);
          return Math.min(2, Math.max(0, 1 - product(data, row, points, point) / lengths));
        },
        ...PLAIN,
      };
    }
    case "hamming": {
      const differing = sumOf(columns, (a, b) => (a === b ? 0 : 1));
      return { reduced: (...at) => differing(...at) / columns, ...PLAIN };
    }
    case "haversine":
      return {
        reduced: (data, row, points, point) => {
          const [latitude, other] = [data[row], points[point]];
          const first = Math.sin(0.5 * (latitude - other));
          const second = Math.sin(0.5 * (data[row + 1] - points[point + 1]));
          return first * first + Math.cos(latitude) * Math.cos(other) * second * second;
        },
        fromReduced: (reduced) => 2 * Math.asin(Math.sqrt(reduced)),
        toReduced: (distance) => Math.sin(0.5 * distance) ** 2,
      };
  }
}

function sumOf(columns: number, part: (a: number, b: number, column: number) => number): Distance["reduced"] {
  return (data, row, points, point) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += part(data[row + column], points[point + column], column);
    return sum;
  };
}

function byProducts(columns: number): Distance["reduced"] {
  const product = (one: ArrayLike<number>, at: number, other: ArrayLike<number>, from: number) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum = fused(one[at + column], other[from + column], sum);
    return sum;
  };
  return (data, row, points, point) => {
    const middle = -2 * product(data, row, points, point);
    return Math.max(0, product(data, row, data, row) + middle + product(points, point, points, point));
  };
}

function mostOf(columns: number): Distance["reduced"] {
  return (data, row, points, point) => {
    let most = 0;
    for (let column = 0; column < columns; column++) most = Math.max(most, Math.abs(data[row + column] - points[point + column]));
    return most;
  };
}

function boxSumOf(columns: number, part: (gap: number) => number): NonNullable<Distance["fromBox"]> {
  return (data, row, lower, upper, node) => {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      sum += part(gapOf(data[row + column], lower[node * columns + column], upper[node * columns + column]));
    }
    return sum;
  };
}

function boxMostOf(columns: number): NonNullable<Distance["fromBox"]> {
  return (data, row, lower, upper, node) => {
    let most = 0;
    for (let column = 0; column < columns; column++) {
      most = Math.max(most, gapOf(data[row + column], lower[node * columns + column], upper[node * columns + column]));
    }
    return most;
  };
}

function gapOf(value: number, lower: number, upper: number): number {
  return Math.max(0, lower - value) + Math.max(0, value - upper);
}
