import type { PlaneTrees } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix } from "../matrix.ts";

/** The mean length of each row's paths through trees that are split by planes. A row with NaN goes right. */
export function planePaths(trees: PlaneTrees, { rows, width, data }: Matrix): Matrix {
  const { roots, left, right, lengths } = trees;
  const means = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (const root of roots) {
      let node = root;
      while (left[node] >= 0) node = isBehind(trees, trees.planes[node], data, row * width) ? left[node] : right[node];
      sum += lengths[node];
    }
    means[row] = sum / roots.length;
  }
  return { rows, width: 1, data: means };
}

function isBehind({ columns, normals, points }: PlaneTrees, plane: number, data: Matrix["data"], row: number): boolean {
  let sum = 0;
  for (let i = 0; i < columns; i++) sum += (data[row + i] - points[plane + i]) * normals[plane + i];
  return sum <= 0;
}
