import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Call, Translation } from "../call.ts";
import { inNchw, shapedLike } from "./layout.ts";
import { asMatrix } from "./matrix.ts";

function batchNormalized(call: Call): GraphValue {
  const { args, first: x } = call;
  if (!args.flag("is_test")) {
    throw call.unimplemented("it has no is_test=1, so it normalizes by the statistics of what it is given, as in training");
  }
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((place) => call.input(place)) as [
    GraphValue,
    GraphValue,
    GraphValue,
    GraphValue,
  ];
  const epsilon = args.float("epsilon", 1e-5);
  if (!call.isNhwc) return call.add("BatchNormalization", [x, scale, bias, mean, variance], { epsilon: float(epsilon) });
  // Channels are last, where broadcasting meets them, whatever the number of dimensions.
  const deviation = call.add("Sqrt", [call.add("Add", [variance, call.scalarLike(variance, epsilon)])]);
  const factor = call.add("Div", [scale, deviation]);
  const offset = call.add("Sub", [bias, call.add("Mul", [mean, factor])]);
  return call.add("Add", [call.add("Mul", [x, factor]), offset]);
}

function localResponse(call: Call): GraphValue {
  const { args } = call;
  const attributes = {
    size: args.integer("size", 0),
    alpha: float(args.float("alpha", 0)),
    beta: float(args.float("beta", 0)),
    bias: float(args.float("bias", 1)),
  };
  return inNchw(call, (x) => call.add("LRN", [x], attributes));
}

function instanceNormalized(call: Call): GraphValue {
  const epsilon = float(call.args.float("epsilon", 1e-5));
  return inNchw(call, (x) => call.add("InstanceNormalization", [x, call.input(1), call.input(2)], { epsilon }));
}

function layerNormalized(call: Call): GraphValue {
  const { args, first: x } = call;
  const rows = asMatrix(call, x, args.integer("axis", 1));
  const centered = call.add("Sub", [rows, call.add("ReduceMean", [rows], { axes: [1] })]);
  const variance = call.add("ReduceMean", [call.add("Mul", [centered, centered])], { axes: [1] });
  const deviation = call.add("Sqrt", [call.add("Add", [variance, call.scalarLike(x, args.float("epsilon", 1e-5))])]);
  let y = call.add("Div", [centered, deviation]);
  if (args.flag("elementwise_affine")) {
    const [scale, bias] = [1, 2].map((place) => asMatrix(call, call.input(place), 0));
    y = call.add("Add", [call.add("Mul", [y, scale]), bias]);
  }
  return shapedLike(call, y, x);
}

function groupNormalized(call: Call): GraphValue {
  const { args, graph } = call;
  const groups = args.integer("num_groups", args.integer("group", 32));
  const filled = (value: number) => graph.constant("float32", [groups], new Float32Array(groups).fill(value));
  if (groups < 1 || groups > 65_536) throw call.invalid(`argument "group" is ${groups}`);
  const epsilon = float(args.float("epsilon", 1e-5));
  return inNchw(call, (x) => {
    const grouped = call.add("Reshape", [x, graph.integers([0, groups, -1])]);
    const normal = shapedLike(call, call.add("InstanceNormalization", [grouped, filled(1), filled(0)], { epsilon }), x);
    const [scale, bias] = [1, 2].map((place) => {
      const value = call.input(place);
      const behind = Array.from({ length: (x.rank ?? 4) - 2 }, (_, i) => i + 1);
      return behind.length === 0 ? value : call.add("Unsqueeze", [value, graph.integers(behind)]);
    });
    return call.add("Add", [call.add("Mul", [normal, scale]), bias]);
  });
}

/** Over all dimensions from an axis on, as if they were one. */
function softmax(call: Call): GraphValue {
  const { first: x } = call;
  const axis = call.args.integer("axis", 1);
  const last = x.rank !== undefined && (axis === x.rank - 1 || axis === -1);
  if (last) return call.add("Softmax", [x], { axis: -1 });
  return shapedLike(call, call.add("Softmax", [call.add("Flatten", [x], { axis })], { axis: -1 }), x);
}

function normalized(call: Call): GraphValue {
  const { args, first: x } = call;
  const axes = [args.integer("axis", -1)];
  if (call.type === "NormalizeL1") return call.add("Div", [x, call.add("ReduceL1", [x], { axes })]);
  const norm = call.add("Max", [call.add("ReduceL2", [x], { axes }), call.scalarLike(x, 1e-12)]);
  return call.add("Div", [x, norm]);
}

/** Operators that normalize. */
export const NORMALIZING_OPERATORS: Readonly<Record<string, Translation>> = {
  SpatialBN: {
    translate: batchNormalized,
    inputs: "keeps",
    byproducts: 1,
    note: "with `is_test` only; both orders",
  },
  LRN: { translate: localResponse, inputs: "keeps", byproducts: 1, note: "both orders; the scale is no output" },
  InstanceNorm: {
    translate: instanceNormalized,
    inputs: "keeps",
    byproducts: 1,
    note: "both orders; mean and deviation are no outputs",
  },
  LayerNorm: {
    translate: layerNormalized,
    inputs: "keeps",
    byproducts: 1,
    note: "with and without `elementwise_affine`; mean and deviation are no outputs",
  },
  GroupNorm: {
    translate: groupNormalized,
    inputs: "keeps",
    byproducts: 1,
    note: "both orders; mean and deviation are no outputs",
  },
  Softmax: { translate: softmax, inputs: "keeps", note: "over all dimensions from `axis` on together" },
  Normalize: { translate: normalized, inputs: "keeps" },
  NormalizeL1: { translate: normalized, inputs: "keeps" },
};
