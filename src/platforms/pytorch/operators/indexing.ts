import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";

function embedding(call: AtenCall): GraphValue {
  call.ignore("padding_idx", "scale_grad_by_freq", "sparse");
  return call.add("Gather", [call.tensor("weight"), call.tensor("indices")], { axis: 0 });
}

/** Places that tensors of whole numbers name, in dimensions side by side. */
function index(call: AtenCall): GraphValue {
  const given = call.tensors("indices");
  const axes = given.flatMap((each, axis) => (each === undefined ? [] : [axis]));
  const places = axes.map((axis) => given[axis]!);
  if (places.some(({ dtype }) => dtype === "bool" || dtype === "uint8")) throw call.refuse("masks are not covered");
  const value = call.tensor("self");
  const [first] = axes;
  if (first === undefined) return value;
  if (axes.length === 1) return call.add("Gather", [value, places[0]!], { axis: first });
  if (axes.some((axis, i) => axis !== first + i)) throw call.refuse("dimensions that are not side by side are not covered");
  const rank = call.rank("self");
  const rest = Array.from({ length: rank }, (_, i) => i).filter((axis) => !axes.includes(axis));
  // GatherND counts from the front; what the places make takes the place of the dimensions that they name.
  const gathered = call.add("GatherND", [call.transpose(value, [...axes, ...rest]), placesOf(call, places)]);
  if (first === 0) return gathered;
  const made = Math.max(...axes.map((axis) => call.sizesIn("indices", axis).length));
  const total = made + rest.length;
  const order = [
    ...Array.from({ length: first }, (_, i) => made + i),
    ...Array.from({ length: made }, (_, i) => i),
    ...Array.from({ length: total - made - first }, (_, i) => made + first + i),
  ];
  return call.transpose(gathered, order);
}

/** Lists of places, one number for each dimension. */
function placesOf(call: AtenCall, places: readonly GraphValue[]): GraphValue {
  const whole = places.map((each) => call.cast(each, "int64"));
  // A sum with zeros brings all to one shape.
  const zeros = whole.map((each) => call.add("Mul", [each, call.graph.scalar("int64", 0)]));
  const none = zeros.reduce((sum, each) => call.add("Add", [sum, each]));
  const columns = whole.map((each) => call.unsqueeze(call.add("Add", [each, none]), -1));
  return call.add("Concat", columns, { axis: -1 });
}

function indexPut(call: AtenCall): GraphValue {
  if (call.truth("accumulate")) throw call.refuse("accumulate is not covered");
  const given = call.tensors("indices");
  const places = given.map((each, axis) => {
    if (each === undefined || each.dtype === "bool")
      throw call.refuse(`index ${axis} is none of whole numbers, which is not covered`);
    return each;
  });
  const value = call.tensor("self");
  const all = placesOf(call, places);
  const inner = Array.from({ length: call.rank("self") - places.length }, (_, i) => call.sizeOf(value, places.length + i));
  const count = call.add("Slice", [call.shapeOf(all), call.integers(0), call.integers(-1)]);
  const shape = inner.length === 0 ? count : call.add("Concat", [count, call.list(inner)], { axis: 0 });
  const updates = call.add("Expand", [call.cast(call.tensor("values"), call.dtype), shape]);
  return call.add("ScatterND", [value, all, updates]);
}

function gather(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim"), call.rank("self"));
  return call.add("GatherElements", [call.tensor("self"), call.tensor("index")], { axis });
}

/** As {@link gather}, with places for all of a dimension where one of both has size 1. */
function takeAlong(call: AtenCall): GraphValue {
  const places = call.tensor("indices");
  if (!call.has("dim"))
    return call.add("Gather", [call.reshape(call.tensor("self"), [-1]), call.reshape(places, [-1])], { axis: 0 });
  const axis = call.axis(call.integer("dim"), call.rank("self"));
  const [sizes, wanted] = [call.sizes("self"), call.sizes("indices")];
  if (sizes.some((size, i) => i !== axis && size !== wanted[i])) throw call.refuse("sizes that differ are not covered");
  return call.add("GatherElements", [call.tensor("self"), places], { axis });
}

function oneHot(call: AtenCall): GraphValue {
  const classes = call.integer("num_classes", -1);
  if (classes < 0) throw call.refuse("without num_classes it is not covered");
  const values = call.graph.constant("int64", [2], BigInt64Array.of(0n, 1n));
  return call.add("OneHot", [call.tensor("self"), call.graph.scalar("int64", classes), values], { axis: -1 });
}

function scatter(call: AtenCall): GraphValue {
  if (call.has("reduce")) throw call.refuse("reduce is not covered");
  const axis = call.axis(call.integer("dim"), call.rank("self"));
  const places = call.tensor("index");
  const source = call.optionalTensorOrNumber("src", "value");
  const updates = source.rank === 0 ? call.add("Expand", [source, call.shapeOf(places)]) : firstOf(call, source, places);
  return call.add("ScatterElements", [call.tensor("self"), places, updates], { axis });
}

