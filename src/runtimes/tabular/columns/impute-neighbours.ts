import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { Matrix } from "../matrix.ts";

type Impute = Omit<Extract<FeatureOperation, { kind: "impute-neighbours" }>, "kind" | "from" | "to">;

/** What is NaN becomes the mean of the nearest rows that have it, or the column's fallback. */
export function imputeNeighbours(impute: Impute, { rows, width, data }: Matrix): Matrix {
  const filled = Float64Array.from(data);
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * width, (row + 1) * width);
    if (!own.some(Number.isNaN)) continue;
    const distances = distancesTo(impute.points, own);
    for (let column = 0; column < width; column++) {
      if (Number.isNaN(own[column])) filled[row * width + column] = meanOfNearest(impute, distances, column, width);
    }
  }
  return { rows, width, data: filled };
}

/** Distances over the columns that both have, made up for those that are missing; NaN where there is none. */
function distancesTo(points: Float64Array, row: Matrix["data"]): Float64Array {
  const width = row.length;
  const distances = new Float64Array(points.length / width);
  for (let point = 0; point < distances.length; point++) {
    let [sum, both] = [0, 0];
    for (let column = 0; column < width; column++) {
      const difference = row[column] - points[point * width + column];
      if (Number.isNaN(difference)) continue;
      sum += difference * difference;
      both++;
    }
    distances[point] = both === 0 ? Number.NaN : Math.sqrt((sum * width) / both);
  }
  return distances;
}

function meanOfNearest(
  { points, count, weighted, fallback }: Impute,
  distances: Float64Array,
  column: number,
  width: number,
): number {
  const known: number[] = [];
  for (let point = 0; point < distances.length; point++) {
    if (!Number.isNaN(distances[point]) && !Number.isNaN(points[point * width + column])) known.push(point);
  }
  if (known.length === 0) return fallback[column];
  const nearest = known.sort((a, b) => distances[a] - distances[b] || a - b).slice(0, count);
  const there = weighted === "by-distance" && distances[nearest[0]] === 0;
  let [sum, weights] = [0, 0];
  for (const point of nearest) {
    const distance = distances[point];
    // Those at no distance are the only ones that count.
    const weight = weighted === "equally" ? 1 : there ? Number(distance === 0) : 1 / distance;
    sum += weight * points[point * width + column];
    weights += weight;
  }
  return sum / weights;
}
