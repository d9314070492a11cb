import { ServingError } from "../base/serving-error.ts";
import type { DType } from "../tensor/dtype.ts";
import type { DeclaredShape, Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What is known of a tensor before there is one. */
export interface ValueInfo {
  readonly dtype: DType;
  /** The first size is that of the rows, which no step mixes. */
  readonly shape: DeclaredShape;
  /** As {@link TensorInfo.dimensionNames}. */
  readonly dimensionNames?: readonly string[];
}

/** A tensor in messages: `float32 [-1,3]`. */
export function describeInfo({ dtype, shape }: { readonly dtype: DType; readonly shape: DeclaredShape }): string {
  return `${dtype} ${shape === undefined ? "of any shape" : `[${shape.join(",")}]`}`;
}

/** Whether a declared shape can be that of another one: as many sizes, each the same or free on one side. */
export function canBe(a: DeclaredShape, b: DeclaredShape): boolean {
  if (a === undefined || b === undefined) return true;
  return a.length === b.length && a.every((size, axis) => size === b[axis] || size < 0 || b[axis]! < 0);
}

/** Whether a tensor is what was declared: the element type, and every size that is not free. */
export function fits({ dtype, shape }: ValueInfo, tensor: Tensor): boolean {
  if (tensor.dtype !== dtype) return false;
  if (shape === undefined) return true;
  const given = tensor.shape;
  if (given.length !== shape.length) return false;
  for (let axis = 0; axis < shape.length; axis++) if (shape[axis]! >= 0 && shape[axis] !== given[axis]) return false;
  return true;
}

/** The shape. @throws ServingError invalid-argument when not even the number of sizes is known. */
export function knownShape({ shape }: ValueInfo): Shape {
  if (shape === undefined) {
    throw new ServingError("invalid-argument", "it needs to know the shape of what it reads: put a reshape before it");
  }
  return shape;
}

/**
 * An axis as a number from 0.
 * @throws ServingError invalid-argument for one that the shape has not, or the first: steps do not mix rows.
 */
export function axisOf(shape: Shape, axis: number): number {
  const found = axis < 0 ? shape.length + axis : axis;
  if (found >= 1 && found < shape.length) return found;
  const why = found === 0 ? "the entries of the first axis are the rows, which no step mixes" : "there is no such axis";
  throw new ServingError("invalid-argument", `axis ${axis} of [${shape.join(",")}]: ${why}`);
}

/** Sizes around an axis, as elements lie in memory: `[before, axis, after]`. */
export function around(shape: Shape, axis: number): readonly [outer: number, size: number, inner: number] {
  let [outer, inner] = [1, 1];
  for (let i = 0; i < axis; i++) outer *= shape[i]!;
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i]!;
  return [outer, shape[axis]!, inner];
}
