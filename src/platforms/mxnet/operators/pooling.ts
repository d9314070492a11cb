import type { GraphValue, Size } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";
import { cubeRoot } from "./elementwise.ts";
import { channelsSecond, windowsOf } from "./layers.ts";

type Kind = "max" | "avg" | "sum" | "lp";

/** What a window of nothing but padding gives. */
const LOWEST = -3.4028234663852886e38;

const pooling: Translate = (call) => {
  const { attributes } = call;
  const kind = attributes.choice("pool_type", "max", ["max", "avg", "sum", "lp"]);
  const power = attributes.integer("p_value", 2);
  const global = attributes.boolean("global_pool", false);
  const counted = attributes.boolean("count_include_pad", true);
  const convention = attributes.choice("pooling_convention", "valid", ["valid", "full"]);
  const kernel =
    attributes.integers("kernel") ??
    (global
      ? call
          .sizes()
          .slice(2)
          .map(() => 1)
      : undefined);
  if (kernel === undefined || kernel.length > 3) throw call.invalid("it has no kernel of 1 to 3 dimensions");
  if (global) {
    attributes.ignore("stride", "pad");
    return channelsSecond(call, kernel.length, (data) => globalPooling(call, data, kind, power));
  }
  const windows = windowsOf(call, kernel);
  const pads = endPads(windows, convention);
  return channelsSecond(call, kernel.length, (data) => {
    const plain = { kernel_shape: kernel, strides: windows.strides };
    switch (kind) {
      case "max":
        return maximum(call, data, windows, pads, plain);
      case "avg":
        return average(call, data, windows, convention, counted, plain);
      case "sum":
        return sums(call, data, pads, plain);
      case "lp":
        return root(call, sums(call, raised(call, data, power), pads, plain), power);
    }
  });
};

type Windows = ReturnType<typeof windowsOf>;

/** Padding before and behind with which a count of windows that is rounded down is the convention's. */
function endPads({ strides, pads }: Windows, convention: "valid" | "full"): readonly number[] {
  return [...pads, ...pads.map((pad, i) => (convention === "full" ? pad + strides[i]! - 1 : pad))];
}

/** ONNX's own padding has to be smaller than the window. */
function fits(pads: readonly number[], kernel: readonly number[]): boolean {
  return pads.every((pad, i) => pad < kernel[i % kernel.length]!);
}

function padded(call: OperatorCall, data: GraphValue, pads: readonly number[], value: number): GraphValue {
  if (pads.every((pad) => pad === 0)) return data;
  const half = pads.length / 2;
  const all = [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)];
  return call.add("Pad", [data, call.graph.integers(all), call.scalar(value, data)]);
}

function maximum(
  call: OperatorCall,
  data: GraphValue,
  { kernel }: Windows,
  pads: readonly number[],
  plain: { readonly kernel_shape: readonly number[]; readonly strides: readonly number[] },
): GraphValue {
  if (fits(pads, kernel)) return call.add("MaxPool", [data], { ...plain, pads });
  return call.add("MaxPool", [padded(call, data, pads, LOWEST)], plain);
}

/** A window that reaches beyond the padding is as small as what is left of it. */
function average(
  call: OperatorCall,
  data: GraphValue,
  { kernel, strides, pads }: Windows,
  convention: "valid" | "full",
  counted: boolean,
  plain: { readonly kernel_shape: readonly number[]; readonly strides: readonly number[] },
): GraphValue {
  // Else the last window may have nothing but padding, or less.
  const inside =
    convention === "valid" ||
    pads.every((pad, i) => pad + strides[i]! - 1 < kernel[i]! || endsInside(data.shape?.[i + 2], kernel[i]!, strides[i]!, pad));
  if (!inside || !fits(pads, kernel)) throw call.refuse("windows of nothing but padding are not covered for averages");
  return call.add("AveragePool", [data], {
    ...plain,
    pads: [...pads, ...pads],
    count_include_pad: counted ? 1 : 0,
    ceil_mode: convention === "full" ? 1 : 0,
  });
}

/** Of windows; what is padded counts nothing. */
function sums(
  call: OperatorCall,
  data: GraphValue,
  pads: readonly number[],
  plain: { readonly kernel_shape: readonly number[]; readonly strides: readonly number[] },
): GraphValue {
  const mean = call.add("AveragePool", [padded(call, data, pads, 0)], plain);
  return call.add("Mul", [mean, call.scalar(countOf(plain.kernel_shape), data)]);
}

