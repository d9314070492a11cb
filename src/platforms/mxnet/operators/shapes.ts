import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, TO_THE_END, type Translate } from "../operator-call.ts";
import { newShape } from "./new-shape.ts";

const flatten: Translate = (call) => call.add("Flatten", [call.data], { axis: 1 });

const reshape: Translate = (call) => {
  const { attributes, data } = call;
  const reverse = attributes.boolean("reverse", false);
  const former = attributes.integers("target_shape");
  const keeps = attributes.boolean("keep_highest", false);
  const codes = attributes.integers("shape");
  if (codes !== undefined) return call.reshape(data, newShape(call, codes, reverse));
  if (former === undefined) throw call.invalid("it has no shape");
  // Here 0 is what has to be inferred.
  const sizes = former.map((size, i) => (size !== 0 ? size : keeps && i === 0 ? 0 : -1));
  return call.reshape(data, sizes);
};

/** Here 0 is a size; -2 keeps one where the operator is npx's. */
const numpyReshape: Translate = (call) => {
  const { attributes, data } = call;
  attributes.choice("order", "C", ["C"]);
  const codes = attributes.integers("newshape");
  const extended = call.operator === "_npx_reshape";
  if (codes === undefined || attributes.boolean("reverse", false))
    throw call.refuse("without a newshape, or reversed, it is not covered");
  if (codes.some((code) => code === 0 || code < (extended ? -2 : -1)))
    throw call.refuse(`newshape (${codes.join(", ")}) is not covered`);
  return call.reshape(
    data,
    codes.map((code) => (code === -2 ? 0 : code)),
  );
};

/** To another tensor's shape, or a part to a part of it. */
const reshapeLike: Translate = (call) => {
  const { attributes } = call;
  const [from, to] = [call.input(0), call.input(1)];
  const ends = ["lhs_begin", "lhs_end", "rhs_begin", "rhs_end"].map((name) => attributes.maybeInteger(name));
  const target = call.shapeOf(to);
  if (ends.every((end) => end === undefined)) return call.reshape(from, target);
  const [first, second] = [call.rank(from), call.rank(to)];
  const place = (end: number | undefined, fallback: number, rank: number) => {
    const at = end === undefined ? fallback : end < 0 ? end + rank : end;
    if (at < 0 || at > rank) throw call.invalid(`${end} is beyond ${rank} dimensions`);
    return at;
  };
  const part = (shape: GraphValue, begin: number, end: number) =>
    call.add("Slice", [shape, call.integers(begin), call.integers(end), call.integers(0)]);
  const own = call.shapeOf(from);
  return call.reshape(
    from,
    call.join(
      part(own, 0, place(ends[0], 0, first)),
      part(target, place(ends[2], 0, second), place(ends[3], second, second)),
      part(own, place(ends[1], first, first), first),
    ),
  );
};

const transpose: Translate = (call) => {
  const axes = call.attributes.integers("axes");
  if (axes === undefined) return call.add("Transpose", [call.data]);
  const rank = axes.length;
  return call.transpose(
    call.data,
    axes.map((axis) => call.axis(axis, rank)),
  );
};

const swapAxes: Translate = (call) => {
  const { attributes } = call;
  const rank = call.rank();
  const [a, b] = ["dim1", "dim2"].map((name) => call.axis(attributes.integer(name, 0), rank)) as [number, number];
  const order = Array.from({ length: rank }, (_, i) => (i === a ? b : i === b ? a : i));
  return call.transpose(call.data, order);
};

const expandDims: Translate = (call) => call.add("Unsqueeze", [call.data, call.integers(call.attributes.integer("axis"))]);

const squeeze: Translate = (call) => {
  const axes = call.attributes.integers("axis");
  if (axes !== undefined) return call.add("Squeeze", [call.data, call.graph.integers(axes)]);
  const sizes = call.sizes();
  if (sizes.some((size, i) => typeof size !== "number" && i > 0)) {
    throw call.refuse("it has to know its input's sizes: name the graph's inputs with their shapes in a -signature.json file");
  }
  // The batch stays, whatever its size.
  const ones = sizes.flatMap((size, i) => (size === 1 ? [i] : []));
  if (ones.length === 0) return call.data;
  // Without numpy's semantics there is no tensor without dimensions.
  if (ones.length === sizes.length && call.operator === "squeeze") return call.reshape(call.data, [1]);
  return call.add("Squeeze", [call.data, call.graph.integers(ones)]);
};

const concatenate =
  (name: "dim" | "axis"): Translate =>
  (call) =>
    call.add("Concat", call.inputs, { axis: call.attributes.integer(name, 1) });

const stack: Translate = (call) => {
  const axis = call.attributes.integer("axis", 0);
  const apart = call.inputs.map((input) => call.add("Unsqueeze", [input, call.integers(axis)]));
  return call.add("Concat", apart, { axis });
};

