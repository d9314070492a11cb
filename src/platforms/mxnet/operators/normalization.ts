import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { type OperatorCall, type OperatorEntry, operator, type Translate } from "../operator-call.ts";

/** As inference does it, by the moving mean and variance. */
function normalizeBatch(call: OperatorCall): GraphValue {
  const { attributes, data } = call;
  const epsilon = attributes.number("eps", 1e-3);
  const axis = attributes.integer("axis", 1);
  const fixed = attributes.boolean("fix_gamma", true);
  attributes.ignore("momentum", "use_global_stats", "output_mean_var", "key", "ndev");
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => call.input(i)) as [
    GraphValue,
    GraphValue,
    GraphValue,
    GraphValue,
  ];
  // What is stored for a fixed gamma may be anything.
  const scale = fixed ? call.add("Expand", [call.scalar(1, gamma), call.integers(call.fixedSize(gamma, 0))]) : gamma;
  // The parameters of a network of 16-bit floats may be of 32 bits.
  const mixed = data.dtype !== mean.dtype;
  const input = mixed ? call.cast(data, mean.dtype) : data;
  const second = axis === 1 || (axis === -1 && data.rank === 2);
  const output = second
    ? call.add("BatchNormalization", [input, scale, beta, mean, variance], { epsilon: float(epsilon) })
    : normalizeAlong(call, input, { axis, scale, beta, mean, variance, epsilon });
  return mixed ? call.cast(output, data.dtype) : output;
}

function normalizeAlong(
  call: OperatorCall,
  data: GraphValue,
  parts: {
    readonly axis: number;
    readonly scale: GraphValue;
    readonly beta: GraphValue;
    readonly mean: GraphValue;
    readonly variance: GraphValue;
    readonly epsilon: number;
  },
): GraphValue {
  const behind = parts.axis === -1 ? 0 : call.rank(data) - 1 - call.axis(parts.axis, call.rank(data));
  const spread = (value: GraphValue) => (behind === 0 ? value : call.reshape(value, [-1, ...Array<number>(behind).fill(1)]));
  const deviation = call.add("Sqrt", [call.add("Add", [parts.variance, call.scalar(parts.epsilon, parts.variance)])]);
  const scaled = call.add("Mul", [
    call.add("Sub", [data, spread(parts.mean)]),
    spread(call.add("Div", [parts.scale, deviation])),
  ]);
  return call.add("Add", [scaled, spread(parts.beta)]);
}

const layerNorm: Translate = (call) => {
  const { attributes, data } = call;
  const settings = { axis: -1, epsilon: float(attributes.number("eps", 1e-5)) };
  const axis = attributes.integer("axis", -1);
  if (attributes.boolean("output_mean_var", false)) throw call.refuse("output_mean_var is not covered");
  const normalize = (value: GraphValue) => call.add("LayerNormalization", [value, call.input(1), call.input(2)], settings);
  if (axis === -1 || call.axis(axis, call.rank()) === call.rank() - 1) return normalize(data);
  // There and back is the same exchange of two dimensions.
  const order = Array.from({ length: call.rank() }, (_, i) => i);
  const at = call.axis(axis, call.rank());
  order[at] = call.rank() - 1;
  order[call.rank() - 1] = at;
  return call.transpose(normalize(call.transpose(data, order)), order);
};

const instanceNorm: Translate = (call) =>
  call.add("InstanceNormalization", [call.data, call.input(1), call.input(2)], {
    epsilon: float(call.attributes.number("eps", 1e-3)),
  });

/** As groups of channels are instances of their own; gamma and beta are the groups', since MXNet 2 the channels'. */
const groupNorm: Translate = (call) => {
  const { attributes, data } = call;
  const groups = attributes.integer("num_groups", 1);
  if (attributes.boolean("output_mean_var", false)) throw call.refuse("output_mean_var is not covered");
  const [gamma, beta] = [call.input(1), call.input(2)];
  if (!(groups > 0 && call.fixedSize(gamma, 0) % groups === 0)) throw call.invalid(`num_groups is ${groups}`);
  const apart = call.reshape(data, [0, groups, -1]);
  const settings = { epsilon: float(attributes.number("eps", 1e-5)) };
  const shape = call.shapeOf(data);
  if (call.fixedSize(gamma, 0) === groups) {
    return call.reshape(call.add("InstanceNormalization", [apart, gamma, beta], settings), shape);
  }
  const spread = (value: GraphValue) => call.reshape(value, [-1, ...Array<number>(call.rank() - 2).fill(1)]);
  const filled = (value: number) => call.floats(Array<number>(groups).fill(value), data);
  const plain = call.reshape(call.add("InstanceNormalization", [apart, filled(1), filled(0)], settings), shape);
  return call.add("Add", [call.add("Mul", [plain, spread(gamma)]), spread(beta)]);
};

