import type { NumericTensor } from "../tensor/tensor.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import type { GraphValue } from "./graph-value.ts";

/** A number that is a float even when it is whole; plain numbers are integers. */
export interface FloatAttribute {
  readonly float: number;
}

/** As {@link FloatAttribute}, several. */
export interface FloatsAttribute {
  readonly floats: readonly number[];
}

/** What an attribute of a node may be: an integer, a text, integers, texts, floats, a tensor, a graph. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | FloatAttribute
  | FloatsAttribute
  | NumericTensor
  | GraphBuilder;

/** Attributes by their ONNX names; undefined ones are left out. */
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** A float attribute. */
export function float(value: number): FloatAttribute {
  return { float: value };
}

/** One operation of a graph. */
export interface GraphNode {
  /** The graph that it is in. */
  readonly graph: GraphBuilder;
  /** ONNX's name of the operation. */
  readonly operator: string;
  /** Undefined for ONNX's own. */
  readonly domain: string | undefined;
  /** What it was made of, for errors: the framework's operator and name. */
  readonly origin: string;
  /** Undefined for an optional input that is left out. */
  readonly inputs: readonly (GraphValue | undefined)[];
  readonly outputs: readonly GraphValue[];
  readonly attributes: Attributes;
}
