import type { GraphValue, Size } from "../../../graph/graph-value.ts";
import { product } from "../../../graph/sizes.ts";
import type { Arguments } from "../arguments.ts";
import type { Call, InputNeed, Translation } from "../call.ts";

/** A tensor as a matrix: its dimensions before an axis are the rows. */
export function asMatrix(call: Call, value: GraphValue, axis: number): GraphValue {
  const { rank, shape, constant, dtype } = value;
  const at = axis < 0 && rank !== undefined ? axis + rank : axis;
  if (rank === 2 && at === 1) return value;
  // A constant is not copied for another shape.
  if (constant !== undefined && dtype !== "string" && at >= 0) {
    const [rows, columns] = [product(shape!.slice(0, at)), product(shape!.slice(at))];
    if (typeof rows === "number" && typeof columns === "number") return call.graph.constant(dtype, [rows, columns], constant);
  }
  return call.add("Flatten", [value], { axis });
}

/** The sizes before an axis, and then some more, as a shape. */
export function sizesBefore(call: Call, value: GraphValue, axis: number, more: GraphValue): GraphValue {
  const { graph } = call;
  const before = call.add("Slice", [call.sizesOf(value), graph.integers([0]), graph.integers([axis]), graph.integers([0])]);
  return call.add("Concat", [before, more], { axis: 0 });
}

function fullyConnected(call: Call): GraphValue {
  const { args, first: x } = call;
  const axis = args.integer("axis", 1);
  const transposed = call.type === "FCTransposed";
  const weights = asMatrix(call, call.input(1), args.integer("axis_w", 1));
  const bias = call.input(2);
  const y = call.add("Gemm", [asMatrix(call, x, axis), weights, bias], { transB: transposed ? 0 : 1 });
  if (axis === 1 || (x.rank === 2 && axis === -1)) return y;
  const width = call.add("Shape", [bias]);
  const at = axis < 0 && x.rank !== undefined ? axis + x.rank : axis;
  const shape: readonly Size[] | undefined = x.shape && at >= 0 ? [...x.shape.slice(0, at), y.shape?.[1]] : undefined;
  return call.graph.add("Reshape", [y, sizesBefore(call, x, axis, width)], {}, { outputs: [{ dtype: y.dtype, shape }] });
}

function matMul(call: Call): GraphValue {
  const { args } = call;
  const operand = (place: number, name: string) => {
    const matrix = asMatrix(call, call.input(place), args.integer(`axis_${name}`, 1));
    return args.flag(`trans_${name}`) ? call.add("Transpose", [matrix], { perm: [1, 0] }) : matrix;
  };
  return call.add("MatMul", [operand(0, "a"), operand(1, "b")]);
}

function batchMatMul(call: Call): GraphValue {
  const { args } = call;
  const operand = (place: number, name: string) => {
    const value = call.input(place);
    if (!args.flag(`trans_${name}`)) return value;
    const rank = call.rankOf(value);
    if (rank < 2) throw call.unimplemented(`trans_${name} of a vector is not covered`);
    const order = Array.from({ length: rank }, (_, i) => i);
    return call.add("Transpose", [value], { perm: [...order.slice(0, -2), rank - 1, rank - 2] });
  };
  return call.add("MatMul", [operand(0, "a"), operand(1, "b")]);
}

/** What a layer takes that has so many weights for each of its outputs. */
function rowsOf(args: Arguments, width: Size): InputNeed {
  return args.integer("axis", 1) === 1 && width !== undefined
    ? { dtype: "float32", shape: ["batch", width] }
    : { dtype: "float32" };
}

const fc: Translation = {
  translate: fullyConnected,
  inputs: (args, [, weights]) => [rowsOf(args, product(weights?.shape?.slice(args.integer("axis_w", 1)) ?? [undefined]))],
  note: "any `axis` and `axis_w`",
};

/** Products of matrices. */
export const MATRIX_OPERATORS: Readonly<Record<string, Translation>> = {
  FC: fc,
  FCTransposed: {
    ...fc,
    inputs: (args, [, weights]) => [rowsOf(args, product(weights?.shape?.slice(0, args.integer("axis_w", 1)) ?? [undefined]))],
  },
  MatMul: {
    translate: matMul,
    inputs: (args, [, b]) =>
      args.flag("trans_a") || args.integer("axis_a", 1) !== 1 || b?.rank !== 2
        ? [{ dtype: "float32" }]
        : [{ dtype: "float32", shape: ["batch", b.shape![args.flag("trans_b") ? 1 : 0]] }],
    note: "`axis_a`, `axis_b`, `trans_a`, `trans_b`",
  },
  BatchMatMul: { translate: batchMatMul, note: "a transposed operand has to have a known number of dimensions" },
};
