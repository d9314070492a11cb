import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Arguments } from "../arguments.ts";
import type { Call, InputNeed, Translation } from "../call.ts";
import { imageNeed, inNchw, toNchw } from "./layout.ts";

/** `legacy_pad`: where windows lie, besides what pads say. */
const PADDING = { none: 0, valid: 1, same: 2, caffe: 3 } as const;

/** Where an operator's windows lie. */
interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  /** Before each dimension, then behind each. */
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly legacy: number;
}

/** Two names for each spatial dimension's number: `kernel_h` and `kernel_w`; both or neither count. */
function sizes(args: Arguments, name: string, list: string): readonly number[] | undefined {
  if (args.has(name)) return [args.integer(name, 0), args.integer(name, 0)];
  if (args.has(`${name}_h`) && args.has(`${name}_w`)) return [args.integer(`${name}_h`, 0), args.integer(`${name}_w`, 0)];
  return args.integers(list);
}

function padsOf(args: Arguments): readonly number[] | undefined {
  if (args.has("pad")) return Array<number>(4).fill(args.integer("pad", 0));
  const sides = ["pad_t", "pad_l", "pad_b", "pad_r"];
  return sides.every((side) => args.has(side)) ? sides.map((side) => args.integer(side, 0)) : args.integers("pads");
}

/** The windows of a call; `fallback` is the kernel where arguments do not give it. */
function windowsOf(call: Call, fallback?: readonly number[]): Windows {
  const { args } = call;
  const kernel = sizes(args, "kernel", "kernels") ?? fallback;
  if (kernel === undefined || kernel.length === 0 || kernel.some((size) => size < 1)) throw call.invalid("it has no kernel");
  const ones = kernel.map(() => 1);
  const windows = {
    kernel,
    strides: sizes(args, "stride", "strides") ?? ones,
    pads: padsOf(args) ?? [...kernel, ...kernel].map(() => 0),
    dilations: sizes(args, "dilation", "dilations") ?? ones,
    legacy: args.integer("legacy_pad", PADDING.none),
  };
  const { length } = kernel;
  const fits =
    [windows.strides, windows.dilations].every((each) => each.length === length && each.every((size) => size >= 1)) &&
    windows.pads.length === 2 * length &&
    windows.pads.every((size) => size >= 0);
  if (!fits) throw call.invalid("its kernel, strides, pads and dilations do not go together");
  if (![PADDING.none, PADDING.valid, PADDING.same, PADDING.caffe].includes(windows.legacy as 0)) {
    throw call.unimplemented(`argument "legacy_pad" is ${windows.legacy}`);
  }
  return windows;
}

function dense(call: Call, { dilations }: Windows, what: string): void {
  if (dilations.some((size) => size !== 1)) throw call.unimplemented(`${what} with dilation is not covered`);
}

/** Attributes that say where windows lie. */
function placement(call: Call, windows: Windows) {
  const { strides, pads, kernel, legacy } = windows;
  switch (legacy) {
    case PADDING.valid:
      return { strides };
    case PADDING.same:
      dense(call, windows, "legacy_pad SAME");
      // Windows that miss some of the input begin elsewhere than ONNX's.
      if (kernel.some((size, i) => size < strides[i]! - 1)) {
        throw call.unimplemented("legacy_pad SAME with strides beyond the kernel is not covered");
      }
      return { strides, auto_pad: "SAME_UPPER" };
    case PADDING.caffe: {
      if (kernel.some((size, i) => size < strides[i]!)) {
        throw call.unimplemented("legacy_pad CAFFE_LEGACY_POOLING with strides beyond the kernel is not covered");
      }
      const before = pads.slice(0, kernel.length);
      return { strides, pads: [...before, ...before], ceil_mode: 1 };
    }
    default:
      return { strides, pads };
  }
}

function spatialKernel(weights: GraphValue, isNhwc: boolean): readonly number[] | undefined {
  const { shape } = weights;
  const kernel = isNhwc ? shape?.slice(1, -1) : shape?.slice(2);
  return kernel?.every((size) => typeof size === "number") ? (kernel as number[]) : undefined;
}

function convolve(call: Call): GraphValue {
  const { args, isNhwc } = call;
  const kernel = spatialKernel(call.input(1), isNhwc);
  const windows = windowsOf(call, kernel);
  if (kernel !== undefined && kernel.join() !== windows.kernel.join()) {
    throw call.invalid(`its kernel is [${windows.kernel.join(", ")}] and its weights are for [${kernel.join(", ")}]`);
  }
  if (windows.legacy === PADDING.caffe) throw call.unimplemented("legacy_pad CAFFE_LEGACY_POOLING is not covered");
  const rank = windows.kernel.length + 2;
  const weights = isNhwc ? toNchw(call, call.input(1), rank) : call.input(1);
  const attributes = {
    kernel_shape: windows.kernel,
    dilations: windows.dilations,
    group: args.integer("group", 1),
    ...placement(call, windows),
  };
  return inNchw(call, (x) => call.add("Conv", [x, weights, call.inputs[2]], attributes), rank);
}

