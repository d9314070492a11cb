import type { H2oLink } from "../../../model/tabular/h2o-operations.ts";
import type { Matrix } from "../matrix.ts";

/** What is farthest from 0 of what is too near to it to be inverted. */
const NEAREST = 1e-5;
const LEAST_LOGIT = -19;
const LEAST_SHARE = 1e-9;

/** Does to a matrix of float64 what a link says, as H2O does. */
export function applyH2oLink(link: H2oLink, matrix: Matrix): Matrix {
  switch (link.kind) {
    case "inverse":
      return each(matrix, (value) => 1 / (value < 0 ? Math.min(-NEAREST, value) : Math.max(link.least, value)));
    case "power":
      return each(matrix, (value) => value ** link.exponent);
    case "cloglog":
      return each(matrix, (value) => 1 - Math.exp(-Math.exp(value)));
    case "logit":
      return each(matrix, logit);
    case "distance-from":
      return each(matrix, (value) => (link.most > link.least ? (link.most - value) / (link.most - link.least) : 1));
    case "halving":
      return each(matrix, (value) => 2 ** (-1 * (value / link.by)));
    case "above":
      return each(matrix, (value) => (value > link.threshold ? 1 : 0));
    case "ordinal":
      return byRow(matrix, matrix.width + 1, ordinal);
    case "balance":
      return byRow(matrix, matrix.width, (from, to) => {
        for (let i = 0; i < from.length; i++) to[i] = from[i] * link.ratios[i];
        share(to);
      });
    case "shares-above-zero":
      return byRow(matrix, matrix.width, (from, to) => {
        to.set(from);
        share(to);
      });
    case "softmax-above-zero":
      return byRow(matrix, matrix.width, softmax);
    case "most-above-zero":
      return byRow(matrix, 1, (from, to) => {
        let most = 0;
        for (const [i, value] of from.entries()) {
          if (value > most) [to[0], most] = [i, value];
        }
      });
    case "least-column":
      return byRow(matrix, 1, (from, to) => {
        to[0] = -1;
        let least = Number.MAX_VALUE;
        for (const [i, value] of from.entries()) {
          if (value < least) [to[0], least] = [i, value];
        }
      });
    case "uplift":
      return byRow(matrix, 3, (from, to) => to.set([from[0] - from[1], from[0], from[1]]));
  }
}

function each({ rows, width, data }: Matrix, change: (value: number) => number): Matrix {
  const changed = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) changed[i] = change(data[i]);
  return { rows, width, data: changed };
}

function byRow({ rows, width, data }: Matrix, toWidth: number, change: (from: Float64Array, to: Float64Array) => void): Matrix {
  const changed = new Float64Array(rows * toWidth);
  const from = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) from[i] = data[row * width + i];
    change(from, changed.subarray(row * toWidth, (row + 1) * toWidth));
  }
  return { rows, width: toWidth, data: changed };
}

function logit(share: number): number {
  const cut = Math.min(1 - LEAST_SHARE, Math.max(share, LEAST_SHARE));
  const odds = cut / (1 - cut);
  return odds === 0 ? LEAST_LOGIT : Math.max(LEAST_LOGIT, Math.log(odds));
}

function ordinal(etas: Float64Array, to: Float64Array): void {
  let before = 0;
  for (let i = 0; i < etas.length; i++) {
    const upTo = 1 / (1 + Math.exp(-etas[i]));
    to[i] = upTo - before;
    before = upTo;
  }
  to[etas.length] = 1 - before;
}

function softmax(etas: Float64Array, to: Float64Array): void {
  let most = 0;
  for (const eta of etas) if (eta > most) most = eta;
  let sum = 0;
  for (let i = 0; i < etas.length; i++) sum += to[i] = Math.exp(etas[i] - most);
  const share = 1 / sum;
  for (let i = 0; i < etas.length; i++) to[i] *= share;
}

function share(values: Float64Array): void {
  let sum = 0;
  for (const value of values) sum += value;
  if (sum > 0) for (let i = 0; i < values.length; i++) values[i] /= sum;
}
