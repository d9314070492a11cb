import type { GraphBuilder } from "../../../graph/graph-builder.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { damaged } from "../dictionary.ts";
import { entry, type FunctionCall, type FunctionEntry, type Translate } from "../function-call.ts";
import {
  dynamicParts,
  type NetworkValue,
  type Part,
  reshaped,
  shapeOf,
  staticParts,
  staticShape,
  unsqueezed,
  withStaticShape,
} from "../network-value.ts";

/**
 * A product of tensors. In the reverse of CNTK's order, the first input is [reduced..., out...] and the second one [rest..., reduced...]:
 * it is the first factor of a product of matrices.
 */
const times: Translate = (call) => {
  const rank = call.attributes.integer("outputRank", 1);
  call.attributes.ignore("inferInputRankToMap");
  return product(call, call.input(0), call.input(1), rank);
};

const transposeTimes: Translate = (call) => {
  const rank = call.attributes.integer("outputRank", 1);
  call.attributes.ignore("inferInputRankToMap");
  const weights = call.input(0);
  if (staticShape(weights).length !== 2 || rank !== 1) throw call.unimplemented("its first input is no matrix");
  const [last, next] = [weights.dynamic + 1, weights.dynamic];
  const perm = [...Array.from({ length: weights.dynamic }, (_, i) => i), last, next];
  return product(call, call.unary("Transpose", { perm }, weights), call.input(1), rank);
};

function product(call: FunctionCall, weights: NetworkValue, input: NetworkValue, outputRank: number): NetworkValue {
  const { graph } = call;
  const reducedRank = staticShape(weights).length - outputRank;
  const restRank = staticShape(input).length - reducedRank;
  if (outputRank < 0 || reducedRank < 0 || restRank < 0)
    throw damaged(`${graph.origin} multiplies tensors of too few dimensions`);
  const reduced = staticParts(weights).slice(0, reducedRank);
  const out = staticParts(weights).slice(reducedRank);
  const rest = staticParts(input).slice(0, restRank);
  expectSame(call, reduced, staticParts(input).slice(restRank));
  const dynamic = Math.max(weights.dynamic, input.dynamic);
  const matrix = asMatrix(call, weights, reduced, out);
  if (weights.dynamic === 0 && reducedRank === 1 && outputRank === 1) {
    return { value: call.add("MatMul", [input.value, matrix]), dynamic };
  }
  const rows = asMatrix(call, input, rest, staticParts(input).slice(restRank));
  const result: NetworkValue = {
    value: call.add("MatMul", [spread(graph, rows, input, dynamic), spread(graph, matrix, weights, dynamic)]),
    dynamic,
  };
  return withStaticShape(graph, result, [...rest, ...out]);
}

/** A tensor as matrices, one for each place of its dynamic dimensions: rows and columns of several dimensions. */
function asMatrix(call: FunctionCall, each: NetworkValue, rows: readonly Part[], columns: readonly Part[]): GraphValue {
  if (rows.length === 1 && columns.length === 1) return each.value;
  const parts = [single(rows), single(columns)];
  if (parts.every((part) => part === undefined)) throw call.unimplemented("its input has too many free dimensions");
  return reshaped(call.graph, each.value, [...dynamicParts(each), ...parts.map((part) => part ?? "rest")]);
}

/** The product of parts; undefined where several of them make it and not all are known. */
function single(parts: readonly Part[]): Part | undefined {
  if (parts.length === 1) return parts[0];
  const sizes = parts.map(numberIn);
  return sizes.some((size) => size === undefined) ? undefined : sizes.reduce<number>((all, size) => all * size!, 1);
}

function numberIn(part: Part): number | undefined {
  if (typeof part === "number") return part;
  const size = part === "rest" ? undefined : shapeOf(part.of)[part.axis];
  return typeof size === "number" ? size : undefined;
}

function spread(graph: GraphBuilder, value: GraphValue, { dynamic }: NetworkValue, all: number): GraphValue {
  if (dynamic === 0 || dynamic === all) return value;
  return unsqueezed(graph, value, [dynamic]);
}

function expectSame(call: FunctionCall, a: readonly Part[], b: readonly Part[]): void {
  for (const [i, part] of a.entries()) {
    const [left, right] = [numberIn(part), numberIn(b[i]!)];
    if (left !== undefined && right !== undefined && left !== right) {
      throw call.invalid(`tensors with inner sizes ${left} and ${right} cannot be multiplied`);
    }
  }
}

/** Products of matrices and tensors. */
export const PRODUCTS: readonly FunctionEntry[] = [
  entry(31, "Times", times),
  entry(32, "TransposeTimes", transposeTimes, "of a matrix"),
];
