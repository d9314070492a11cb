import type { GraphValue, Size } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator, type Sizes, view } from "../aten-call.ts";

/** Sizes of which one may be open; a symbolic list. */
function reshaped(name: string): (call: AtenCall) => GraphValue {
  return (call) => {
    const value = call.tensor("self");
    if (!call.has(name)) throw call.refuse("a view as another type is not covered");
    return call.reshape(value, call.symbolicIntegers(name));
  };
}

function flatten(call: AtenCall): GraphValue {
  const value = call.tensor("self");
  const sizes = call.sizes("self");
  const rank = sizes.length;
  if (rank === 0) return call.reshape(value, [1]);
  const start = call.axis(call.integer("start_dim", 0), rank);
  const end = call.axis(call.integer("end_dim", -1), rank);
  if (start === end) return value;
  if (start === 1 && end === rank - 1) return call.add("Flatten", [value], { axis: 1 });
  const before = Array.from({ length: start }, (_, i) => call.sizeOf(value, i));
  const after = Array.from({ length: rank - 1 - end }, (_, i) => call.sizeOf(value, end + 1 + i));
  return call.reshape(value, [...before, -1, ...after]);
}

function unflatten(call: AtenCall): GraphValue {
  const value = call.tensor("self");
  const rank = call.rank("self");
  const axis = call.axis(call.integer("dim"), rank);
  const sizes = Array.from({ length: rank }, (_, i) => call.sizeOf(value, i));
  return call.reshape(value, [...sizes.slice(0, axis), ...call.symbolicIntegers("sizes"), ...sizes.slice(axis + 1)]);
}

function swapped(first: string, second: string): (call: AtenCall) => GraphValue {
  return (call) => {
    const rank = call.rank("self");
    if (rank < 2) return call.tensor("self");
    const [a, b] = [call.axis(call.integer(first), rank), call.axis(call.integer(second), rank)];
    return call.transpose(call.tensor("self"), exchanged(rank, a, b));
  };
}

function exchanged(rank: number, a: number, b: number): number[] {
  return Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i));
}

/** All dimensions turned round. */
function turned(call: AtenCall): GraphValue {
  const rank = call.rank("self");
  return call.transpose(
    call.tensor("self"),
    Array.from({ length: rank }, (_, i) => rank - 1 - i),
  );
}

function permute(call: AtenCall): GraphValue {
  const rank = call.rank("self");
  const order = call.numbers("dims").map((axis) => call.axis(axis, rank));
  return call.transpose(call.tensor("self"), order);
}

function moved(call: AtenCall): GraphValue {
  const rank = call.rank("self");
  const from = call.numbers("source").map((axis) => call.axis(axis, rank));
  const to = call.numbers("destination").map((axis) => call.axis(axis, rank));
  const order: number[] = Array.from({ length: rank }, () => -1);
  for (const [i, axis] of from.entries()) order[to[i]!] = axis;
  const rest = Array.from({ length: rank }, (_, i) => i).filter((axis) => !from.includes(axis));
  return call.transpose(
    call.tensor("self"),
    order.map((axis) => (axis < 0 ? rest.shift()! : axis)),
  );
}

/** Takes dimensions of one away; what is larger stays. */
function squeeze(call: AtenCall): GraphValue {
  const sizes = call.sizes("self");
  const asked = call.has("dim") ? call.numbers("dim").map((axis) => call.axis(axis, sizes.length)) : [...sizes.keys()];
  const ones = asked.filter((axis) => sizes[axis] === 1);
  return ones.length === 0 ? call.tensor("self") : call.squeeze(call.tensor("self"), ...ones);
}

function unsqueeze(call: AtenCall): GraphValue {
  return call.unsqueeze(call.tensor("self"), call.axis(call.integer("dim"), call.rank("self") + 1));
}

function expand(call: AtenCall): GraphValue {
  call.ignore("implicit");
  const value = call.tensor("self");
  // ONNX leaves what is larger: a size of 1 stands for one that stays.
  const sizes: Sizes = call.symbolicIntegers("size").map((size) => (size === -1 ? 1 : size));
  return call.add("Expand", [value, call.list(sizes)]);
}

