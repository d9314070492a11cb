import type { Link } from "../../model/tabular-program.ts";
import { type Matrix, zerosLike } from "./matrix.ts";

/** Does to a matrix what a link says, in the precision of its numbers: of float32, each step is rounded as the libraries round. */
export function applyLink(link: Link, matrix: Matrix): Matrix {
  switch (link.kind) {
    case "sigmoid":
      return each(matrix, (value) => 1 / (1 + Math.exp(-link.steepness * value)));
    case "exp":
      return each(matrix, Math.exp);
    case "log1p-exp":
      return each(matrix, (value) => Math.log1p(Math.exp(value)));
    case "step":
      return each(matrix, (value) => (value > 0 ? 1 : 0));
    case "signed-square":
      return each(matrix, (value) => Math.sign(value) * value * value);
    case "softmax":
      return softmax(matrix);
    case "argmax":
      return argmax(matrix);
    case "complement":
      return complement(matrix);
  }
}

function each({ rows, width, data }: Matrix, change: (value: number) => number): Matrix {
  const changed = zerosLike(data, data.length);
  for (let i = 0; i < data.length; i++) changed[i] = change(data[i]!);
  return { rows, width, data: changed };
}

function softmax({ rows, width, data }: Matrix): Matrix {
  const shares = zerosLike(data, data.length);
  for (let start = 0; start < data.length; start += width) {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = start; i < start + width; i++) most = Math.max(most, data[i]!);
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += shares[i] = Math.exp(data[i]! - most);
    for (let i = start; i < start + width; i++) shares[i]! /= sum;
  }
  return { rows, width, data: shares };
}

function argmax({ rows, width, data }: Matrix): Matrix {
  const numbers = zerosLike(data, rows);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let i = 1; i < width; i++) if (data[row * width + i]! > data[row * width + best]!) best = i;
    numbers[row] = best;
  }
  return { rows, width: 1, data: numbers };
}

function complement({ rows, data }: Matrix): Matrix {
  const pairs = zerosLike(data, rows * 2);
  for (let row = 0; row < rows; row++) {
    pairs[row * 2 + 1] = data[row]!;
    pairs[row * 2] = 1 - data[row]!;
  }
  return { rows, width: 2, data: pairs };
}
