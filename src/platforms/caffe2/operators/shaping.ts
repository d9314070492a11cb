import type { GraphValue } from "../../../graph/graph-value.ts";
import { normalAxis } from "../../../graph/sizes.ts";
import type { Call, Results, Translation } from "../call.ts";
import { inNchw, shapedLike, toNchw, toNhwc } from "./layout.ts";

function listArgument(call: Call, name: string): readonly number[] {
  const values = call.args.integers(name);
  if (values === undefined) throw call.invalid(`it has no argument "${name}"`);
  return values;
}

function reshaped(call: Call): Results {
  const shape = call.args.integers("shape");
  const wanted = shape === undefined ? call.asIntegers(call.input(1)) : call.graph.integers(shape);
  return [call.add("Reshape", [call.first, wanted]), call.sizesOf(call.first)];
}

function transposed(call: Call): GraphValue {
  const axes = call.args.integers("axes");
  return call.add("Transpose", [call.first], axes === undefined || axes.length === 0 ? {} : { perm: axes });
}

function flattened(call: Call): GraphValue {
  const axis = call.args.integer("axis", 1);
  return axis === 1 && call.first.rank === 2 ? call.first : call.add("Flatten", [call.first], { axis });
}

/** The dimension that things are put together or taken apart in: an argument, or where channels are. */
function channelAxis(call: Call): number {
  return call.args.integer("axis", call.isNhwc ? 3 : 1);
}

function concatenated(call: Call): Results {
  const { graph, inputs } = call;
  const axis = channelAxis(call);
  const adds = call.args.flag("add_axis");
  const parts = adds ? inputs.map((each) => call.add("Unsqueeze", [each, graph.integers([axis])])) : inputs;
  const sizes = parts.map((each) => {
    if (adds) return graph.integers([1]);
    const { shape } = each;
    const size = shape?.[normalAxis(axis, shape.length)];
    return typeof size === "number" ? graph.integers([size]) : call.add("Gather", [call.sizesOf(each), graph.integers([axis])]);
  });
  const found = call.add("Concat", parts, { axis });
  if (call.operator.outputs.length < 2) return [found];
  return [found, call.add("Cast", [call.add("Concat", sizes, { axis: 0 })], { to: 6 })];
}

function split(call: Call): Results {
  const { args, graph, operator } = call;
  const axis = channelAxis(call);
  const count = operator.outputs.length;
  const given = args.integers("split");
  const sizes = call.inputs.length > 1 ? call.asIntegers(call.input(1)) : given?.length ? graph.integers(given) : undefined;
  if (given?.length && given.length !== count) throw call.invalid(`it has ${count} outputs and ${given.length} sizes of them`);
  const parts = graph.addMany("Split", sizes === undefined ? [call.first] : [call.first, sizes], { axis }, count);
  return args.flag("add_axis") ? parts.map((part) => call.add("Squeeze", [part, graph.integers([axis])])) : parts;
}

function tiled(call: Call): GraphValue {
  const { args, graph, first } = call;
  if (call.inputs.length > 1) throw call.unimplemented("tiles as an input are not covered");
  const rank = call.rankOf(first);
  const repeats = Array<number>(rank).fill(1);
  repeats[normalAxis(args.integer("axis", 0), rank)] = args.integer("tiles", 1);
  return call.add("Tile", [first, graph.integers(repeats)]);
}

function shapeOf(call: Call): GraphValue {
  const axes = call.args.integers("axes");
  const sizes = call.sizesOf(call.first);
  return axes === undefined || axes.length === 0 ? sizes : call.add("Gather", [sizes, call.graph.integers(axes)]);
}

