import { type Matrix, zerosLike } from "./matrix.ts";

/** Rows times weights (the weights of a column side by side) plus a bias; a value that is not there counts as 0. */
export function linear(
  weights: Float32Array | Float64Array,
  bias: Float32Array | Float64Array,
  { rows, width, data }: Matrix,
): Matrix {
  const groups = bias.length;
  const sums = zerosLike(weights, rows * groups);
  const round = weights instanceof Float32Array ? Math.fround : (product: number) => product;
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      const at = row * groups + group;
      // In place, so that each addition is rounded to the precision of the sums, as the product is.
      sums[at] = bias[group]!;
      for (let column = 0; column < width; column++) {
        const value = data[row * width + column]!;
        if (!Number.isNaN(value)) sums[at]! += round(value * weights[column * groups + group]!);
      }
    }
  }
  return { rows, width: groups, data: sums };
}
