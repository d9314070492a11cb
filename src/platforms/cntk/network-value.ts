import { ServingError } from "../../base/serving-error.ts";
import type { GraphBuilder } from "../../graph/graph-builder.ts";
import type { GraphValue, Size } from "../../graph/graph-value.ts";
import { ARRAY_TYPES, type NumericDType } from "../../tensor/dtype.ts";

/** A constant of more elements is repeated when the graph runs. */
const MOST_FILLED = 4096;

/**
 * A value of a network in the graph: its dynamic dimensions first (batch, then sequence), then its static ones, in the reverse of CNTK's
 * order, so that its elements lie as CNTK's do.
 */
export interface NetworkValue {
  readonly value: GraphValue;
  /** How many dynamic dimensions it has: 0, 1 for a batch, 2 for a batch of sequences. */
  readonly dynamic: number;
}

/** A size of a shape to be made: a number, a dimension of some value, or (once) what remains. */
export type Part = number | "rest" | { readonly of: GraphValue; readonly axis: number };

/** The static sizes of a value. */
export function staticShape({ value, dynamic }: NetworkValue): readonly Size[] {
  return shapeOf(value).slice(dynamic);
}

/** The sizes of a value: of what is made here the number of dimensions is known. @throws ServingError unimplemented where it is not */
export function shapeOf({ shape }: GraphValue): readonly Size[] {
  if (shape === undefined) throw new ServingError("unimplemented", "the number of dimensions of a value cannot be told");
  return shape;
}

/** A number without dimensions, of a dtype of floats. */
export function numberOf(graph: GraphBuilder, dtype: GraphValue["dtype"], value: number): GraphValue {
  if (dtype === "float64") return graph.scalar("float64", value);
  const single = graph.scalar("float32", value);
  return dtype === "float16" ? graph.add("Cast", [single], { to: 10 }) : single;
}

/** Values in a form in which NumPy's rule broadcasts them as CNTK does: the static dimensions, and apart from them the dynamic ones. */
export function aligned(
  graph: GraphBuilder,
  values: readonly NetworkValue[],
): { readonly values: readonly GraphValue[]; readonly dynamic: number } {
  const dynamic = Math.max(...values.map((each) => each.dynamic));
  const rank = Math.max(...values.map((each) => staticShape(each).length));
  return { values: values.map((each) => spread(graph, each, dynamic, rank)), dynamic };
}

/** Puts ones where a value has fewer dimensions than `dynamic` and, of static ones, `rank`. Without dynamic ones it needs none. */
function spread(graph: GraphBuilder, each: NetworkValue, dynamic: number, rank: number): GraphValue {
  if (each.dynamic === 0) return each.value;
  const count = dynamic - each.dynamic + Math.max(0, rank - staticShape(each).length);
  if (count === 0) return each.value;
  return unsqueezed(
    graph,
    each.value,
    Array.from({ length: count }, (_, i) => each.dynamic + i),
  );
}

/** Adds dimensions of one. A constant of any size becomes a constant. */
export function unsqueezed(graph: GraphBuilder, value: GraphValue, axes: readonly number[]): GraphValue {
  if (axes.length === 0) return value;
  if (value.constant === undefined) return graph.add("Unsqueeze", [value, graph.integers(axes)]);
  const rest = shapeOf(value)[Symbol.iterator]();
  const rank = shapeOf(value).length + axes.length;
  return reshapedConstant(
    graph,
    value,
    Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : (rest.next().value as number))),
  );
}

/** A constant in another shape, its array by reference. */
export function reshapedConstant(graph: GraphBuilder, { dtype, constant }: GraphValue, shape: readonly number[]): GraphValue {
  return graph.constant(dtype as NumericDType, shape, constant!);
}

/** A shape as a value. */
export function joined(graph: GraphBuilder, parts: readonly Part[]): GraphValue {
  const lists: GraphValue[] = [];
  let numbers: number[] = [];
  const flush = (): void => {
    if (numbers.length > 0) lists.push(graph.integers(numbers));
    numbers = [];
  };
  for (const part of parts.map(known)) {
    if (typeof part === "number") numbers.push(part);
    else if (part === "rest") numbers.push(-1);
    else {
      flush();
      lists.push(graph.add("Gather", [graph.add("Shape", [part.of]), graph.integers([part.axis])]));
    }
  }
  flush();
  if (lists.length === 0) return graph.integers([]);
  return lists.length === 1 ? lists[0]! : graph.add("Concat", lists, { axis: 0 });
}

function known(part: Part): Part {
  if (typeof part !== "object") return part;
  const size = shapeOf(part.of)[part.axis];
  return typeof size === "number" ? size : part;
}