/** Of a source as many as there are places, which may be fewer. */
function firstOf(call: AtenCall, source: GraphValue, places: GraphValue): GraphValue {
  const [own, wanted] = [call.sizes("src"), call.sizes("index")];
  if (own.every((size, i) => size !== undefined && size === wanted[i])) return source;
  return call.add("Slice", [source, call.graph.integers(own.map(() => 0)), call.shapeOf(places)]);
}

function indexSelect(call: AtenCall): GraphValue {
  return call.add("Gather", [call.tensor("self"), call.tensor("index")], {
    axis: call.axis(call.integer("dim"), call.rank("self")),
  });
}

/** A part of a tensor with other elements in it. */
function sliceScatter(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim", 0), call.rank("self"));
  const value = call.tensor("self");
  const [start, end] = [call.symbolicInteger("start") ?? 0, call.symbolicInteger("end")];
  const step = call.integer("step", 1);
  if (typeof start !== "number" || (end !== undefined && typeof end !== "number") || step !== 1) {
    return scatteredAlong(call, axis, (places) => call.slice(places, 0, start, atEnd(end), step));
  }
  const before = call.slice(value, axis, 0, start);
  const source = call.cast(call.tensor("src"), call.dtype);
  if (end === undefined || end >= 2 ** 53 - 1) return call.add("Concat", [before, source], { axis });
  return call.add("Concat", [before, source, call.slice(value, axis, end, undefined)], { axis });
}

/** The end of a slice; undefined for that of the dimension. */
function atEnd(end: number | GraphValue | undefined): number | GraphValue | undefined {
  return typeof end === "number" && end >= 2 ** 53 - 1 ? undefined : end;
}

/** `self` with `src` at some of the places of a dimension. */
function scatteredAlong(call: AtenCall, axis: number, some: (places: GraphValue) => GraphValue): GraphValue {
  const value = call.tensor("self");
  const [zero, one] = [call.graph.scalar("int64", 0), call.graph.scalar("int64", 1)];
  const places = some(call.add("Range", [zero, call.sizeOf(value, axis), one]));
  const source = call.cast(call.tensor("src"), call.dtype);
  const shaped = call.reshape(
    places,
    Array.from({ length: call.rank("self") }, (_, i) => (i === axis ? -1 : 1)),
  );
  return call.add("ScatterElements", [value, call.add("Expand", [shaped, call.shapeOf(source)]), source], { axis });
}

function selectScatter(call: AtenCall): GraphValue {
  const rank = call.rank("self");
  const axis = call.axis(call.integer("dim"), rank);
  const value = call.tensor("self");
  const source = call.unsqueeze(call.cast(call.tensor("src"), call.dtype), axis);
  const shape = Array.from({ length: rank }, (_, i) => (i === axis ? 1 : call.sizeOf(value, i)));
  const places = call.add("Expand", [call.graph.scalar("int64", call.integer("index")), call.list(shape)]);
  return call.add("ScatterElements", [value, places, source], { axis });
}

function topK(call: AtenCall): readonly GraphValue[] {
  const axis = call.axis(call.integer("dim", -1), call.rank("self"));
  const largest = call.truth("largest", true) ? 1 : 0;
  call.ignore("sorted");
  return call.graph.addMany("TopK", [call.tensor("self"), call.integers(call.integer("k"))], { axis, largest, sorted: 1 }, 2);
}

function sort(call: AtenCall): readonly GraphValue[] {
  call.ignore("stable");
  const axis = call.axis(call.integer("dim", -1), call.rank("self"));
  const value = call.tensor("self");
  const count = call.reshape(call.sizeOf(value, axis), [1]);
  return call.graph.addMany("TopK", [value, count], { axis, largest: call.truth("descending") ? 1 : 0, sorted: 1 }, 2);
}

/** Parts that places name. */
export const INDEXING: readonly OperatorEntry[] = [
  operator("embedding", embedding),
  operator("index.Tensor _unsafe_index.Tensor", index, "by whole numbers, in dimensions side by side"),
  operator("index_put _unsafe_index_put", indexPut, "by whole numbers from the first dimension on"),
  operator("index_select", indexSelect),
  operator("gather", gather),
  operator("take_along_dim", takeAlong, "of equal sizes"),
  operator("one_hot", oneHot, "with num_classes"),
  operator("scatter.src scatter.value", scatter),
  operator("slice_scatter", sliceScatter),
  operator("select_scatter", selectScatter),
  operator("topk", topK),
  operator("sort", sort, "equal numbers in the order of their places"),
  operator("argsort", (call) => sort(call)[1]!),
];
