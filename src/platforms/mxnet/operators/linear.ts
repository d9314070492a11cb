import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";

/** Exchanges the last two dimensions, or all that there are for `dot`. */
function turned(call: OperatorCall, value: GraphValue, flag: string, whole = false): GraphValue {
  if (!call.attributes.boolean(flag, false)) return value;
  const rank = call.rank(value);
  if (rank < 2) return value;
  if (rank > 2 && whole) throw call.refuse(`${flag} of more than two dimensions is not covered`);
  const order = Array.from({ length: rank }, (_, i) => (i === rank - 2 ? rank - 1 : i === rank - 1 ? rank - 2 : i));
  return call.transpose(value, order);
}

/** The last dimension of the first with the first of the second. */
const dot: Translate = (call) => {
  const a = turned(call, call.input(0), "transpose_a", true);
  const b = turned(call, call.input(1), "transpose_b", true);
  const rank = call.rank(b);
  if (rank > 2) {
    const flat = call.reshape(b, call.join(call.sizeOf(b, 0), -1));
    const product = call.add("MatMul", [a, flat]);
    const rows = Array.from({ length: call.rank(a) - 1 }, (_, i) => call.sizeOf(a, i));
    const columns = Array.from({ length: rank - 1 }, (_, i) => call.sizeOf(b, i + 1));
    return call.reshape(product, call.join(...rows, ...columns));
  }
  const product = call.add("MatMul", [a, b]);
  return rank === 1 && call.rank(a) === 1 && !call.operator.startsWith("_np") ? call.reshape(product, [1]) : product;
};

const batchDot: Translate = (call) =>
  call.add("MatMul", [turned(call, call.input(0), "transpose_a"), turned(call, call.input(1), "transpose_b")]);

/** alpha A B, and beta C where there is one. */
const generalProduct: Translate = (call) => {
  const { attributes } = call;
  if (attributes.integer("axis", -2) !== -2) throw call.refuse("another axis than -2 is not covered");
  const [alpha, beta] = [attributes.number("alpha", 1), attributes.number("beta", 1)];
  const scaled = (value: GraphValue, by: number) => (by === 1 ? value : call.add("Mul", [value, call.scalar(by, value)]));
  const product = scaled(
    call.add("MatMul", [turned(call, call.input(0), "transpose_a"), turned(call, call.input(1), "transpose_b")]),
    alpha,
  );
  const third = call.inputs[2];
  return third === undefined ? product : call.add("Add", [product, scaled(third, beta)]);
};

/** By the square root of the last dimension's size. */
const scaledByWidth: Translate = (call) => {
  const width = call.cast(call.add("Squeeze", [call.sizeOf(call.data, -1), call.integers(0)]), call.data.dtype);
  return call.add("Div", [call.data, call.add("Sqrt", [width])]);
};

/**
 * Parts of projections that lie side by side, head by head: [time, batch, heads * parts * width] as [batch * heads, time, width].
 */
function part(call: OperatorCall, value: GraphValue, heads: number, parts: number, index: number): GraphValue {
  const apart = call.reshape(value, call.join(call.sizeOf(value, 0), call.sizeOf(value, 1), heads, parts, -1));
  const one = call.add("Gather", [apart, call.graph.scalar("int64", index)], { axis: 3 });
  const ordered = call.transpose(one, [1, 2, 0, 3]);
  return call.reshape(ordered, call.join(-1, call.sizeOf(value, 0), call.sizeOf(ordered, 3)));
}

function scores(call: OperatorCall, queries: GraphValue, keys: GraphValue): GraphValue {
  const width = call.cast(call.add("Squeeze", [call.sizeOf(queries, 2), call.integers(0)]), queries.dtype);
  const scaled = call.add("Div", [queries, call.add("Sqrt", [width])]);
  return call.add("MatMul", [scaled, call.transpose(keys, [0, 2, 1])]);
}

function attended(call: OperatorCall, attention: GraphValue, values: GraphValue, heads: number): GraphValue {
  const found = call.add("MatMul", [attention, values]);
  const apart = call.reshape(found, call.join(-1, heads, call.sizeOf(attention, 1), call.sizeOf(values, 2)));
  const ordered = call.transpose(apart, [2, 0, 1, 3]);
  return call.reshape(ordered, [0, 0, -1]);
}

function headsOf(call: OperatorCall): number {
  const heads = call.attributes.integer("heads");
  if (!(heads > 0 && heads <= 4096)) throw call.invalid(`heads is ${heads}`);
  return heads;
}

/** Products of matrices. */
export const LINEAR: readonly OperatorEntry[] = [
  operator("dot _np_dot", dot, "not: transposed tensors of more than two dimensions"),
  operator("batch_dot", batchDot),
  operator("_npi_matmul", (call) => call.add("MatMul", [call.input(0), call.input(1)]), "", ["out"]),
  operator("_linalg_gemm2 linalg_gemm2 _linalg_gemm linalg_gemm", generalProduct, "axis -2"),
  operator("_contrib_div_sqrt_dim", scaledByWidth),
  operator("_contrib_interleaved_matmul_selfatt_qk", (call) => {
    const heads = headsOf(call);
    return scores(call, part(call, call.data, heads, 3, 0), part(call, call.data, heads, 3, 1));
  }),
  operator("_contrib_interleaved_matmul_selfatt_valatt", (call) => {
    const heads = headsOf(call);
    return attended(call, call.input(1), part(call, call.data, heads, 3, 2), heads);
  }),
  operator("_contrib_interleaved_matmul_encdec_qk", (call) => {
    const heads = headsOf(call);
    return scores(call, part(call, call.input(0), heads, 1, 0), part(call, call.input(1), heads, 2, 0));
  }),
  operator("_contrib_interleaved_matmul_encdec_valatt", (call) => {
    const heads = headsOf(call);
    return attended(call, call.input(1), part(call, call.data, heads, 2, 1), heads);
  }),
];
