import { elementTypeOf } from "../../../graph/element-type.ts";
import { type Attributes, float } from "../../../graph/graph-node.ts";
import type { GraphValue, Size } from "../../../graph/graph-value.ts";
import { damaged } from "../dictionary.ts";
import { entry, type FunctionCall, type FunctionEntry, type Translate } from "../function-call.ts";
import {
  expanded,
  joined,
  type NetworkValue,
  numberOf,
  reshaped,
  shapeOf,
  staticParts,
  staticShape,
  unsqueezed,
  withOneBatch,
  withStaticShape,
} from "../network-value.ts";

const MOST_DIMENSIONS = 3;

/** How a window moves along one dimension. */
interface Motion {
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  /** Whether its centre begins and ends inside; else it moves from `-lower` to `size + upper`. */
  readonly centred: boolean;
  readonly lower: number;
  readonly upper: number;
}

/** How many elements a window reaches over. */
function reach({ window, dilation }: Motion): number {
  return (window - 1) * dilation + 1;
}

/** The padding before and behind a dimension of a size; negative where elements are left out. */
function padding(call: FunctionCall, motion: Motion, size: Size, ceil = false): readonly [number, number] {
  const { stride, centred, lower, upper } = motion;
  if (centred) {
    if (stride === 1) return centredPadding(reach(motion), 0);
    if (typeof size !== "number") {
      throw call.unimplemented("it pads by itself, in steps, what has a size that only a call tells (free dimensions)");
    }
    const steps = ceil ? Math.ceil((size - 1) / stride) : Math.floor((size - 1) / stride);
    return centredPadding(reach(motion), size - 1 - steps * stride);
  }
  if (!ceil) return [lower, upper];
  if (typeof size !== "number") throw call.unimplemented("it rounds up the number of windows over a size that only a call tells");
  // CNTK counts with windows that end behind the input; what they see there is padding.
  const room = size + lower + upper - reach(motion);
  return [lower, upper + Math.ceil(room / stride) * stride - room];
}

/** The padding with which a window's centre moves from the first to the last element, `extra` of them being left over by its steps, or lacking. */
function centredPadding(length: number, extra: number): readonly [number, number] {
  const before = Math.floor((length - 1) / 2);
  const left = Math.trunc(extra / 2);
  return [before - left, length - 1 - before - (extra - left)];
}

/** A list in CNTK's order, its last item repeated up to `length`, with the first dimension of ours first. */
function reversed<Item>(items: readonly Item[], length: number, fallback: Item): readonly Item[] {
  const last = items.at(-1) ?? fallback;
  return Array.from({ length }, (_, i) => items[length - 1 - i] ?? last);
}

function motions(call: FunctionCall, windows: readonly number[], rank: number): readonly Motion[] {
  const { attributes } = call;
  const strides = reversed(attributes.sizes("strides", [1]), rank, 1);
  const dilations = reversed(attributes.sizes("dilation", [1]), rank, 1);
  const centred = reversed(attributes.has("autoPadding") ? attributes.booleans("autoPadding") : [], rank, false);
  const lower = reversed(attributes.sizes("lowerPad", [0]), rank, 0);
  const upper = reversed(attributes.sizes("upperPad", [0]), rank, 0);
  return windows.map((window, i) => {
    const motion = {
      window,
      stride: strides[i]!,
      dilation: dilations[i]!,
      centred: centred[i]!,
      lower: lower[i]!,
      upper: upper[i]!,
    };
    if (window < 1 || motion.stride < 1 || motion.dilation < 1)
      throw damaged(`${call.graph.origin} has a window of size ${window}`);
    return motion;
  });
}

/** Pads and a value that they fit: ONNX's pads cannot leave out elements. */
function cropped(
  call: FunctionCall,
  value: GraphValue,
  pads: readonly (readonly [number, number])[],
): { readonly value: GraphValue; readonly pads: number[] } {
  const first = shapeOf(value).length - pads.length;
  const axes = pads.flatMap(([before, behind], i) => (before < 0 || behind < 0 ? [i] : []));
  const rest = [...pads.map(([before]) => Math.max(0, before)), ...pads.map(([, behind]) => Math.max(0, behind))];
  if (axes.length === 0) return { value, pads: rest };
  const starts = axes.map((i) => Math.max(0, -pads[i]![0]));
  const ends = axes.map((i) => (pads[i]![1] < 0 ? pads[i]![1] : 2 ** 31 - 1));
  const cut = call.add("Slice", [
    value,
    call.integers(...starts),
    call.integers(...ends),
    call.integers(...axes.map((i) => first + i)),
  ]);
  return { value: cut, pads: rest };
}

