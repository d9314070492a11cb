import type { DType, NumericArray } from "../tensor/dtype.ts";
import type { GraphNode } from "./graph-node.ts";

/** A dimension: fixed, symbolic (equal names are equal sizes), or not known before the graph runs. */
export type Size = number | string | undefined;

/** Sizes by dimension; undefined where even the rank is not known. */
export type GraphShape = readonly Size[] | undefined;

/** One tensor of a graph: an input, a constant, or what a node gives. Made by a GraphBuilder only. */
export class GraphValue {
  readonly dtype: DType;
  readonly shape: GraphShape;
  /** The node that gives it; undefined for inputs and constants. */
  readonly node: GraphNode | undefined;
  /** What it always is, in row-major order as in a Tensor, where that is known. */
  readonly constant: NumericArray | undefined;

  constructor(dtype: DType, shape: GraphShape, { node, constant }: { node?: GraphNode; constant?: NumericArray } = {}) {
    this.dtype = dtype;
    this.shape = shape;
    this.node = node;
    this.constant = constant;
  }

  /** Its number of dimensions; undefined where that is not known. */
  get rank(): number | undefined {
    return this.shape?.length;
  }
}