function shuffled(call: Call): GraphValue {
  const group = call.args.integer("group", 1);
  if (group < 1) throw call.invalid(`argument "group" is ${group}`);
  return inNchw(call, (x) => {
    const parts = call.add("Reshape", [x, call.graph.integers([0, group, -1])]);
    // (N, G, C/G * S) to (N, G, C/G, S): the spatial dimensions stay together.
    const channels = x.shape?.[1];
    const { graph } = call;
    const inner =
      typeof channels === "number"
        ? graph.integers([0, group, channels / group, -1])
        : call.add(
            "Concat",
            [
              graph.integers([0, group]),
              call.add("Div", [call.add("Gather", [call.sizesOf(x), graph.integers([1])]), graph.integers([group])]),
              graph.integers([-1]),
            ],
            { axis: 0 },
          );
    if (typeof channels === "number" && channels % group !== 0) throw call.invalid(`${channels} channels are no ${group} groups`);
    const split = call.add("Reshape", [parts, inner]);
    return shapedLike(call, call.add("Transpose", [split], { perm: [0, 2, 1, 3] }), x);
  });
}

const unsqueezed = (call: Call): GraphValue =>
  call.add("Unsqueeze", [call.first, call.graph.integers(listArgument(call, "dims"))]);

/** Operators that give the same elements in another form. */
export const SHAPING_OPERATORS: Readonly<Record<string, Translation>> = {
  Reshape: { translate: reshaped, byproducts: 1, note: "`shape` as an argument or an input" },
  Flatten: { translate: flattened },
  FlattenToVec: { translate: (call) => call.add("Reshape", [call.first, call.graph.integers([-1])]) },
  ResizeLike: { translate: (call) => call.add("Reshape", [call.first, call.sizesOf(call.input(1))]) },
  ExpandDims: { translate: unsqueezed },
  Squeeze: { translate: (call) => call.add("Squeeze", [call.first, call.graph.integers(listArgument(call, "dims"))]) },
  MergeDim: { translate: mergedDim },
  PrependDim: { translate: prependedDim },
  Expand: {
    translate: (call) => call.add("Expand", [call.first, expandSizes(call)]),
    note: "`shape` as an argument or an input",
  },
  Transpose: {
    translate: transposed,
    inputs: (args) => {
      const rank = args.integers("axes")?.length;
      return [rank === undefined || rank === 0 ? undefined : { shape: Array(rank).fill(undefined) }];
    },
  },
  NCHW2NHWC: {
    translate: (call) => toNhwc(call, call.first),
    inputs: () => [{ shape: ["batch", undefined, undefined, undefined] }],
  },
  NHWC2NCHW: {
    translate: (call) => toNchw(call, call.first),
    inputs: () => [{ shape: ["batch", undefined, undefined, undefined] }],
  },
  Concat: { translate: concatenated, byproducts: 1, note: "also `add_axis`" },
  DepthConcat: { translate: concatenated, byproducts: 1 },
  Split: { translate: split, note: "sizes as an argument or an input; also `add_axis`" },
  DepthSplit: { translate: split },
  Tile: { translate: tiled, note: "the number of dimensions has to be known; `tiles` as an argument" },
  NumpyTile: { translate: (call) => call.add("Tile", [call.first, call.asIntegers(call.input(1))]) },
  Shape: { translate: shapeOf },
  Size: { translate: (call) => call.add("Size", [call.first]) },
  ChannelShuffle: { translate: shuffled, note: "both orders" },
};

function expandSizes(call: Call): GraphValue {
  const shape = call.args.integers("shape");
  return shape === undefined ? call.asIntegers(call.input(1)) : call.graph.integers(shape);
}

/** The first two dimensions as one. */
function mergedDim(call: Call): GraphValue {
  const { graph, first } = call;
  const behind = call.add("Slice", [call.sizesOf(first), graph.integers([2]), graph.integers([1000]), graph.integers([0])]);
  return call.add("Reshape", [first, call.add("Concat", [graph.integers([-1]), behind], { axis: 0 })]);
}

/** The first dimension as two, the outer one of a size that is given. */
function prependedDim(call: Call): GraphValue {
  const { args, graph, first } = call;
  const behind = call.add("Slice", [call.sizesOf(first), graph.integers([1]), graph.integers([1000]), graph.integers([0])]);
  const front = graph.integers([args.integer("dim_size", 0), -1]);
  return call.add("Reshape", [first, call.add("Concat", [front, behind], { axis: 0 })]);
}