function asLarge(name: string): (call: AtenCall) => GraphValue {
  return (call) => call.add("Expand", [call.tensor("self"), call.shapeOf(call.tensor(name))]);
}

function repeat(name: string): (call: AtenCall) => GraphValue {
  return (call) => {
    const counts = call.symbolicIntegers(name);
    const rank = call.rank("self");
    const value = call.tensor("self");
    const missing = counts.length - rank;
    if (missing < 0) {
      return call.add("Tile", [value, call.list([...Array<number>(-missing).fill(1), ...counts])]);
    }
    const axes = Array.from({ length: missing }, (_, i) => i);
    return call.add("Tile", [missing === 0 ? value : call.unsqueeze(value, ...axes), call.list(counts)]);
  };
}

function repeatInterleave(call: AtenCall): GraphValue {
  call.ignore("output_size");
  const repeats = call.integer("repeats");
  const rank = call.rank("self");
  const value = call.has("dim") ? call.tensor("self") : call.reshape(call.tensor("self"), [-1]);
  const own = call.has("dim") ? rank : 1;
  const axis = call.has("dim") ? call.axis(call.integer("dim"), rank) : 0;
  const counts = Array.from({ length: own + 1 }, (_, i) => (i === axis + 1 ? repeats : 1));
  const tiled = call.add("Tile", [call.unsqueeze(value, axis + 1), call.integers(...counts)]);
  const sizes = Array.from({ length: own }, (_, i) => (i === axis ? -1 : call.sizeOf(value, i)));
  return call.reshape(tiled, sizes);
}

/** A list of tensors in the type of the output; legacy empty ones of one dimension are left out. */
function parts(call: AtenCall): readonly GraphValue[] {
  const tensors = call.tensors("tensors");
  const rank = call.outputSizes.length;
  return tensors.flatMap((tensor, i) => {
    const sizes: readonly Size[] = call.sizesIn("tensors", i);
    const isLegacy = sizes.length === 1 && sizes[0] === 0 && rank !== 1;
    return tensor === undefined || isLegacy ? [] : [call.cast(tensor, call.dtype)];
  });
}

function concatenate(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim", 0), call.outputSizes.length);
  const values = parts(call);
  return values.length === 1 ? values[0]! : call.add("Concat", values, { axis });
}

function stack(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim", 0), call.outputSizes.length);
  const values = call.tensors("tensors").map((tensor) => {
    if (tensor === undefined) throw call.invalid("a tensor is missing");
    return call.unsqueeze(call.cast(tensor, call.dtype), axis);
  });
  return values.length === 1 ? values[0]! : call.add("Concat", values, { axis });
}

/** Pieces of the sizes that the program says. */
function split(...ignored: readonly string[]): (call: AtenCall) => readonly GraphValue[] {
  return (call) => {
    call.ignore(...ignored);
    const axis = call.axis(call.integer("dim", 0), call.rank("self"));
    const sizes = call.outputs.map(({ sizes: each }) => each[axis]);
    const value = call.tensor("self");
    if (sizes.length === 1) return [value];
    if (!sizes.every((size) => typeof size === "number")) throw call.refuse("pieces of a dynamic size are not covered");
    return call.graph.addMany("Split", [value, call.graph.integers(sizes)], { axis }, sizes.length);
  };
}

function unbind(call: AtenCall): readonly GraphValue[] {
  const axis = call.axis(call.integer("dim", 0), call.rank("self"));
  return call.outputs.map((_, i) => call.add("Gather", [call.tensor("self"), call.graph.scalar("int64", i)], { axis }));
}

function slice(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim", 0), call.rank("self"));
  const [start, end] = [call.symbolicInteger("start") ?? 0, call.symbolicInteger("end")];
  const step = call.integer("step", 1);
  const toEnd = typeof end === "number" && end >= 2 ** 53 - 1;
  if (start === 0 && (end === undefined || toEnd) && step === 1) return call.tensor("self");
  return call.slice(call.tensor("self"), axis, start, toEnd ? undefined : end, step);
}

