import { ServingError } from "../../../base/serving-error.ts";
import type { EstimatorOperation } from "../../../model/tabular/estimator-operations.ts";
import type { Matrix } from "../matrix.ts";

type Interpolate = Pick<Extract<EstimatorOperation, { kind: "interpolate" }>, "x" | "y" | "outside">;

/** Values between points on a line through them. @throws ServingError invalid-argument for one outside, where that is refused */
export function interpolate({ x, y, outside }: Interpolate, { rows, width, data }: Matrix): Matrix {
  const last = x.length - 1;
  const values = Float64Array.from(data, (value) => {
    if (Number.isNaN(value)) return value;
    if (value < x[0] || value > x[last]) {
      if (outside === "nan") return Number.NaN;
      if (outside === "refused") {
        throw new ServingError("invalid-argument", `the input has ${value}, which is not between ${x[0]} and ${x[last]}`);
      }
      return value < x[0] ? y[0] : y[last];
    }
    const left = lastAtMost(x, value);
    if (left === last || x[left] === value) return y[left];
    return ((y[left + 1] - y[left]) / (x[left + 1] - x[left])) * (value - x[left]) + y[left];
  });
  return { rows, width, data: values };
}

/** The last place whose number is at most `value`, which is not below the first. */
function lastAtMost(numbers: Float64Array, value: number): number {
  let [low, high] = [0, numbers.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (numbers[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
