import type { TabularOperation } from "../../../model/tabular/tabular-program.ts";
import type { Matrix } from "../matrix.ts";

/** Sums of squared differences from points, weighted where there are weights, plus each point's bias. In float64. */
export function squares(
  { points, weights, bias }: Pick<Extract<TabularOperation, { kind: "squares" }>, "points" | "weights" | "bias">,
  { rows, width, data }: Matrix,
): Matrix {
  const groups = bias.length;
  const sums = new Float64Array(rows * groups);
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      let sum = 0;
      for (let column = 0; column < width; column++) {
        const difference = data[row * width + column]! - points[group * width + column]!;
        sum += difference * difference * (weights?.[group * width + column] ?? 1);
      }
      sums[row * groups + group] = bias[group]! + sum;
    }
  }
  return { rows, width: groups, data: sums };
}