function sizeOf(part: Part): Size {
  return part === "rest" ? undefined : typeof part === "number" ? part : shapeOf(part.of)[part.axis];
}

/** A value in the shape of some parts, which have as many elements. @throws ServingError invalid-argument where they cannot have */
export function reshaped(graph: GraphBuilder, value: GraphValue, parts: readonly Part[]): GraphValue {
  const { dtype, shape } = value;
  const sizes = withoutRest(parts.map(known), shapeOf(value));
  if (value.constant !== undefined && sizes.every((size) => typeof size === "number")) {
    return reshapedConstant(graph, value, sizes as number[]);
  }
  const open = sizes.filter((part, i) => typeof part !== "number" && !stays(part, i, value));
  if (open.length > 1) {
    const outputs = [{ dtype, shape: sizes.map(sizeOf) }];
    return graph.add("Reshape", [value, joined(graph, sizes)], {}, { outputs });
  }
  // What stays where it is, is copied; one that is not known is what remains.
  const wanted = graph.integers(sizes.map((part, i) => (typeof part === "number" ? part : stays(part, i, value) ? 0 : -1)));
  if (sizes.includes("rest")) return graph.add("Reshape", [value, wanted]);
  const outputs = [{ dtype, shape: sizes.map((part, i) => sizeOf(part) ?? (stays(part, i, value) ? shape?.[i] : undefined)) }];
  return graph.add("Reshape", [value, wanted], {}, { outputs });
}

/** Parts with what remains as a number, where it can be told and is whole. */
function withoutRest(parts: readonly Part[], shape: readonly Size[]): readonly Part[] {
  const others = parts.filter((part) => part !== "rest");
  const total = product(shape);
  const taken = product(others.map(sizeOf));
  if (typeof total !== "number" || typeof taken !== "number" || !Number.isInteger(total / taken)) return parts;
  return parts.map((part) => (part === "rest" ? total / taken : part));
}

function product(sizes: readonly Size[]): number | undefined {
  let result = 1;
  for (const size of sizes) {
    if (typeof size !== "number") return undefined;
    result *= size;
  }
  return result;
}

function stays(part: Part, place: number, value: GraphValue): boolean {
  return typeof part === "object" && part.of === value && part.axis === place;
}

/** The dynamic dimensions of a value, as parts. */
export function dynamicParts({ value, dynamic }: NetworkValue): readonly Part[] {
  return Array.from({ length: dynamic }, (_, axis) => ({ of: value, axis }));
}

/** The static dimensions of a value, as parts. */
export function staticParts({ value, dynamic }: NetworkValue): readonly Part[] {
  return shapeOf(value)
    .slice(dynamic)
    .map((_, i) => ({ of: value, axis: dynamic + i }));
}

/** A value with its static dimensions in another shape. */
export function withStaticShape(graph: GraphBuilder, each: NetworkValue, parts: readonly Part[]): NetworkValue {
  return { value: reshaped(graph, each.value, [...dynamicParts(each), ...parts]), dynamic: each.dynamic };
}

/** What `use` makes of a value whose dynamic dimensions, whatever their number, are one for it. */
export function withOneBatch(graph: GraphBuilder, each: NetworkValue, use: (value: GraphValue) => GraphValue): NetworkValue {
  if (each.dynamic === 1) return { value: use(each.value), dynamic: 1 };
  if (each.dynamic === 0) {
    const result = use(unsqueezed(graph, each.value, [0]));
    return { value: graph.add("Squeeze", [result, graph.integers([0])]), dynamic: 0 };
  }
  const merged = reshaped(graph, each.value, ["rest", ...staticParts(each)]);
  const result = use(merged);
  const parts = shapeOf(result).map((_, axis) => ({ of: result, axis }));
  return { value: reshaped(graph, result, [...dynamicParts(each), ...parts.slice(1)]), dynamic: 2 };
}

/** A value broadcast to a shape; as it is where it has it. */
export function expanded(graph: GraphBuilder, value: GraphValue, parts: readonly Part[]): GraphValue {
  const shape = parts.map(sizeOf);
  const same =
    shapeOf(value).length === shape.length && shapeOf(value).every((size, i) => size !== undefined && size === shape[i]);
  if (same) return value;
  const count = product(shape);
  if (value.constant?.length === 1 && count !== undefined && count <= MOST_FILLED) {
    const { array } = ARRAY_TYPES[value.dtype as NumericDType];
    const filled = new array(count);
    return graph.constant(
      value.dtype as NumericDType,
      shape as number[],
      filled.fill(value.constant[0] as never) as typeof filled,
    );
  }
  return graph.add("Expand", [value, joined(graph, parts)], {}, { outputs: [{ dtype: value.dtype, shape }] });
}
