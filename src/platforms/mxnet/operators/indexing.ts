import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";
import { clippedIndices } from "./layers.ts";

type OutOfBounds = "clip" | "wrap" | "raise";

/** Indices, mostly floats, as whole numbers below `size`, a value without dimensions. */
function boundIndices(call: OperatorCall, indices: GraphValue, size: GraphValue, mode: OutOfBounds): GraphValue {
  switch (mode) {
    case "clip":
      return clippedIndices(call, indices, call.add("Sub", [size, call.graph.scalar("int64", 1)]));
    case "wrap":
      // Has the sign of the size, which is positive.
      return call.add("Mod", [call.cast(indices, "int64"), size]);
    case "raise":
      return withoutNegative(call, call.cast(indices, "int64"), size);
  }
}

/** ONNX counts negative indices from the end; here they are as wrong as `size` is. */
function withoutNegative(call: OperatorCall, indices: GraphValue, size: GraphValue): GraphValue {
  return call.add("Where", [call.add("Less", [indices, call.graph.scalar("int64", 0)]), size, indices]);
}

function scalarSize(call: OperatorCall, value: GraphValue, axis: number): GraphValue {
  return call.add("Squeeze", [call.sizeOf(value, axis), call.integers(0)]);
}

const take: Translate = (call) => {
  const { attributes } = call;
  const axis = attributes.integer("axis", 0);
  const mode = attributes.choice("mode", "clip", ["clip", "wrap", "raise"]);
  const [data, indices] = [call.input(0), call.input(1)];
  return call.add("Gather", [data, boundIndices(call, indices, scalarSize(call, data, axis), mode)], { axis });
};

/** One element of each row. */
function picked(call: OperatorCall, axis: number, keeps: boolean, mode: OutOfBounds): GraphValue {
  const [data, index] = [call.input(0), call.input(1)];
  const flat = call.rank(index) < call.rank(data);
  const whole = boundIndices(call, index, scalarSize(call, data, axis), mode);
  const places = flat ? call.add("Unsqueeze", [whole, call.integers(axis)]) : whole;
  const found = call.add("GatherElements", [data, places], { axis });
  if (keeps) return found;
  return data.rank === 1 ? call.reshape(found, [1]) : call.add("Squeeze", [found, call.integers(axis)]);
}

const pick: Translate = (call) => {
  const { attributes } = call;
  if (attributes.isNone("axis")) throw call.refuse("without an axis it is not covered");
  const axis = attributes.integer("axis", -1);
  return picked(call, axis, attributes.boolean("keepdims", false), attributes.choice("mode", "clip", ["clip", "wrap"]));
};

const oneHot: Translate = (call) => {
  const { attributes } = call;
  const depth = attributes.integer("depth");
  const dtype = attributes.dtype("dtype") ?? "float32";
  const [on, off] = [attributes.number("on_value", 1), attributes.number("off_value", 0)];
  const size = call.graph.scalar("int64", depth);
  const indices = withoutNegative(call, call.cast(call.data, "int64"), size);
  const values = call.graph.constant("float32", [2], Float32Array.of(off, on));
  return call.cast(call.add("OneHot", [indices, size, values], { axis: -1 }), dtype);
};

/** The indices' first dimension is that of an index's numbers. */
const gatherNd: Translate = (call) => {
  const indices = call.cast(call.input(1), "int64");
  const rank = call.rank(indices);
  const order = [...Array.from({ length: rank - 1 }, (_, i) => i + 1), 0];
  return call.add("GatherND", [call.data, call.transpose(indices, order)]);
};

/** Indices, and lookups by them. */
export const INDEXING: readonly OperatorEntry[] = [
  operator("take _npi_take", take, "clip, wrap and raise"),
  operator("pick choose_element_0index", pick),
  operator("batch_take", (call) => picked(call, 1, false, "clip")),
  operator("one_hot", oneHot),
  operator("gather_nd", gatherNd),
];