function select(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim"), call.rank("self"));
  const index = call.symbolicInteger("index")!;
  const place = typeof index === "number" ? call.graph.scalar("int64", index) : index;
  return call.add("Gather", [call.tensor("self"), place], { axis });
}

function narrow(call: AtenCall): GraphValue {
  const axis = call.axis(call.integer("dim"), call.rank("self"));
  const [start, length] = [call.integer("start"), call.symbolicInteger("length")!];
  const end = typeof length === "number" ? start + length : call.add("Add", [length, call.graph.scalar("int64", start)]);
  // Before the end, so that 0 is behind it.
  if (start < 0) throw call.refuse("a start before 0 is not covered");
  return call.slice(call.tensor("self"), axis, start, end);
}

function flip(call: AtenCall): GraphValue {
  const rank = call.rank("self");
  return call.numbers("dims").reduce((value, dim) => {
    const axis = call.axis(dim, rank);
    const first = call.graph.constant("int64", [1], BigInt64Array.of(-(2n ** 63n)));
    return call.add("Slice", [value, call.integers(-1), first, call.integers(axis), call.integers(-1)]);
  }, call.tensor("self"));
}

/** Moves elements on along dimensions; those that fall out come in at the other end. */
function roll(call: AtenCall): GraphValue {
  const rank = call.rank("self");
  const shifts = call.numbers("shifts");
  const dims = call.has("dims") ? call.numbers("dims") : [];
  if (dims.length !== shifts.length) throw call.refuse("without dimensions it is not covered");
  return shifts.reduce((value, shift, i) => {
    const axis = call.axis(dims[i]!, rank);
    const size = call.sizeOf(value, axis);
    const by = call.add("Mod", [call.graph.scalar("int64", shift), size]);
    const first = call.add("Sub", [size, by]);
    return call.add("Concat", [call.slice(value, axis, first, undefined), call.slice(value, axis, 0, first)], { axis });
  }, call.tensor("self"));
}

function pixelShuffle(call: AtenCall): GraphValue {
  return call.add("DepthToSpace", [call.tensor("self")], { blocksize: call.integer("upscale_factor"), mode: "CRD" });
}

function pixelUnshuffle(call: AtenCall): GraphValue {
  const factor = call.integer("downscale_factor");
  const value = call.tensor("self");
  const channels = call.fixedSize("self", -3);
  const [rows, columns] = [call.fixedSize("self", -2), call.fixedSize("self", -1)];
  const before = Array.from({ length: call.rank("self") - 3 }, (_, i) => call.sizeOf(value, i));
  const parts = [channels, rows / factor, factor, columns / factor, factor];
  const n = before.length;
  const order = [...before.keys(), n, n + 2, n + 4, n + 1, n + 3];
  const turned = call.transpose(call.reshape(value, [...before, ...parts]), order);
  return call.reshape(turned, [...before, channels * factor ** 2, rows / factor, columns / factor]);
}

function channelShuffle(call: AtenCall): GraphValue {
  const groups = call.integer("groups");
  const value = call.tensor("self");
  const channels = call.fixedSize("self", 1);
  const rank = call.rank("self");
  const rest = Array.from({ length: rank - 2 }, (_, i) => call.sizeOf(value, i + 2));
  const batch = call.sizeOf(value, 0);
  const split = call.reshape(value, [batch, groups, channels / groups, ...rest]);
  return call.reshape(call.transpose(split, exchanged(rank + 1, 1, 2)), [batch, channels, ...rest]);
}

const MODES: ReadonlyMap<string, string> = new Map([
  ["constant", "constant"],
  ["reflect", "reflect"],
  ["replicate", "edge"],
]);

/** Torch counts pads from the last dimension, before and behind each. */
function padded(call: AtenCall, mode: string, value: number): GraphValue {
  const rank = call.rank("self");
  const given = call.has("pad") ? call.numbers("pad") : call.numbers("padding");
  const pads = Array.from({ length: 2 * rank }, () => 0);
  for (let i = 0; i < given.length / 2; i++) {
    pads[rank - 1 - i] = given[2 * i]!;
    pads[2 * rank - 1 - i] = given[2 * i + 1]!;
  }
  if (pads.every((pad) => pad === 0)) return call.tensor("self");
  const fill = mode === "constant" ? [call.scalar(value, call.dtype)] : [];
  return call.add("Pad", [call.tensor("self"), call.graph.integers(pads), ...fill], { mode });
}

