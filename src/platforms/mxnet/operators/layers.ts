import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";
import { gelu } from "./elementwise.ts";

/** Windows of a convolution or pooling, a number for each spatial dimension. */
interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** @throws ServingError invalid-argument where numbers are missing or not positive. */
export function windowsOf(call: OperatorCall, kernel: readonly number[]): Windows {
  const each = (name: string, fallback: number, least: number) => {
    const given = call.attributes.integers(name) ?? kernel.map(() => fallback);
    if (given.length !== kernel.length || given.some((value) => value < least || value > 2 ** 20)) {
      throw call.invalid(`${name} (${given.join(", ")}) does not fit a kernel of ${kernel.length} dimensions`);
    }
    return given;
  };
  return { kernel, strides: each("stride", 1, 1), dilations: each("dilate", 1, 1), pads: each("pad", 0, 0) };
}

/** Puts channels second for `translate` where the layout has them last, and back behind it. */
export function channelsSecond(call: OperatorCall, spatial: number, translate: (data: GraphValue) => GraphValue): GraphValue {
  const layout = call.attributes.text("layout");
  if (layout === undefined || layout === ["NCW", "NCHW", "NCDHW"][spatial - 1]) return translate(call.data);
  if (layout !== ["NWC", "NHWC", "NDHWC"][spatial - 1])
    throw call.refuse(`layout is ${layout.slice(0, 64)}, which is not covered`);
  const axes = Array.from({ length: spatial }, (_, i) => i + 1);
  const inner = translate(call.transpose(call.data, [0, spatial + 1, ...axes]));
  return call.transpose(inner, [0, ...axes.map((axis) => axis + 1), 1]);
}

function isChannelsLast(call: OperatorCall): boolean {
  return call.attributes.text("layout")?.endsWith("C") ?? false;
}

function requireKernel(call: OperatorCall): readonly number[] {
  const kernel = call.attributes.integers("kernel");
  if (kernel === undefined || kernel.length > 3) throw call.invalid("it has no kernel of 1 to 3 dimensions");
  return kernel;
}

const convolution: Translate = (call) => {
  const { attributes } = call;
  const { kernel, strides, dilations, pads } = windowsOf(call, requireKernel(call));
  const spatial = kernel.map((_, i) => i);
  const weight = isChannelsLast(call)
    ? call.transpose(call.input(1), [0, kernel.length + 1, ...spatial.map((i) => i + 1)])
    : call.input(1);
  const bias = attributes.boolean("no_bias", false) ? undefined : call.input(2);
  attributes.ignore("num_filter");
  const settings = {
    kernel_shape: kernel,
    strides,
    dilations,
    pads: [...pads, ...pads],
    group: attributes.integer("num_group", 1),
  };
  return channelsSecond(call, kernel.length, (data) => call.add("Conv", [data, weight, bias], settings));
};

const deconvolution: Translate = (call) => {
  const { attributes } = call;
  const { kernel, strides, dilations, pads: given } = windowsOf(call, requireKernel(call));
  const target = attributes.integers("target_shape");
  let pads = given;
  let adjusts = attributes.integers("adj") ?? kernel.map(() => 0);
  if (adjusts.length !== kernel.length || adjusts.some((value) => value < 0)) {
    throw call.invalid(`adj (${adjusts.join(", ")}) does not fit a kernel of ${kernel.length} dimensions`);
  }
  if (isChannelsLast(call)) throw call.refuse("a layout with channels last is not covered");
  if (target?.some((size) => size !== 0)) {
    const surplus = kernel.map((size, i) => {
      const full = strides[i]! * (call.fixedSize(call.data, i + 2) - 1) + dilations[i]! * (size - 1) + 1;
      if (target[i] === undefined || full < target[i]!) throw call.invalid("target_shape is larger than what it can give");
      return full - target[i]!;
    });
    adjusts = surplus.map((size) => size % 2);
    pads = surplus.map((size) => Math.floor((size + 1) / 2));
  }
  attributes.ignore("num_filter");
  const bias = attributes.boolean("no_bias", true) ? undefined : call.input(2);
  const settings = {
    kernel_shape: kernel,
    strides,
    dilations,
    pads: [...pads, ...pads],
    output_padding: adjusts,
    group: attributes.integer("num_group", 1),
  };
  return channelsSecond(call, kernel.length, (data) => call.add("ConvTranspose", [data, call.input(1), bias], settings));
};

