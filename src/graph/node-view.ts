import type { DType } from "../tensor/dtype.ts";
import type { Attributes } from "./graph-node.ts";
import type { GraphShape, GraphValue } from "./graph-value.ts";

/** What is known of an output before the graph runs. */
export interface ValueType {
  readonly dtype: DType;
  readonly shape: GraphShape;
}

/** What a rule sees of a node. */
export interface NodeView {
  readonly operator: string;
  readonly inputs: readonly (GraphValue | undefined)[];
  readonly attributes: Attributes;
  /** The first input. */
  readonly first: GraphValue;
  readonly count: number;
}

/** The values of a constant of integers; undefined for what is not one. */
export function constantIntegers(value: GraphValue | undefined): readonly number[] | undefined {
  const data = value?.constant;
  return data === undefined ? undefined : Array.from(data as Iterable<number | bigint>, Number);
}

/** An attribute that is an integer. */
export function integerOf(attributes: Attributes, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === "number" ? value : fallback;
}

/** An attribute that is a list of integers. */
export function integersOf(attributes: Attributes, name: string): readonly number[] | undefined {
  const value = attributes[name];
  return Array.isArray(value) ? (value as readonly number[]) : undefined;
}