const convolution: Translate = (call) => {
  const { attributes } = call;
  const [weights, input] = [call.input(0), call.input(1)];
  attributes.ignore("maxTempMemSizeInSamples", "kernelShape", "reductionRank");
  if (attributes.has("sharing") && attributes.booleans("sharing").includes(false))
    throw call.unimplemented("its kernels differ from place to place");
  if (weights.dynamic > 0) throw call.unimplemented("its kernels depend on the input");
  if (attributes.has("sequential")) attributes.boolean("sequential");
  const rank = staticShape(input).length;
  // Without a dimension of outputs there is one output.
  const bare = staticShape(weights).length === rank;
  const kernels = bare ? unsqueezed(call.graph, weights.value, [0]) : weights.value;
  const sizes = shapeOf(kernels).map((size) => (typeof size === "number" ? size : 0));
  if (sizes.length !== rank + 1 || rank < 2) {
    throw call.unimplemented(`its kernels have ${staticShape(weights).length} dimensions and its input ${rank}`);
  }
  const [, ...moves] = motions(call, sizes.slice(1), rank) as [Motion, ...Motion[]];
  if (attributes.boolean("transpose", false)) return transposed(call, kernels, input, moves);
  attributes.ignore("outputShape");
  expectFewDimensions(call, moves.length);
  const groups = attributes.integer("groups", 1);
  const channels = call.fixedSize(input.value, input.dynamic);
  expectOneStepOverChannels(call, channels, sizes[1]! * groups);
  return withOneBatch(call.graph, input, (value) => {
    const fitted = cropped(
      call,
      value,
      moves.map((motion, i) => padding(call, motion, shapeOf(value)[i + 2])),
    );
    return call.add("Conv", [fitted.value, kernels], {
      kernel_shape: sizes.slice(2),
      strides: moves.map(({ stride }) => stride),
      dilations: moves.map(({ dilation }) => dilation),
      pads: fitted.pads,
      group: groups,
    });
  });
};

/** ONNX Runtime moves windows along so many dimensions. */
function expectFewDimensions(call: FunctionCall, count: number): void {
  if (count > MOST_DIMENSIONS)
    throw call.unimplemented(`its windows move along ${count} dimensions, more than ${MOST_DIMENSIONS}`);
}

/** A kernel reaches over all channels: it would else move along them. */
function expectOneStepOverChannels(call: FunctionCall, channels: number, seen: number): void {
  if (channels !== seen) throw call.unimplemented(`its kernels see ${seen} of ${channels} channels`);
  const flags = call.attributes.has("autoPadding") ? call.attributes.booleans("autoPadding") : [];
  const rank = staticShape(call.input(1)).length;
  if (
    channels > 1 &&
    reversed(flags, rank, false)[0]! &&
    reversed(call.attributes.sizes("strides", [1]), rank, 1)[0]! < channels
  ) {
    throw call.unimplemented("it pads the channels, and moves along them");
  }
}

function transposed(call: FunctionCall, kernels: GraphValue, input: NetworkValue, moves: readonly Motion[]): NetworkValue {
  const { attributes } = call;
  if (attributes.integer("groups", 1) !== 1) throw call.unimplemented("it is transposed and in groups");
  const [channels, , ...window] = shapeOf(kernels) as [number, number, ...number[]];
  if (channels !== call.fixedSize(input.value, input.dynamic))
    throw call.unimplemented(`its kernels see ${channels} channels of others`);
  const wanted = attributes.has("outputShape") ? attributes.shape("outputShape") : [];
  const given =
    wanted.some((size) => typeof size !== "number" || size === 0) || wanted.length < moves.length
      ? undefined
      : reversed(wanted as readonly number[], wanted.length, 0).slice(-moves.length);
  return withOneBatch(call.graph, input, (value) => {
    const pads: (readonly [number, number])[] = [];
    const longer: number[] = [];
    for (const [i, motion] of moves.entries()) {
      const [before, behind] = transposedPadding(call, motion, shapeOf(value)[i + 2], given?.[i]);
      if (before < 0) throw call.unimplemented("its output begins before what its kernels reach");
      pads.push([before, Math.max(0, behind)]);
      longer.push(Math.max(0, -behind));
    }
    const node: Attributes = {
      kernel_shape: window,
      strides: moves.map(({ stride }) => stride),
      dilations: moves.map(({ dilation }) => dilation),
      pads: [...pads.map(([before]) => before), ...pads.map(([, behind]) => behind)],
      output_padding: longer,
    };
    if (longer.some((size, i) => size >= moves[i]!.stride))
      throw call.unimplemented("its output is longer than its kernels reach");
    return call.add("ConvTranspose", [value, kernels], node);
  });
}

