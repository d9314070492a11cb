import { type Matrix, zerosLike } from "../matrix.ts";

/** Rows times weights (the weights of a column side by side) plus a bias; a value that is not there counts as 0. */
export function linear(
  weights: Float32Array | Float64Array,
  bias: Float32Array | Float64Array,
  { rows, width, data }: Matrix,
): Matrix {
  const groups = bias.length;
  const sums = zerosLike(weights, rows * groups);
  // Each addition is rounded to the precision of the sums, as the product is.
  if (weights instanceof Float32Array) sumInFloat32(weights, bias, rows, width, data, sums);
  else sumInFloat64(weights, bias, rows, width, data, sums);
  return { rows, width: groups, data: sums };
}

function sumInFloat64(
  weights: Float64Array,
  bias: Float32Array | Float64Array,
  rows: number,
  width: number,
  data: Matrix["data"],
  sums: Float32Array | Float64Array,
): void {
  const groups = bias.length;
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    for (let group = 0; group < groups; group++) {
      let sum = bias[group]!;
      for (let column = 0, at = group; column < width; column++, at += groups) {
        const value = data[from + column]!;
        if (!Number.isNaN(value)) sum += value * weights[at]!;
      }
      sums[row * groups + group] = sum;
    }
  }
}

function sumInFloat32(
  weights: Float32Array,
  bias: Float32Array | Float64Array,
  rows: number,
  width: number,
  data: Matrix["data"],
  sums: Float32Array | Float64Array,
): void {
  const groups = bias.length;
  const { fround } = Math;
  for (let row = 0; row < rows; row++) {
    const from = row * width;
    for (let group = 0; group < groups; group++) {
      let sum = fround(bias[group]!);
      for (let column = 0, at = group; column < width; column++, at += groups) {
        const value = data[from + column]!;
        if (!Number.isNaN(value)) sum = fround(sum + fround(value * weights[at]!));
      }
      sums[row * groups + group] = sum;
    }
  }
}
