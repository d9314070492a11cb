import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator, type Translate } from "../aten-call.ts";

/** Dimensions to reduce; all where none is named. */
function axesOf(call: AtenCall, name = "dim"): readonly number[] {
  const rank = call.rank("self");
  const given = call.has(name) ? call.numbers(name) : [];
  if (given.length === 0) return Array.from({ length: rank }, (_, i) => i);
  return given.map((axis) => call.axis(axis, rank));
}

function reduced(call: AtenCall, operatorName: string, value: GraphValue, axes: readonly number[], keeps: boolean): GraphValue {
  if (call.rank("self") === 0) return value;
  const keepdims = keeps ? 1 : 0;
  // Before opset 18 the sum alone has its axes as an input.
  if (operatorName === "ReduceSum") return call.add(operatorName, [value, call.graph.integers(axes)], { keepdims });
  return call.add(operatorName, [value], { axes: [...axes], keepdims });
}

const reduction =
  (name: string): Translate =>
  (call) => {
    call.ignore("dtype");
    return reduced(call, name, call.operand("self", call.dtype), axesOf(call), call.truth("keepdim"));
  };

/** The largest or smallest along a dimension, and where it is. */
const extreme =
  (name: "Max" | "Min"): Translate =>
  (call) => {
    const rank = call.rank("self");
    const axis = call.axis(call.integer("dim"), rank);
    const keeps = call.truth("keepdim");
    const value = call.tensor("self");
    return [
      reduced(call, `Reduce${name}`, value, [axis], keeps),
      call.add(`Arg${name}`, [value], { axis, keepdims: keeps ? 1 : 0 }),
    ];
  };

const place =
  (name: "ArgMax" | "ArgMin"): Translate =>
  (call) => {
    const value = call.tensor("self");
    if (call.has("dim")) {
      return call.add(name, [value], {
        axis: call.axis(call.integer("dim"), call.rank("self")),
        keepdims: call.truth("keepdim") ? 1 : 0,
      });
    }
    if (call.truth("keepdim")) throw call.refuse("keepdim without a dimension is not covered");
    return call.add(name, [call.reshape(value, [-1])], { axis: 0, keepdims: 0 });
  };

/** The mean of squares of what is off the mean, or its root. */
const spread =
  (root: boolean, withMean: boolean): Translate =>
  (call) => {
    const { dtype } = call;
    const axes = axesOf(call);
    const keeps = call.truth("keepdim");
    const correction = call.has("correction") ? call.number("correction") : call.truth("unbiased", true) ? 1 : 0;
    const self = call.operand("self", dtype);
    const mean = reduced(call, "ReduceMean", self, axes, true);
    const off = call.add("Sub", [self, mean]);
    const squares = reduced(call, "ReduceSum", call.add("Mul", [off, off]), axes, keeps);
    const counts = axes.map((axis) => call.sizeOf(self, axis));
    const count = counts.reduce((all, size) => call.add("Mul", [all, size]));
    const divisor = call.add("Sub", [call.cast(count, dtype), call.scalar(correction, dtype)]);
    const variance = call.add("Div", [squares, call.add("Max", [divisor, call.scalar(0, dtype)])]);
    const value = root ? call.add("Sqrt", [variance]) : variance;
    if (!withMean) return value;
    return [value, keeps ? mean : call.squeeze(mean, ...axes)];
  };

/** Whether any or all are true. */
const truths =
  (name: "ReduceMax" | "ReduceMin"): Translate =>
  (call) => {
    // ONNX reduces no truths.
    const value = call.cast(call.operand("self", "bool"), "int32");
    return call.cast(reduced(call, name, value, axesOf(call), call.truth("keepdim")), "bool");
  };

function norm(call: AtenCall): GraphValue {
  call.ignore("dtype");
  const order = call.number(call.all.has("ord") ? "ord" : "p", 2);
  const self = call.operand("self", call.dtype);
  const axes = axesOf(call);
  const keeps = call.truth("keepdim");
  if (order === 1) return reduced(call, "ReduceL1", self, axes, keeps);
  if (order === 2) return reduced(call, "ReduceL2", self, axes, keeps);
  if (order === Infinity) return reduced(call, "ReduceMax", call.add("Abs", [self]), axes, keeps);
  if (order === -Infinity) return reduced(call, "ReduceMin", call.add("Abs", [self]), axes, keeps);
  throw call.refuse(`a norm of order ${order} is not covered`);
}

function cumulated(call: AtenCall): GraphValue {
  call.ignore("dtype");
  const axis = call.axis(call.integer("dim"), call.rank("self"));
  return call.add("CumSum", [call.operand("self", call.dtype), call.graph.scalar("int64", axis)]);
}

/** The product along one dimension. */
function product(call: AtenCall): GraphValue {
  call.ignore("dtype");
  const axes = call.has("dim") ? [call.axis(call.integer("dim"), call.rank("self"))] : axesOf(call);
  return reduced(call, "ReduceProd", call.operand("self", call.dtype), axes, call.truth("keepdim"));
}

/** Sums, means, extremes and the like. */
export const REDUCTIONS: readonly OperatorEntry[] = [
  operator("sum", reduction("ReduceSum")),
  operator("mean", reduction("ReduceMean")),
  operator("amax", reduction("ReduceMax")),
  operator("amin", reduction("ReduceMin")),
  operator("logsumexp", reduction("ReduceLogSumExp")),
  operator("max.default", (call) => reduced(call, "ReduceMax", call.tensor("self"), axesOf(call), false)),
  operator("min.default", (call) => reduced(call, "ReduceMin", call.tensor("self"), axesOf(call), false)),
  operator("max.dim", extreme("Max")),
  operator("min.dim", extreme("Min")),
  operator("argmax", place("ArgMax")),
  operator("argmin", place("ArgMin")),
  operator("prod", product),
  operator("var", spread(false, false)),
  operator("std", spread(true, false)),
  operator("var_mean", spread(false, true)),
  operator("std_mean", spread(true, true)),
  operator("any", truths("ReduceMax")),
  operator("all", truths("ReduceMin")),
  operator("norm linalg_vector_norm", norm, "of order 1, 2 and infinity"),
  operator("cumsum", cumulated),
];