const split: Translate = (call) => {
  const { attributes, data } = call;
  const count = attributes.integer("num_outputs");
  const axis = attributes.integer("axis", 1);
  if (!(count > 0 && count <= 4096)) throw call.invalid(`num_outputs is ${count}`);
  const squeezes = attributes.boolean("squeeze_axis", false);
  const parts = count === 1 ? [data] : call.graph.addMany("Split", [data], { axis }, count);
  return squeezes ? parts.map((part) => call.add("Squeeze", [part, call.integers(axis)])) : parts;
};

/** At given places, or into equal parts. */
const splitAt: Translate = (call) => {
  const { attributes, data } = call;
  const axis = attributes.integer("axis", 1);
  const squeezes = attributes.boolean("squeeze_axis", false);
  const sections = attributes.integer("sections", 0);
  const indices = attributes.integers("indices") ?? [];
  if (!(sections >= 0 && sections <= 4096)) throw call.invalid(`sections is ${sections}`);
  const parts =
    sections > 0
      ? sections === 1
        ? [data]
        : call.graph.addMany("Split", [data], { axis }, sections)
      : [...new Set([0, ...indices])].map((start, i, starts) =>
          slice(call, data, [{ axis, begin: start, end: starts[i + 1] ?? TO_THE_END, step: 1 }]),
        );
  return squeezes ? parts.map((part) => call.add("Squeeze", [part, call.integers(axis)])) : parts;
};

interface Cut {
  readonly axis: number;
  readonly begin: number;
  readonly end: number;
  readonly step: number;
}

function slice(call: OperatorCall, data: GraphValue, cuts: readonly Cut[]): GraphValue {
  const list = (of: (cut: Cut) => number) => call.graph.integers(cuts.map(of));
  const steps = cuts.some(({ step }) => step !== 1) ? list(({ step }) => step) : undefined;
  return call.add("Slice", [
    data,
    list(({ begin }) => begin),
    list(({ end }) => end),
    list(({ axis }) => axis),
    ...(steps === undefined ? [] : [steps]),
  ]);
}

/** Bounds by dimension, `None` for an end. */
const sliceBy: Translate = (call) => {
  const { attributes, data } = call;
  const [begins, ends, steps] = ["begin", "end", "step"].map((name) => attributes.sparseIntegers(name) ?? []) as [
    readonly (number | undefined)[],
    readonly (number | undefined)[],
    readonly (number | undefined)[],
  ];
  const cuts = begins.map((begin, axis): Cut => {
    const step = steps[axis] ?? 1;
    if (step === 0) throw call.invalid("step is 0");
    const end = ends[axis];
    return step > 0
      ? { axis, begin: begin ?? 0, end: end ?? TO_THE_END, step }
      : { axis, begin: begin ?? TO_THE_END, end: end ?? -TO_THE_END, step };
  });
  return cuts.length === 0 ? data : slice(call, data, cuts);
};

const sliceAxis: Translate = (call) => {
  const { attributes } = call;
  const begin = attributes.maybeInteger("begin") ?? 0;
  return slice(call, call.data, [
    { axis: attributes.integer("axis"), begin, end: attributes.maybeInteger("end") ?? TO_THE_END, step: 1 },
  ]);
};

const sliceLike: Translate = (call) => {
  const [data, like] = [call.input(0), call.input(1)];
  const axes = call.attributes.integers("axes") ?? Array.from({ length: call.rank(like) }, (_, i) => i);
  const ends = call.join(...axes.map((axis) => call.sizeOf(like, axis)));
  return call.add("Slice", [data, call.graph.integers(axes.map(() => 0)), ends, call.graph.integers(axes)]);
};

/** Of height and width: as large as another tensor, or as given, at an offset or in the middle. */
const crop: Translate = (call) => {
  const { attributes, data } = call;
  const [top = 0, left = 0] = attributes.integers("offset") ?? [];
  const [height = 0, width = 0] = attributes.integers("h_w") ?? [];
  const centered = attributes.boolean("center_crop", false);
  const like = call.inputs[1];
  const wanted = like === undefined ? call.integers(height, width) : call.join(call.sizeOf(like, 2), call.sizeOf(like, 3));
  const start = centered
    ? call.add("Div", [call.add("Sub", [call.join(call.sizeOf(data, 2), call.sizeOf(data, 3)), wanted]), call.integers(2)])
    : call.integers(top, left);
  return call.add("Slice", [data, start, call.add("Add", [start, wanted]), call.integers(2, 3)]);
};

const tile: Translate = (call) => {
  const repeats = call.attributes.integers("reps") ?? [];
  const rank = call.rank();
  const more = Math.max(0, repeats.length - rank);
  const data =
    more === 0 ? call.data : call.add("Unsqueeze", [call.data, call.integers(...Array.from({ length: more }, (_, i) => i))]);
  return call.add("Tile", [data, call.integers(...Array<number>(rank + more - repeats.length).fill(1), ...repeats)]);
};