function pad(call: AtenCall): GraphValue {
  const asked = call.text("mode", "constant");
  const mode = MODES.get(asked);
  if (mode === undefined) throw call.refuse(`mode "${asked.slice(0, 32)}" is not covered`);
  return padded(call, mode, call.number("value", 0));
}

function triangle(upper: 0 | 1): (call: AtenCall) => GraphValue {
  return (call) => {
    const truths = call.dtype === "bool";
    const value = truths ? call.cast(call.tensor("self"), "int64") : call.tensor("self");
    const cut = call.add("Trilu", [value, call.graph.scalar("int64", call.integer("diagonal", 0))], { upper });
    return truths ? call.cast(cut, "bool") : cut;
  };
}

/** What means nothing for values: where they lie, and in which order in memory. */
const same = (call: AtenCall): GraphValue => {
  call.ignore("memory_format");
  return call.tensor("self");
};

/** In another type, or where it lies. */
function converted(call: AtenCall): GraphValue {
  call.ignore("dtype", "copy", "non_blocking", "device", "layout", "pin_memory", "memory_format", "other");
  return call.cast(call.tensor("self"), call.dtype);
}

/** Shapes, parts and other forms of tensors. */
export const SHAPES: readonly OperatorEntry[] = [
  view("view", reshaped("size")),
  operator("_unsafe_view", reshaped("size")),
  view("reshape", reshaped("shape")),
  view("reshape_as view_as", (call) => call.reshape(call.tensor("self"), call.shapeOf(call.tensor("other")))),
  view("flatten.using_ints", flatten),
  view("unflatten.int", unflatten),
  view("transpose.int", swapped("dim0", "dim1")),
  view("swapaxes", swapped("axis0", "axis1")),
  view("swapdims", swapped("dim0", "dim1")),
  view("t numpy_T", turned),
  view("mT", (call) => {
    const rank = call.rank("self");
    return call.transpose(call.tensor("self"), exchanged(rank, rank - 2, rank - 1));
  }),
  view("permute", permute),
  view("movedim moveaxis", moved),
  view("squeeze", squeeze),
  view("unsqueeze", unsqueeze),
  view("expand", expand),
  view("expand_as", asLarge("other")),
  operator("repeat", repeat("repeats")),
  operator("tile", repeat("dims")),
  operator("repeat_interleave.self_int", repeatInterleave),
  operator("cat concat", concatenate),
  operator("stack", stack),
  view("split.Tensor", split("split_size"), "into pieces of fixed sizes"),
  view("split_with_sizes split.sizes", split("split_sizes", "split_size"), "into pieces of fixed sizes"),
  view("chunk", split("chunks"), "into pieces of fixed sizes"),
  view("tensor_split.sections tensor_split.indices", split("sections", "indices"), "into pieces of fixed sizes"),
  view("unbind.int", unbind),
  view("slice.Tensor", slice),
  view("select.int", select),
  view("narrow", narrow),
  operator("flip", flip),
  operator("roll", roll),
  operator("pixel_shuffle", pixelShuffle),
  operator("pixel_unshuffle", pixelUnshuffle, "of fixed sizes"),
  operator("channel_shuffle", channelShuffle),
  operator("pad", pad, "constant, reflect and replicate"),
  operator("constant_pad_nd", (call) => padded(call, "constant", call.number("value", 0))),
  operator("reflection_pad1d reflection_pad2d reflection_pad3d", (call) => padded(call, "reflect", 0)),
  operator("replication_pad1d replication_pad2d replication_pad3d", (call) => padded(call, "edge", 0)),
  operator("tril", triangle(0)),
  operator("triu", triangle(1)),
  operator("clone lift_fresh_copy", same),
  view("contiguous alias detach detach_ lift_fresh", same),
  operator("to _to_copy type_as", converted),
];
