import { ServingError } from "../base/serving-error.ts";

/** Sizes of each dimension, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** A declared shape: -1 for a size that is free; `undefined` when not even the rank is known. */
export type DeclaredShape = Shape | undefined;

/**
 * Number of elements of a shape.
 * @throws ServingError invalid-argument for a negative or fractional size, or a product above 2^53, also of the first sizes only: engines
 * count in 64 bits before they come to one of 0.
 */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ServingError(
        "invalid-argument",
        `a dimension must be a whole number of at least 0, got ${size} in shape [${shape.join(",")}]`,
      );
    }
    count *= size;
    if (!Number.isSafeInteger(count)) {
      throw new ServingError("invalid-argument", `shape [${shape.join(",")}] has too many elements`);
    }
  }
  return count;
}

/** Whether two concrete shapes are the same. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