const fullyConnected: Translate = (call) => {
  const { data, attributes } = call;
  const bias = attributes.boolean("no_bias", false) ? undefined : call.input(2);
  attributes.ignore("num_hidden");
  if (attributes.boolean("flatten", true)) {
    const flat = data.rank === 2 ? data : call.add("Flatten", [data], { axis: 1 });
    return call.add("Gemm", [flat, call.input(1), bias], { transB: 1 });
  }
  const product = call.add("MatMul", [data, call.transpose(call.input(1), [1, 0])]);
  return bias === undefined ? product : call.add("Add", [product, bias]);
};

const activation: Translate = (call) => {
  const name = call.attributes.choice("act_type", undefined, [
    "relu",
    "sigmoid",
    "tanh",
    "softrelu",
    "softsign",
    "log_sigmoid",
    "mish",
  ]);
  const { data } = call;
  if (name === "log_sigmoid") return call.add("Log", [call.add("Sigmoid", [data])]);
  if (name === "mish") return call.add("Mul", [data, call.add("Tanh", [call.add("Softplus", [data])])]);
  const operators = { relu: "Relu", sigmoid: "Sigmoid", tanh: "Tanh", softrelu: "Softplus", softsign: "Softsign" };
  return call.add(operators[name], [data]);
};

const leakyRelu: Translate = (call) => {
  const { data, attributes } = call;
  const kind = attributes.choice("act_type", "leaky", ["leaky", "elu", "selu", "gelu", "prelu", "rrelu"]);
  const slope = attributes.number("slope", 0.25);
  const [low, high] = [attributes.number("lower_bound", 0.125), attributes.number("upper_bound", 0.334)];
  switch (kind) {
    case "leaky":
      return call.add("LeakyRelu", [data], { alpha: float(slope) });
    case "rrelu":
      return call.add("LeakyRelu", [data], { alpha: float((low + high) / 2) });
    case "elu":
      return call.add("Elu", [data], { alpha: float(slope) });
    case "selu":
      return call.add("Selu", [data]);
    case "gelu":
      return gelu(call, data);
    case "prelu":
      return parametricRelu(call);
  }
};

/** A slope for each channel, or one for all. */
function parametricRelu(call: OperatorCall): GraphValue {
  const { data } = call;
  const slopes = call.input(1);
  const [count] = call.sizes(slopes);
  if (call.rank(slopes) !== 1) return call.add("PRelu", [data, slopes]);
  if (count === 1) return call.add("PRelu", [data, slopes]);
  const rank = call.rank();
  return call.add("PRelu", [data, rank <= 2 ? slopes : call.reshape(slopes, [-1, ...Array<number>(rank - 2).fill(1)])]);
}

const embedding: Translate = (call) => {
  const { attributes } = call;
  attributes.ignore("output_dim", "dtype");
  const last = attributes.integer("input_dim") - 1;
  return call.add("Gather", [call.input(1), clippedIndices(call, call.data, call.integers(last))], { axis: 0 });
};

/** Indices as they come, mostly as floats, cut off and held between 0 and `last`. */
export function clippedIndices(call: OperatorCall, indices: GraphValue, last: GraphValue): GraphValue {
  const whole = call.cast(indices, "int64");
  const zero = call.graph.scalar("int64", 0);
  return call.add("Min", [call.add("Max", [whole, zero]), last]);
}

const upSampling: Translate = (call) => {
  const { attributes, data } = call;
  const kind = attributes.choice("sample_type", undefined, ["nearest", "bilinear"]);
  const scale = attributes.integer("scale");
  const filters = attributes.integer("num_filter", 0);
  attributes.ignore("multi_input_mode");
  if (kind === "nearest") {
    if (call.inputs.length > 1) throw call.refuse("several inputs are not covered");
    return call.add("Resize", [data, undefined, call.graph.constant("float32", [4], Float32Array.of(1, 1, scale, scale))], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  }
  const kernel = 2 * scale - (scale % 2);
  const pad = Math.ceil((scale - 1) / 2);
  return call.add("ConvTranspose", [data, call.input(1)], {
    kernel_shape: [kernel, kernel],
    strides: [scale, scale],
    pads: [pad, pad, pad, pad],
    group: filters,
  });
};

/** Layers with weights, and activations. */
export const LAYERS: readonly OperatorEntry[] = [
  operator("Convolution Convolution_v1", convolution, "1 to 3 dimensions, channels second or last"),
  operator("Deconvolution", deconvolution, "channels second; `target_shape` needs the input's sizes"),
  operator("FullyConnected", fullyConnected),
  operator("Activation", activation),
  operator("LeakyReLU", leakyRelu, "leaky, elu, selu, gelu, prelu, rrelu (the mean of its bounds)"),
  operator("Embedding _contrib_SparseEmbedding", embedding, "indices outside are held inside, as MXNet does"),
  operator("UpSampling", upSampling, "nearest of one input, bilinear"),
];