/** What a transposed convolution leaves out, so that the convolution that it reverses makes its input of its output. */
function transposedPadding(
  call: FunctionCall,
  motion: Motion,
  size: Size,
  wanted: number | undefined,
): readonly [number, number] {
  const { stride, centred, lower, upper } = motion;
  const steps = typeof size === "number" ? (size - 1) * stride : undefined;
  if (wanted !== undefined && steps === undefined)
    throw call.unimplemented("its output has a size, and its input one that only a call tells");
  if (centred) return centredPadding(reach(motion), wanted === undefined ? 0 : wanted - (steps! + 1));
  return wanted === undefined ? [lower, upper] : [lower, steps! + reach(motion) - wanted - lower];
}

/** Input of a pooling: its windows' dimensions last, before them one of channels. */
function poolable(call: FunctionCall, input: NetworkValue, rank: number): NetworkValue {
  const parts = staticParts(input);
  const others = parts.slice(0, parts.length - rank);
  if (others.length === 1) return input;
  const channels = others.length === 0 ? 1 : "rest";
  return withStaticShape(call.graph, input, [channels, ...parts.slice(parts.length - rank)]);
}

const pooling: Translate = (call) => {
  const { attributes, first } = call;
  const kind = attributes.integer("poolingType");
  if (kind !== 0 && kind !== 1) throw call.unimplemented(`its poolingType is ${kind}`);
  const asked = attributes.shape("poolingWindowShape");
  const rank = staticShape(first).length;
  const whole = asked.some((size) => size === "unknown" || size === "inferred");
  const windowRank = whole ? rank - 1 : asked.length;
  if (windowRank > rank || windowRank < 1)
    throw damaged(`${call.graph.origin} has a window of ${windowRank} dimensions over ${rank}`);
  const windows = whole ? call.fixedSizes(first).slice(1) : reversed(asked as readonly number[], windowRank, 1);
  const moves = motions(call, windows, windowRank);
  const ceil = attributes.boolean("ceilOutDim", false);
  const included = attributes.boolean("includePad", false);
  // A dimension that windows do not see is one of channels.
  const free = moves.findIndex(({ window, stride }) => window !== 1 || stride !== 1);
  const kept = moves.slice(free < 0 ? moves.length - 1 : free);
  expectFewDimensions(call, kept.length);
  const pooled = withOneBatch(call.graph, poolable(call, first, kept.length), (value) => {
    const pads = kept.map((motion, i) => padding(call, motion, shapeOf(value)[i + 2], ceil));
    const fitted = cropped(call, value, pads);
    for (const [i, { window }] of kept.entries()) {
      if (Math.max(fitted.pads[i]!, fitted.pads[i + kept.length]!) >= window)
        throw call.unimplemented("some of its windows see nothing but padding");
    }
    return call.add(kind === 0 ? "MaxPool" : "AveragePool", [fitted.value], {
      kernel_shape: kept.map(({ window }) => window),
      strides: kept.map(({ stride }) => stride),
      pads: fitted.pads,
      ...(kind === 1 && { count_include_pad: included ? 1 : 0 }),
    });
  });
  const others = staticParts(first).slice(0, rank - kept.length);
  return others.length === 1 ? pooled : withStaticShape(call.graph, pooled, [...others, ...staticParts(pooled).slice(1)]);
};