const l2Normalization: Translate = (call) => {
  const { attributes, data } = call;
  const mode = attributes.choice("mode", "instance", ["instance", "channel", "spatial"]);
  const rank = mode === "channel" ? 2 : call.rank();
  const axes = { instance: [1, rank], channel: [1, 2], spatial: [2, rank] }[mode] as [number, number];
  const over = call.integers(...Array.from({ length: axes[1] - axes[0] }, (_, i) => axes[0] + i));
  const sum = call.add("ReduceSum", [call.add("Mul", [data, data]), over], { keepdims: 1 });
  const length = call.add("Sqrt", [call.add("Add", [sum, call.scalar(attributes.number("eps", 1e-10), data)])]);
  return call.add("Div", [data, length]);
};

const responseNorm: Translate = (call) => {
  const { attributes } = call;
  return call.add("LRN", [call.data], {
    size: attributes.integer("nsize"),
    alpha: float(attributes.number("alpha", 1e-4)),
    beta: float(attributes.number("beta", 0.75)),
    bias: float(attributes.number("knorm", 2)),
  });
};

/** Softmax along an axis of values divided by a temperature. */
const softmaxBy =
  (operatorName: "Softmax" | "LogSoftmax", negated = false): Translate =>
  (call) => {
    const { attributes } = call;
    const axis = attributes.integer("axis", -1);
    const temperature = attributes.number("temperature", 1) * (negated ? -1 : 1);
    const dtype = attributes.dtype("dtype");
    if (attributes.boolean("use_length", false)) return softmaxOfLengths(call, axis, temperature, operatorName);
    const scaled = temperature === 1 ? call.data : call.add("Div", [call.data, call.scalar(temperature, call.data)]);
    return call.add(operatorName, [dtype === undefined ? scaled : call.cast(scaled, dtype)], { axis });
  };

/** Of the first elements of each row, as many as its length says; the others are 0. */
function softmaxOfLengths(call: OperatorCall, axis: number, temperature: number, operatorName: string): GraphValue {
  const { data } = call;
  const rank = call.rank();
  const at = call.axis(axis, rank);
  if (operatorName !== "Softmax") throw call.refuse("use_length is not covered");
  const lengths = call.add("Unsqueeze", [call.cast(call.input(1), "int64"), call.integers(at)]);
  const places = range(call, call.sizeOf(data, at));
  const spread = call.reshape(places, [...Array<number>(at).fill(1), -1, ...Array<number>(rank - 1 - at).fill(1)]);
  const inside = call.add("Less", [spread, lengths]);
  const scaled = call.add("Div", [data, call.scalar(temperature, data)]);
  const masked = call.add("Where", [inside, scaled, call.scalar(-1e30, data)]);
  return call.add("Where", [inside, call.add("Softmax", [masked], { axis: at }), call.scalar(0, data)]);
}

/** 0, 1 ... below a size that is a list of one. */
export function range(call: OperatorCall, size: GraphValue): GraphValue {
  const number = call.add("Squeeze", [size, call.integers(0)]);
  return call.add("Range", [call.graph.scalar("int64", 0), number, call.graph.scalar("int64", 1)]);
}

/** Its label is left out. */
const softmaxOutput: Translate = (call) => {
  const { attributes, data } = call;
  attributes.ignore("ignore_label", "use_ignore", "normalization", "out_grad", "smooth_alpha");
  if (attributes.boolean("multi_output", false)) return call.add("Softmax", [data], { axis: 1 });
  if (attributes.boolean("preserve_shape", false) || data.rank === 2) return call.add("Softmax", [data], { axis: -1 });
  return flatSoftmax(call);
};

/** Of all that an instance has. */
function flatSoftmax(call: OperatorCall): GraphValue {
  const flat = call.add("Softmax", [call.add("Flatten", [call.data], { axis: 1 })], { axis: -1 });
  return call.reshape(flat, call.shapeOf(call.data));
}

const softmaxActivation: Translate = (call) => {
  const mode = call.attributes.choice("mode", "instance", ["instance", "channel"]);
  return call.add("Softmax", [call.data], { axis: mode === "channel" ? 1 : -1 });
};

const MOMENTS = ["output", "mean", "var"];

/** Normalization, and softmax. */
export const NORMALIZATION: readonly OperatorEntry[] = [
  operator(
    "BatchNorm BatchNorm_v1 CuDNNBatchNorm _contrib_SyncBatchNorm",
    normalizeBatch,
    "by the moving mean and variance",
    MOMENTS,
  ),
  operator("_contrib_BatchNormWithReLU", (call) => call.add("Relu", [normalizeBatch(call)]), "", MOMENTS),
  operator("LayerNorm", layerNorm, "", ["output", "mean", "std"]),
  operator("InstanceNorm", instanceNorm, "", MOMENTS),
  operator("GroupNorm", groupNorm, "", ["output", "mean", "std"]),
  operator("L2Normalization", l2Normalization, "", ["output", "norm"]),
  operator("LRN", responseNorm, "", ["output", "tmp_norm"]),
  operator("softmax", softmaxBy("Softmax")),
  operator("log_softmax", softmaxBy("LogSoftmax"), "not: use_length"),
  operator("softmin", softmaxBy("Softmax", true)),
  operator("SoftmaxOutput Softmax", softmaxOutput, "the label is left out"),
  operator("SoftmaxActivation", softmaxActivation),
];
