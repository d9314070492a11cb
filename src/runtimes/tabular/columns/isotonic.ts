import type { H2oOperation } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix } from "../matrix.ts";

type Line = Pick<Extract<H2oOperation, { kind: "isotonic" }>, "x" | "y" | "least" | "most">;

/** Numbers on a line through points; those outside of `least` to `most` are that. */
export function isotonic({ x, y, least, most }: Line, { rows, data }: Matrix): Matrix {
  const numbers = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const value = data[row];
    numbers[row] = Number.isNaN(value) ? value : onLine(x, y, value < least ? least : Math.min(value, most));
  }
  return { rows, width: 1, data: numbers };
}

function onLine(x: Float64Array, y: Float64Array, value: number): number {
  let low = 0;
  let high = x.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (x[middle] === value) return y[middle];
    if (x[middle] < value) low = middle + 1;
    else high = middle - 1;
  }
  // Nothing lies outside of the points but what the model's own limits let through.
  if (high < 0 || low === x.length) return Number.NaN;
  return y[high] + ((y[low] - y[high]) / (x[low] - x[high])) * (value - x[high]);
}
