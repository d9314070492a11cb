import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";

/** Which dimensions a reduction takes away; undefined for all. */
function axesOf(call: OperatorCall): readonly number[] | undefined {
  const { attributes } = call;
  const axes = attributes.integers("axis");
  if (!attributes.boolean("exclude", false)) return axes;
  const rank = call.rank();
  const kept = new Set((axes ?? []).map((axis) => call.axis(axis, rank)));
  return Array.from({ length: rank }, (_, i) => i).filter((axis) => !kept.has(axis));
}

/** Reduces a tensor; without numpy's semantics, what is left of all dimensions is a list of one. */
function reduced(
  call: OperatorCall,
  onnx: string,
  data: GraphValue,
  axes: readonly number[] | undefined,
  keeps: boolean,
): GraphValue {
  if (axes?.length === 0) return data;
  const keepdims = keeps ? 1 : 0;
  const value =
    onnx === "ReduceSum"
      ? call.add(onnx, [data, axes && call.graph.integers(axes)], { keepdims })
      : call.add(onnx, [data], { axes, keepdims });
  const all = axes === undefined || axes.length === data.rank;
  return all && !keeps && !call.operator.startsWith("_np") ? call.reshape(value, [1]) : value;
}

type Prepare = (call: OperatorCall, data: GraphValue) => GraphValue;

const reduction =
  (onnx: string, prepare: Prepare = (_, data) => data): Translate =>
  (call) => {
    const { attributes } = call;
    const dtype = attributes.dtype("dtype");
    if (attributes.maybeNumber("initial") !== undefined) throw call.refuse("initial is not covered");
    const data = prepare(call, dtype === undefined ? call.data : call.cast(call.data, dtype));
    return reduced(call, onnx, data, axesOf(call), attributes.boolean("keepdims", false));
  };

const withoutNaN =
  (value: number): Prepare =>
  (call, data) =>
    call.add("Where", [call.add("IsNaN", [data]), call.scalar(value, data), data]);

const norm: Translate = (call) => {
  const { attributes } = call;
  const order = attributes.integer("ord", 2);
  const dtype = attributes.dtype("out_dtype");
  if (order !== 1 && order !== 2) throw call.refuse(`ord ${order} is not covered`);
  const value = reduced(call, `ReduceL${order}`, call.data, axesOf(call), attributes.boolean("keepdims", false));
  return dtype === undefined ? value : call.cast(value, dtype);
};

/** The mean and the variance. */
const moments: Translate = (call) => {
  const axes = call.attributes.integers("axes");
  const keeps = call.attributes.boolean("keepdims", false);
  const mean = call.add("ReduceMean", [call.data], { axes, keepdims: 1 });
  const apart = call.add("Sub", [call.data, mean]);
  return [
    reduced(call, "ReduceMean", call.data, axes, keeps),
    reduced(call, "ReduceMean", call.add("Mul", [apart, apart]), axes, keeps),
  ];
};

/** Places are float32, as MXNet gives them. */
const place =
  (onnx: "ArgMax" | "ArgMin"): Translate =>
  (call) => {
    const { attributes, data, version } = call;
    const given = attributes.maybeInteger("axis");
    // Before 0.9.5 it meant all.
    const axis = given === -1 && version < 905 ? undefined : given;
    const keeps = attributes.boolean("keepdims", false);
    const dtype = call.operator.startsWith("_np") ? "int64" : "float32";
    if (axis !== undefined) {
      const found = call.cast(call.add(onnx, [data], { axis, keepdims: keeps ? 1 : 0 }), dtype);
      return data.rank === 1 && !keeps ? call.reshape(found, [1]) : found;
    }
    const found = call.cast(call.add(onnx, [call.reshape(data, [-1])], { axis: 0, keepdims: 1 }), dtype);
    return keeps ? call.reshape(found, Array<number>(call.rank()).fill(1)) : found;
  };

const channelPlace: Translate = (call) => call.cast(call.add("ArgMax", [call.data], { axis: 1, keepdims: 0 }), "float32");

/** The largest or smallest along an axis, in order. */
function ordered(
  call: OperatorCall,
  { count, ascending }: { readonly count: number; readonly ascending: boolean },
): readonly [values: GraphValue, places: GraphValue] {
  // `None` is all; not given, it is the last.
  const all = call.attributes.isNone("axis");
  const data = all ? call.reshape(call.data, [-1]) : call.data;
  const axis = all ? 0 : call.attributes.integer("axis", -1);
  const k = count < 1 ? call.sizeOf(data, axis) : call.integers(count);
  const settings = { axis, largest: ascending ? 0 : 1, sorted: 1 };
  const [values, places] = call.graph.addMany("TopK", [data, k], settings, 2);
  return [values!, places!];
}

const topK: Translate = (call) => {
  const { attributes } = call;
  const kind = attributes.choice("ret_typ", "indices", ["indices", "value", "both"]);
  const dtype = attributes.dtype("dtype") ?? "float32";
  const ascending = attributes.boolean("is_ascend", false);
  const [values, places] = ordered(call, { count: attributes.integer("k", 1), ascending });
  const indices = call.cast(places, dtype);
  // Asked for values, MXNet still has both outputs.
  return kind === "indices" ? indices : [values, indices];
};

/** The second output, of places, has nobody who asks for it. */
const sort: Translate = (call) => ordered(call, { count: 0, ascending: call.attributes.boolean("is_ascend", true) });

const argumentSort: Translate = (call) => {
  const dtype = call.attributes.dtype("dtype") ?? "float32";
  return call.cast(ordered(call, { count: 0, ascending: call.attributes.boolean("is_ascend", true) })[1], dtype);
};

const cumulativeSum: Translate = (call) => {
  const { attributes } = call;
  const axis = attributes.maybeInteger("axis");
  const dtype = attributes.dtype("dtype");
  const data = axis === undefined ? call.reshape(call.data, [-1]) : call.data;
  const input = dtype === undefined ? data : call.cast(data, dtype);
  return call.add("CumSum", [input, call.graph.scalar("int64", axis ?? 0)]);
};

/** Sums and their like, and order. */
export const REDUCTIONS: readonly OperatorEntry[] = [
  operator("sum sum_axis _np_sum", reduction("ReduceSum")),
  operator("mean _npi_mean", reduction("ReduceMean")),
  operator("prod _np_prod", reduction("ReduceProd")),
  operator("max max_axis _np_max", reduction("ReduceMax")),
  operator("min min_axis _np_min", reduction("ReduceMin")),
  operator("nansum", reduction("ReduceSum", withoutNaN(0))),
  operator("nanprod", reduction("ReduceProd", withoutNaN(1))),
  operator("norm", norm, "of order 1 and 2"),
  operator("moments", moments),
  operator("argmax _npi_argmax", place("ArgMax"), "float32, as in MXNet"),
  operator("argmin _npi_argmin", place("ArgMin"), "float32, as in MXNet"),
  operator("argmax_channel", channelPlace),
  operator("topk", topK, "not: mask; which of equal elements comes first may differ"),
  operator("sort", sort),
  operator("argsort", argumentSort, "which of equal elements comes first may differ"),
  operator("_np_cumsum cumsum", cumulativeSum),
];
