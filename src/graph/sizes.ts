import { ServingError } from "../base/serving-error.ts";
import type { GraphShape, Size } from "./graph-value.ts";

/** The shape that NumPy's broadcasting of two shapes gives. @throws ServingError invalid-argument when they do not fit. */
export function broadcast(a: GraphShape, b: GraphShape): GraphShape {
  if (a === undefined || b === undefined) return undefined;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = i < rank - a.length ? 1 : a[i - rank + a.length];
    const right = i < rank - b.length ? 1 : b[i - rank + b.length];
    return joined(left, right);
  });
}

function joined(left: Size, right: Size): Size {
  if (left === 1) return right;
  if (right === 1 || left === right) return left;
  if (typeof left === "number") {
    if (typeof right !== "number") return left;
    throw new ServingError("invalid-argument", `sizes ${left} and ${right} cannot be broadcast to each other`);
  }
  return typeof right === "number" ? right : undefined;
}

/** A dimension counted from the front, of one that may be counted from the end. @throws ServingError invalid-argument. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(normal) && normal >= 0 && normal < rank) return normal;
  throw new ServingError("invalid-argument", `axis ${axis} does not exist in a tensor of ${rank} dimensions`);
}

/** The product of sizes, where all are fixed; the symbol where it is the only one beside ones. */
export function product(sizes: readonly Size[]): Size {
  const others = sizes.filter((size) => size !== 1);
  if (others.length === 0) return 1;
  if (others.length === 1) return others[0];
  let result = 1;
  for (const size of others) {
    if (typeof size !== "number") return undefined;
    result *= size;
  }
  return result;
}
