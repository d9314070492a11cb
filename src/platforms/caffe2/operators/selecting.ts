import { elementTypeOf } from "../../../graph/element-type.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Call, InputNeed, Results, Translation } from "../call.ts";
import { dtypeOfCode } from "../value-info.ts";

/** ONNX's word for the end of a dimension, however long. */
const END = 2 ** 31 - 1;
/** Names of `caffe2.TensorProto.DataType`, which `to` may give instead of numbers. */
const TYPE_CODES: ReadonlyMap<string, number> = new Map([
  ["float", 1],
  ["int32", 2],
  ["int", 2],
  ["bool", 5],
  ["uint8", 6],
  ["uint8_t", 6],
  ["int8", 7],
  ["int8_t", 7],
  ["uint16", 8],
  ["int16", 9],
  ["int64", 10],
  ["int64_t", 10],
  ["float16", 12],
  ["double", 13],
]);

/** Counts from the end begin behind it: -1 is the end itself. */
function fromFront(position: number): number {
  if (position >= 0) return position;
  return position === -1 ? END : position + 1;
}

function sliced(call: Call): GraphValue {
  const { graph, first } = call;
  const given = ["starts", "ends"].map((name, i) => {
    const list = call.args.integers(name);
    if (call.inputs.length === 1) {
      if (list === undefined) throw call.invalid(`it has no argument "${name}"`);
      return graph.integers(list.map(fromFront));
    }
    return positions(call, call.input(i + 1));
  });
  const [starts, ends] = given as [GraphValue, GraphValue];
  return call.add("Slice", [first, starts, ends]);
}

/** As {@link fromFront}, of what is known only when the net runs, or is a constant. */
function positions(call: Call, value: GraphValue): GraphValue {
  const { graph } = call;
  const wide = call.asIntegers(value);
  if (value.constant !== undefined)
    return graph.integers(Array.from(value.constant as Iterable<number | bigint>, (each) => fromFront(Number(each))));
  const number = (each: number) => graph.scalar("int64", each);
  const negative = call.add("Where", [call.add("Equal", [wide, number(-1)]), number(END), call.add("Add", [wide, number(1)])]);
  return call.add("Where", [call.add("Less", [wide, number(0)]), negative, wide]);
}

function gathered(call: Call): GraphValue {
  const { args } = call;
  const axis = args.integer("axis", call.type === "BatchGather" ? 1 : 0);
  if (args.flag("match_outer")) throw call.unimplemented('argument "match_outer" is not covered');
  return call.add("Gather", [call.first, call.input(1)], { axis });
}

function oneHot(call: Call): GraphValue {
  const { graph } = call;
  const scalar = graph.integers([]);
  const number = (value: number) => graph.scalar("int64", value);
  const size = call.add("Reshape", [call.asIntegers(call.input(1)), scalar]);
  const places = call.add("Range", [number(0), size, number(1)]);
  const indices = call.add("Unsqueeze", [call.asIntegers(call.first), graph.integers([1])]);
  return call.add("Cast", [call.add("Equal", [indices, places])], { to: elementTypeOf("float32") });
}

function extreme(call: Call): GraphValue {
  const { args } = call;
  return call.add(call.type, [call.first], { axis: args.integer("axis", -1), keepdims: args.flag("keepdims", true) ? 1 : 0 });
}

function topK(call: Call): Results {
  const { args, graph } = call;
  const k =
    call.inputs.length > 1
      ? call.add("Reshape", [call.asIntegers(call.input(1)), graph.integers([1])])
      : graph.integers([args.integer("k", -1)]);
  return graph.addMany("TopK", [call.first, k], { axis: args.integer("axis", -1) }, 2);
}

function where(call: Call): GraphValue {
  const [condition, yes, no] = [call.first, call.input(1), call.input(2)];
  if (!call.args.flag("enable_broadcast") && !call.args.flag("broadcast_on_rows")) return call.add("Where", [condition, yes, no]);
  const behind = Array.from({ length: call.rankOf(yes) - 1 }, (_, i) => i + 1);
  const rows = behind.length === 0 ? condition : call.add("Unsqueeze", [condition, call.graph.integers(behind)]);
  return call.add("Where", [rows, yes, no]);
}

function cast(call: Call): GraphValue {
  const code =
    call.args.raw("to").text === undefined ? call.args.integer("to", -1) : TYPE_CODES.get(call.args.text("to", "").toLowerCase());
  const dtype = code === undefined ? undefined : dtypeOfCode(code);
  if (dtype === undefined || dtype === "string") throw call.unimplemented('the type in argument "to" is not covered');
  return call.add("Cast", [call.first], { to: elementTypeOf(dtype) });
}

const indexed = (axis: "first" | "second"): (() => readonly (InputNeed | undefined)[]) => {
  const need: InputNeed = { dtype: "int64" };
  return () => (axis === "first" ? [need] : [undefined, need]);
};

/** Operators that choose elements. */
export const SELECTING_OPERATORS: Readonly<Record<string, Translation>> = {
  Slice: {
    translate: sliced,
    inputs: (args) => {
      const rank = args.integers("starts")?.length;
      return [rank === undefined ? undefined : { shape: Array(rank).fill(undefined) }];
    },
    note: "bounds as arguments or inputs; -1 is the end",
  },
  Gather: {
    translate: gathered,
    inputs: indexed("second"),
    note: "any `axis`; indices that are an input of the model are int64",
  },
  BatchGather: { translate: gathered, inputs: indexed("second") },
  OneHot: { translate: oneHot, inputs: indexed("first"), note: "gives float32" },
  ArgMax: { translate: extreme },
  ArgMin: { translate: extreme },
  TopK: { translate: topK, byproducts: 2, note: "`k` as an argument or an input; no flattened indices" },
  Where: { translate: where, inputs: () => [{ dtype: "bool" }] },
  Cast: { translate: cast },
  FloatToHalf: { translate: (call) => call.add("Cast", [call.first], { to: elementTypeOf("float16") }) },
  HalfToFloat: { translate: (call) => call.add("Cast", [call.first], { to: elementTypeOf("float32") }) },
};