/** Each element, or each part along an axis, several times in a row. */
const repeat: Translate = (call) => {
  const { attributes } = call;
  const times = attributes.integer("repeats");
  const given = attributes.maybeInteger("axis");
  const data = given === undefined ? call.reshape(call.data, [-1]) : call.data;
  const rank = given === undefined ? 1 : call.rank();
  const axis = given === undefined ? 0 : call.axis(given, rank);
  const apart = call.add("Unsqueeze", [data, call.integers(axis + 1)]);
  const copies = Array.from({ length: rank + 1 }, (_, i) => (i === axis + 1 ? times : 1));
  const sizes = Array.from({ length: rank }, (_, i) => (i === axis ? call.integers(-1) : call.sizeOf(data, i)));
  return call.reshape(call.add("Tile", [apart, call.graph.integers(copies)]), call.join(...sizes));
};

const pad: Translate = (call) => {
  const { attributes, data } = call;
  const mode = attributes.choice("mode", undefined, ["constant", "edge", "reflect"]);
  const value = attributes.number("constant_value", 0);
  const widths = attributes.integers("pad_width") ?? [];
  if (widths.length % 2 !== 0) throw call.invalid("pad_width has no two numbers for each dimension");
  const before = widths.filter((_, i) => i % 2 === 0);
  const behind = widths.filter((_, i) => i % 2 === 1);
  const pads = call.graph.integers([...before, ...behind]);
  return call.add("Pad", mode === "constant" ? [data, pads, call.scalar(value, data)] : [data, pads], { mode });
};

/** 0 keeps a size. */
const broadcastTo: Translate = (call) => {
  const sizes = call.attributes.integers("shape") ?? [];
  return call.add("Expand", [call.data, call.graph.integers(sizes.map((size) => (size === 0 ? 1 : size)))]);
};

const broadcastAxis: Translate = (call) => {
  const { attributes } = call;
  const axes = attributes.integers("axis") ?? [];
  const sizes = attributes.integers("size") ?? [];
  if (axes.length !== sizes.length) throw call.invalid("axis and size have different lengths");
  const rank = call.rank();
  const wanted = Array<number>(rank).fill(1);
  for (const [i, axis] of axes.entries()) wanted[call.axis(axis, rank)] = sizes[i]!;
  return call.add("Expand", [call.data, call.graph.integers(wanted)]);
};

const broadcastLike: Translate = (call) => {
  const { attributes } = call;
  const [data, like] = [call.input(0), call.input(1)];
  const own = attributes.integers("lhs_axes");
  const others = attributes.integers("rhs_axes");
  if (own === undefined || others === undefined) return call.add("Expand", [data, call.shapeOf(like)]);
  const rank = call.rank(data);
  const sizes: (number | GraphValue)[] = Array<number>(rank).fill(1);
  for (const [i, axis] of own.entries()) sizes[call.axis(axis, rank)] = call.sizeOf(like, others[i] ?? 0);
  return call.add("Expand", [data, call.join(...sizes)]);
};

const reverse: Translate = (call) => {
  const axes = call.attributes.integers("axis") ?? [];
  return slice(
    call,
    call.data,
    axes.map((axis) => ({ axis, begin: TO_THE_END, end: -TO_THE_END, step: -1 })),
  );
};

const depthToSpace: Translate = (call) =>
  call.add("DepthToSpace", [call.data], { blocksize: call.attributes.integer("block_size"), mode: "DCR" });

const spaceToDepth: Translate = (call) =>
  call.add("SpaceToDepth", [call.data], { blocksize: call.attributes.integer("block_size") });

/** Shapes, and parts of tensors put together. */
export const SHAPES: readonly OperatorEntry[] = [
  operator("Flatten flatten", flatten),
  operator("Reshape reshape", reshape, "all codes, reverse, target_shape"),
  operator("_np_reshape", numpyReshape),
  operator("_npx_reshape", numpyReshape, "not: the codes -3 to -6, reverse"),
  operator("reshape_like", reshapeLike),
  operator("transpose _np_transpose", transpose),
  operator("SwapAxis swapaxes", swapAxes),
  operator("expand_dims", expandDims),
  operator("squeeze _np_squeeze", squeeze),
  operator("Concat concat", concatenate("dim")),
  operator("_npi_concatenate", concatenate("axis"), "", ["out"]),
  operator("stack _npi_stack", stack),
  operator("SliceChannel split", split, "", "numbered"),
  operator("_split_v2", splitAt, "", "numbered"),
  operator("slice crop", sliceBy),
  operator("slice_axis", sliceAxis),
  operator("slice_like", sliceLike),
  operator("Crop", crop),
  operator("tile", tile),
  operator("repeat", repeat),
  operator("Pad pad", pad),
  operator("broadcast_to _npi_broadcast_to", broadcastTo),
  operator("broadcast_axis broadcast_axes", broadcastAxis),
  operator("broadcast_like", broadcastLike),
  operator("reverse flip", reverse),
  operator("depth_to_space", depthToSpace),
  operator("space_to_depth", spaceToDepth),
  operator("shape_array", (call) => call.shapeOf(call.data)),
  operator("size_array", (call) => call.reshape(call.add("Size", [call.data]), [1])),
];