function convolveTransposed(call: Call): GraphValue {
  const { args, isNhwc } = call;
  const windows = windowsOf(call, spatialKernel(call.input(1), isNhwc));
  if (windows.legacy !== PADDING.none && windows.legacy !== PADDING.valid) {
    throw call.unimplemented(`argument "legacy_pad" is ${windows.legacy}`);
  }
  dense(call, windows, "it");
  const { kernel, strides, legacy, pads } = windows;
  const rank = kernel.length + 2;
  const attributes = {
    kernel_shape: kernel,
    strides,
    pads: legacy === PADDING.valid ? pads.map(() => 0) : pads,
    output_padding: sizes(args, "adj", "adjs") ?? kernel.map(() => 0),
    group: args.integer("group", 1),
  };
  const weights = isNhwc ? toNchw(call, call.input(1), rank) : call.input(1);
  return inNchw(call, (x) => call.add("ConvTranspose", [x, weights, call.inputs[2]], attributes), rank);
}

function pool(call: Call): GraphValue {
  const { args } = call;
  const isMax = call.type.startsWith("Max");
  if (args.flag("global_pooling")) {
    return inNchw(call, (x) => call.add(isMax ? "GlobalMaxPool" : "GlobalAveragePool", [x]), globalRank(call));
  }
  const windows = windowsOf(call);
  dense(call, windows, "pooling");
  const includes = !isMax && args.flag("count_include_pad");
  if (includes && windows.legacy === PADDING.caffe && windows.strides.some((stride) => stride > 1)) {
    throw call.unimplemented("count_include_pad with legacy_pad CAFFE_LEGACY_POOLING is not covered");
  }
  const attributes = {
    kernel_shape: windows.kernel,
    ...placement(call, windows),
    ...(isMax ? {} : { count_include_pad: includes ? 1 : 0 }),
  };
  return inNchw(call, (x) => call.add(isMax ? "MaxPool" : "AveragePool", [x], attributes), windows.kernel.length + 2);
}

/** A 1-D or 3-D variant says its rank by its name. */
function globalRank({ type }: Call): number {
  return type.endsWith("1D") ? 3 : type.endsWith("3D") ? 5 : 4;
}

function padImage(call: Call): GraphValue {
  const { args, isNhwc } = call;
  const [top, left, bottom, right] = padsOf(args) ?? [0, 0, 0, 0];
  const mode = args.text("mode", "constant");
  if (!["constant", "reflect", "edge"].includes(mode)) throw call.unimplemented(`argument "mode" is ${JSON.stringify(mode)}`);
  const image = (height: number, width: number) => (isNhwc ? [0, height, width, 0] : [0, 0, height, width]);
  const pads = call.graph.integers([...image(top!, left!), ...image(bottom!, right!)]);
  const value = mode === "constant" ? call.scalarLike(call.first, args.float("value", 0)) : undefined;
  return call.add("Pad", [call.first, pads, value], { mode });
}

/** The image that a convolution takes, by its weights. */
function convolved(transposed: boolean): (args: Arguments, inputs: readonly (GraphValue | undefined)[]) => readonly InputNeed[] {
  return (args, inputs) => {
    const isNhwc = args.text("order", "NCHW") === "NHWC";
    const shape = inputs[1]?.shape;
    const channels = transposed ? shape?.[0] : isNhwc ? shape?.at(-1) : shape?.[1];
    const all = typeof channels === "number" ? channels * (transposed ? 1 : args.integer("group", 1)) : undefined;
    return [imageNeed(isNhwc, all, (shape?.length ?? 4) - 2)];
  };
}

function pooled(args: Arguments): readonly InputNeed[] {
  const spatial = args.flag("global_pooling") ? undefined : (sizes(args, "kernel", "kernels")?.length ?? 2);
  return [spatial === undefined ? { dtype: "float32" } : imageNeed(args.text("order", "NCHW") === "NHWC", undefined, spatial)];
}

const convolution: Translation = {
  translate: convolve,
  inputs: convolved(false),
  note: "1 to 3 dimensions, groups, both orders; `legacy_pad` up to SAME",
};
const pooling: Translation = {
  translate: pool,
  inputs: pooled,
  note: "1 to 3 dimensions, both orders, `global_pooling`, every `legacy_pad`; no dilation",
};

/** Convolution and pooling. */
export const WINDOW_OPERATORS: Readonly<Record<string, Translation>> = {
  Conv: convolution,
  Conv1D: convolution,
  Conv2D: convolution,
  Conv3D: convolution,
  ConvRelu: { ...convolution, translate: (call) => call.add("Relu", [convolve(call)]) },
  ConvTranspose: {
    translate: convolveTransposed,
    inputs: convolved(true),
    note: "groups, both orders, `adj`; no dilation",
  },
  MaxPool: pooling,
  MaxPool1D: pooling,
  MaxPool2D: pooling,
  MaxPool3D: pooling,
  AveragePool: pooling,
  AveragePool1D: pooling,
  AveragePool2D: pooling,
  AveragePool3D: pooling,
  PadImage: { translate: padImage, inputs: (args) => [imageNeed(args.text("order", "NCHW") === "NHWC", undefined, 2)] },
};
