import { float } from "../../../graph/graph-node.ts";
import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";

const TRAINING = "it normalises by its batch: export the model after model.eval()";

function batchNorm(call: AtenCall): GraphValue {
  call.ignore("momentum", "cudnn_enabled");
  if (call.truth("training")) throw call.refuse(TRAINING);
  const input = call.tensor("input");
  const mean = call.optionalTensor("running_mean");
  const variance = call.optionalTensor("running_var");
  if (mean === undefined || variance === undefined) throw call.refuse(TRAINING);
  const channels = call.fixedSize("running_mean", 0);
  const { dtype } = call;
  const weight = call.optionalTensor("weight") ?? call.filled(1, dtype, [channels]);
  const bias = call.optionalTensor("bias") ?? call.filled(0, dtype, [channels]);
  return call.add("BatchNormalization", [input, weight, bias, mean, variance], { epsilon: float(call.number("eps")) });
}

function instanceNorm(call: AtenCall): GraphValue {
  call.ignore("momentum", "cudnn_enabled", "running_mean", "running_var");
  if (!call.truth("use_input_stats", true)) throw call.refuse("running statistics are not covered");
  const channels = call.fixedSize("input", 1);
  const { dtype } = call;
  const weight = call.optionalTensor("weight") ?? call.filled(1, dtype, [channels]);
  const bias = call.optionalTensor("bias") ?? call.filled(0, dtype, [channels]);
  return call.add("InstanceNormalization", [call.tensor("input"), weight, bias], { epsilon: float(call.number("eps")) });
}

function layerNorm(call: AtenCall): GraphValue {
  call.ignore("cudnn_enable");
  const sizes = call.numbers("normalized_shape");
  const { dtype } = call;
  return call.add(
    "LayerNormalization",
    [call.tensor("input"), call.optionalTensor("weight") ?? call.filled(1, dtype, sizes), call.optionalTensor("bias")],
    {
      axis: -sizes.length,
      epsilon: float(call.number("eps", 1e-5)),
    },
  );
}

function rmsNorm(call: AtenCall): GraphValue {
  const sizes = call.numbers("normalized_shape");
  const { dtype } = call;
  // As torch: the smallest step of the type where none is given.
  if (!call.has("eps") && dtype !== "float32" && dtype !== "float64") {
    throw call.refuse("without an eps, which differs from one torch to the next, it is covered for 32 and 64 bits only");
  }
  const epsilon = call.number("eps", dtype === "float64" ? 2 ** -52 : 2 ** -23);
  const input = call.tensor("input");
  const axes = sizes.map((_, i) => i - sizes.length);
  const mean = call.add("ReduceMean", [call.add("Mul", [input, input])], { axes, keepdims: 1 });
  const scale = call.add("Sqrt", [call.add("Add", [mean, call.scalar(epsilon, dtype)])]);
  const value = call.add("Div", [input, scale]);
  const weight = call.optionalTensor("weight");
  return weight === undefined ? value : call.add("Mul", [value, weight]);
}

/** Each group of channels as one. */
function groupNorm(call: AtenCall, groups: number): GraphValue {
  const { dtype } = call;
  const input = call.tensor("input");
  const rank = call.rank("input");
  const channels = call.fixedSize("input", 1);
  // A size of 0 is that of the input here.
  const grouped = call.add("Reshape", [input, call.integers(0, groups, -1)]);
  const ones = call.filled(1, dtype, [groups]);
  const zeros = call.filled(0, dtype, [groups]);
  const normal = call.add("InstanceNormalization", [grouped, ones, zeros], { epsilon: float(call.number("eps", 1e-5)) });
  const value = call.add("Reshape", [normal, call.shapeOf(input)]);
  const shape = [channels, ...Array<number>(rank - 2).fill(1)];
  const weight = call.optionalTensor("weight");
  const bias = call.optionalTensor("bias");
  const scaled = weight === undefined ? value : call.add("Mul", [value, call.reshape(weight, shape)]);
  return bias === undefined ? scaled : call.add("Add", [scaled, call.reshape(bias, shape)]);
}

function localResponse(call: AtenCall): GraphValue {
  return call.add("LRN", [call.tensor("self")], {
    size: call.integer("size"),
    alpha: float(call.number("alpha", 1e-4)),
    beta: float(call.number("beta", 0.75)),
    bias: float(call.number("k", 1)),
  });
}

/** Weights as a direction and a length. */
function weightNorm(call: AtenCall): GraphValue {
  const rank = call.rank("v");
  const dim = call.integer("dim", 0);
  const axes = Array.from({ length: rank }, (_, i) => i).filter((axis) => dim === -1 || axis !== call.axis(dim, rank));
  const v = call.tensor("v");
  return call.add("Mul", [v, call.add("Div", [call.tensor("g"), call.add("ReduceL2", [v], { axes, keepdims: 1 })])]);
}

/** Normalisation. */
export const NORMALIZATION: readonly OperatorEntry[] = [
  operator("batch_norm", batchNorm, "outside of training"),
  operator("_native_batch_norm_legit_no_training", (call) => [batchNorm(call)]),
  operator("instance_norm", instanceNorm, "by the input's statistics"),
  operator("layer_norm", layerNorm),
  operator("native_layer_norm", (call) => [layerNorm(call)], "the first output"),
  operator("rms_norm", rmsNorm),
  operator("group_norm", (call) => {
    call.ignore("cudnn_enabled");
    return groupNorm(call, call.integer("num_groups"));
  }),
  operator(
    "native_group_norm",
    (call) => {
      call.ignore("N", "C", "HxW");
      return [groupNorm(call, call.integer("group"))];
    },
    "the first output",
  ),
  operator("local_response_norm", localResponse),
  operator("_weight_norm", weightNorm),
  operator("_weight_norm_interface", (call) => [weightNorm(call)], "the first output"),
];
