import type { FeatureOperation } from "../../../model/tabular/feature-operations.ts";
import type { Matrix } from "../matrix.ts";
import { normalQuantile } from "../normal-distribution.ts";

type Quantiles = Pick<Extract<FeatureOperation, { kind: "quantiles" }>, "quantiles" | "references" | "normal">;

/** How near an end of the normal distribution a value is there. */
const END = 1e-7;
const LEAST = normalQuantile(END - 2 ** -52);
const MOST = normalQuantile(1 - (END - 2 ** -52));

/** Where each value lies among its column's quantiles; NaN stays. */
export function quantiles({ quantiles: all, references, normal }: Quantiles, { rows, width, data }: Matrix): Matrix {
  const count = references.length;
  const places = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const column = i % width;
    const place = placeOf(data[i], all, column * count, references, normal);
    places[i] = normal && !Number.isNaN(place) ? Math.min(MOST, Math.max(LEAST, normalQuantile(place))) : place;
  }
  return { rows, width, data: places };
}

function placeOf(value: number, all: Float64Array, start: number, references: Float64Array, normal: boolean): number {
  if (Number.isNaN(value)) return value;
  const last = references.length - 1;
  const [first, end] = [all[start], all[start + last]];
  if (normal ? value - END < first : value === first) return 0;
  if (normal ? value + END > end : value === end) return 1;
  // From both sides: of quantiles that repeat, the middle.
  const up = between(value, all, start, last, references, 1);
  const down = between(value, all, start, last, references, -1);
  return 0.5 * (up - down);
}

/** On the line through quantiles and places; with the sign -1 that of both, negated and turned round. */
function between(value: number, all: Float64Array, start: number, last: number, references: Float64Array, sign: 1 | -1): number {
  const x = (i: number) => sign * all[start + (sign === 1 ? i : last - i)];
  const y = (i: number) => sign * references[sign === 1 ? i : last - i];
  const at = sign * value;
  if (at > x(last)) return y(last);
  if (at < x(0)) return y(0);
  let [low, high] = [0, last];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (x(middle) <= at) low = middle;
    else high = middle - 1;
  }
  if (low === last || x(low) === at) return y(low);
  return ((y(low + 1) - y(low)) / (x(low + 1) - x(low))) * (at - x(low)) + y(low);
}