/** Puts each element of the first input where the greatest of its window was in the second one. */
const unpooling: Translate = (call) => {
  const { attributes } = call;
  const [input, pooledOf] = [call.input(0), call.input(1)];
  if (attributes.integer("poolingType") !== 0) throw call.unimplemented("it undoes an average");
  const windows = attributes.sizes("unpoolingWindowShape", []);
  const rank = staticShape(pooledOf).length;
  if (windows.length < 1 || rank - windows.length !== 1)
    throw call.unimplemented(`its window has ${windows.length} dimensions, and its input ${rank}`);
  const moves = motions(call, reversed(windows, windows.length, 1), windows.length);
  if (moves.some(({ window, stride }) => window > stride)) throw call.unimplemented("its windows overlap");
  if (input.dynamic !== 1 || pooledOf.dynamic !== 1) throw call.unimplemented("its inputs are no batches");
  const value = pooledOf.value;
  const pads = moves.map((motion, i) => padding(call, motion, shapeOf(value)[i + 2]));
  if (pads.some(([before, behind]) => before < 0 || behind < 0)) throw call.unimplemented("its windows leave out elements");
  const [, indices] = call.graph.addMany(
    "MaxPool",
    [value],
    {
      kernel_shape: moves.map(({ window }) => window),
      strides: moves.map(({ stride }) => stride),
      pads: [...pads.map(([before]) => before), ...pads.map(([, behind]) => behind)],
    },
    2,
  );
  return { value: scattered(call, input.value, indices!, value), dynamic: 1 };
};

/** Zeros in the shape of `like`, with elements at places that are counted over all of it. */
function scattered(call: FunctionCall, elements: GraphValue, places: GraphValue, like: GraphValue): GraphValue {
  const zeros = expanded(
    call.graph,
    numberOf(call.graph, like.dtype, 0),
    shapeOf(like).map((_, axis) => ({ of: like, axis })),
  );
  const flat = (value: GraphValue) => reshaped(call.graph, value, ["rest"]);
  const filled = call.add("ScatterElements", [flat(zeros), flat(places), flat(elements)], { axis: 0 });
  return reshaped(
    call.graph,
    filled,
    shapeOf(like).map((_, axis) => ({ of: like, axis })),
  );
}

/** The greatest of each of some parts of regions: `[batch, channels, height, width]` and `[batch, regions, 4]`. */
const regionPooling: Translate = (call) => {
  const { attributes, graph } = call;
  const [input, regions] = [call.input(0), call.input(1)];
  if (attributes.integer("poolingType") !== 0) throw call.unimplemented("it takes averages");
  if (!attributes.has("spatialScale")) throw call.unimplemented("its regions are parts of the image, as in CNTK 2.0");
  const scale = attributes.number("spatialScale");
  const size = [...attributes.sizes("roiOutputShape", [])].reverse();
  const [channels, count] = [staticParts(input)[0]!, staticParts(regions)[0]!];
  if (
    input.dynamic !== 1 ||
    regions.dynamic !== 1 ||
    size.length !== 2 ||
    staticShape(input).length !== 3 ||
    staticShape(regions).length !== 2
  ) {
    throw call.unimplemented("its inputs are no batches of images and of lists of regions");
  }
  const batch = { of: input.value, axis: 0 };
  const [zero, one] = [graph.scalar("int64", 0), graph.scalar("int64", 1)];
  const rows = call.add("Range", [zero, call.add("Squeeze", [joined(graph, [batch]), call.integers(0)]), one]);
  const places = call.add("Cast", [reshaped(graph, rows, ["rest", 1, 1])], { to: elementTypeOf(input.value.dtype) });
  const each = expanded(graph, places, [batch, count, 1]);
  const listed = reshaped(graph, call.add("Concat", [each, regions.value], { axis: 2 }), ["rest", 5]);
  const shape = [undefined, shapeOf(input.value)[1], ...size];
  const options = { outputs: [{ dtype: input.value.dtype, shape }] };
  const pooled = graph.add("MaxRoiPool", [input.value, listed], { pooled_shape: size, spatial_scale: float(scale) }, options);
  return { value: reshaped(graph, pooled, [batch, count, channels, ...size]), dynamic: 1 };
};

/** Windows of CNTK's order of dimensions, reversed. */
export const WINDOWS: readonly FunctionEntry[] = [
  entry(
    33,
    "Convolution",
    convolution,
    "also transposed, dilated, in groups, along a sequence; not over a part of the channels, not transposed in groups",
  ),
  entry(17, "Pooling", pooling, "maximum and average; not with windows that see padding alone"),
  entry(58, "Unpooling", unpooling, "of a maximum, windows that do not overlap"),
  entry(47, "ROIPooling", regionPooling, "maximum, regions in pixels"),
];