function countOf(kernel: readonly number[]): number {
  return kernel.reduce((product, size) => product * size, 1);
}

/** With its sign, unlike ONNX's LpPool. @throws ServingError unimplemented for another power than 1, 2 and 3. */
function raised(call: OperatorCall, data: GraphValue, power: number): GraphValue {
  if (power === 1) return data;
  const square = call.add("Mul", [data, data]);
  if (power === 2) return square;
  if (power === 3) return call.add("Mul", [square, data]);
  throw call.refuse(`p_value ${power} is not covered`);
}

function root(call: OperatorCall, sum: GraphValue, power: number): GraphValue {
  return power === 1 ? sum : power === 2 ? call.add("Sqrt", [sum]) : cubeRoot(call, sum);
}

/** Whether the last window begins before the input ends. */
function endsInside(size: Size, kernel: number, stride: number, pad: number): boolean {
  return typeof size === "number" && Math.ceil((size + 2 * pad - kernel) / stride) * stride < size + pad;
}

function globalPooling(call: OperatorCall, data: GraphValue, kind: Kind, power: number): GraphValue {
  switch (kind) {
    case "max":
      return call.add("GlobalMaxPool", [data]);
    case "avg":
      return call.add("GlobalAveragePool", [data]);
    case "lp":
      return root(call, globalPooling(call, raised(call, data, power), "sum", 1), power);
    case "sum": {
      const axes = Array.from({ length: call.rank(data) - 2 }, (_, i) => i + 2);
      return call.add("ReduceSum", [data, call.graph.integers(axes)], { keepdims: 1 });
    }
  }
}

/** Before 0.10: padding is zeros that count, for a maximum too, and every window is whole. */
const formerPooling: Translate = (call) => {
  const { attributes, data } = call;
  const kind = attributes.choice("pool_type", "max", ["max", "avg", "sum"]);
  const convention = attributes.choice("pooling_convention", "valid", ["valid", "full"]);
  if (attributes.boolean("global_pool", false)) {
    attributes.ignore("stride", "pad", "kernel");
    return globalPooling(call, data, kind, 1);
  }
  const kernel = attributes.integers("kernel");
  if (kernel === undefined) throw call.invalid("it has no kernel");
  const windows = windowsOf(call, kernel);
  const pads = endPads(windows, convention);
  const plain = { kernel_shape: kernel, strides: windows.strides };
  if (kind === "max") {
    const more = pads.map((pad, i) => pad - windows.pads[i % kernel.length]!);
    return maximum(call, padded(call, data, [...windows.pads, ...windows.pads], 0), windows, more, plain);
  }
  const mean = call.add("AveragePool", [padded(call, data, pads, 0)], plain);
  return kind === "avg" ? mean : call.add("Mul", [mean, call.scalar(countOf(kernel), data)]);
};

/** To a given size; each place is the mean of its share of the input. */
const adaptivePooling: Translate = (call) => {
  const { data } = call;
  const [height = 1, width = height] = call.attributes.integers("output_size") ?? [];
  if (height === 1 && width === 1) return call.add("GlobalAveragePool", [data]);
  const rows = shares(call, call.fixedSize(data, 2), height);
  const columns = shares(call, call.fixedSize(data, 3), width);
  return call.add("MatMul", [call.add("MatMul", [rows, data]), call.transpose(columns, [1, 0])]);
};

/** A matrix that takes means: row i has the weights of what place i is made of. */
function shares(call: OperatorCall, from: number, to: number): GraphValue {
  if (!(to > 0 && from * to <= 2 ** 20)) throw call.refuse(`pooling ${from} places to ${to} is not covered`);
  const weights = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const [start, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    weights.fill(1 / (end - start), i * from + start, i * from + end);
  }
  return call.cast(call.graph.constant("float32", [to, from], weights), call.data.dtype);
}

/** Pooling. */
export const POOLING: readonly OperatorEntry[] = [
  operator("Pooling", pooling, "max, avg, sum and lp; valid and full; not: averages with windows of nothing but padding"),
  operator("Pooling_v1", formerPooling),
  operator("_contrib_AdaptiveAvgPooling2D", adaptivePooling, "needs the input's sizes, but for a size of 1"),
];
