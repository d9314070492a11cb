import { ServingError } from "../../../base/serving-error.ts";
import type { Link } from "../../../model/tabular/tabular-program.ts";
import { type Matrix, zerosLike } from "../matrix.ts";

/**
 * Does to a matrix what a link says, in the precision of its numbers: of float32, each step is rounded as the libraries round.
 *
 * @throws ServingError invalid-argument for numbers that the link refuses
 */
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
    case "mirror":
      return mirror(matrix);
    case "step-from-zero":
      return each(matrix, (value) => (value >= 0 ? 1 : 0));
    case "argmin":
      return argmax(each(matrix, (value) => -value));
    case "shares":
      return shares(matrix);
    case "log":
      return each(matrix, Math.log);
    case "log-softmax":
      return logSoftmax(matrix);
    case "sqrt":
      return each(matrix, Math.sqrt);
    case "tanh":
      return each(matrix, Math.tanh);
    case "relu":
      return each(matrix, (value) => Math.max(0, value));
    case "clip":
      return each(matrix, (value) => Math.min(link.most, Math.max(link.least, value)));
    case "round-to-float32":
      return each(matrix, Math.fround);
    case "finite":
      return finite(matrix, link.nan);
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

function mirror({ rows, data }: Matrix): Matrix {
  const pairs = zerosLike(data, rows * 2);
  for (let row = 0; row < rows; row++) {
    pairs[row * 2] = -data[row]!;
    pairs[row * 2 + 1] = data[row]!;
  }
  return { rows, width: 2, data: pairs };
}

function shares({ rows, width, data }: Matrix): Matrix {
  const divided = zerosLike(data, data.length);
  for (let start = 0; start < data.length; start += width) {
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += data[i]!;
    for (let i = start; i < start + width; i++) divided[i] = data[i]! / sum;
  }
  return { rows, width, data: divided };
}

function logSoftmax({ rows, width, data }: Matrix): Matrix {
  const logarithms = zerosLike(data, data.length);
  for (let start = 0; start < data.length; start += width) {
    let most = Number.NEGATIVE_INFINITY;
    for (let i = start; i < start + width; i++) most = Math.max(most, data[i]!);
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += Math.exp(data[i]! - most);
    const whole = most + Math.log(sum);
    for (let i = start; i < start + width; i++) logarithms[i] = data[i]! - whole;
  }
  return { rows, width, data: logarithms };
}

function finite(matrix: Matrix, nan: "allowed" | "refused"): Matrix {
  const { data } = matrix;
  // Any number less itself is 0, unless it is none or infinite.
  let rest = 0;
  for (let i = 0; i < data.length; i++) rest += data[i]! - data[i]!;
  if (rest === 0) return matrix;
  for (const value of data) {
    if (Number.isFinite(value) || (nan === "allowed" && Number.isNaN(value))) continue;
    const what = Number.isNaN(value) ? "NaN" : "a number that is infinite or too large";
    throw new ServingError("invalid-argument", `the input has ${what}, which the model does not take`);
  }
  return matrix;
}
