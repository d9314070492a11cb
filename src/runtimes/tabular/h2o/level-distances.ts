import type { Matrix } from "../matrix.ts";

/**
 * The distance of each row from each point: differences squared, or 1 for another level. What is missing is left out, and the rest counts for
 * as much as all columns would; 0 for a row without values.
 */
export function levelDistances(points: Float64Array, isLevel: Uint8Array, { rows, width, data }: Matrix): Matrix {
  const count = points.length / width;
  const distances = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    for (let point = 0; point < count; point++) {
      let sum = 0;
      let present = 0;
      for (let i = 0; i < width; i++) {
        const value = data[row * width + i];
        if (Number.isNaN(value)) continue;
        present++;
        const own = points[point * width + i];
        if (isLevel[i] === 0) sum += (value - own) * (value - own);
        else if (value !== own) sum += 1;
      }
      distances[row * count + point] = present > 0 && present < width ? sum * (width / present) : sum;
    }
  }
  return { rows, width: count, data: distances };
}
