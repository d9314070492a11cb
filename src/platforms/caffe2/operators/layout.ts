import type { GraphValue } from "../../../graph/graph-value.ts";
import type { Call, InputNeed } from "../call.ts";

/** Puts channels in front of the spatial dimensions: (N, H, W, C) to (N, C, H, W), also for weights (M, kH, kW, C). */
export function toNchw(call: Call, value: GraphValue, rank = 4): GraphValue {
  const last = (value.rank ?? rank) - 1;
  return call.add("Transpose", [value], { perm: [0, last, ...Array.from({ length: last - 1 }, (_, i) => i + 1)] });
}

/** The way back. */
export function toNhwc(call: Call, value: GraphValue, rank = 4): GraphValue {
  const last = (value.rank ?? rank) - 1;
  return call.add("Transpose", [value], { perm: [0, ...Array.from({ length: last - 1 }, (_, i) => i + 2), 1] });
}

/** Computes on the first input as NCHW, whatever the operator's order. `rank` where the input's is not known. */
export function inNchw(call: Call, compute: (value: GraphValue) => GraphValue, rank = 4): GraphValue {
  if (!call.isNhwc) return compute(call.first);
  return toNhwc(call, compute(toNchw(call, call.first, rank)), rank);
}

/**
 * A value with dimensions of 1 behind its own, so that its first dimension meets `axis` of another in broadcasting. The axis counts from
 * the front.
 */
export function alignedAt(call: Call, value: GraphValue, other: GraphValue, axis: number): GraphValue {
  if (value.rank !== undefined && other.rank !== undefined) {
    const behind = other.rank - axis - value.rank;
    if (behind < 0)
      throw call.invalid(`a tensor of ${value.rank} dimensions does not fit one of ${other.rank} from axis ${axis}`);
    if (behind === 0) return value;
    const axes = Array.from({ length: behind }, (_, i) => value.rank! + i);
    return call.add("Unsqueeze", [value, call.graph.integers(axes)]);
  }
  const sizes = call.sizesOf(value);
  const behind = call.add("Sub", [
    call.add("Sub", [call.add("Shape", [call.sizesOf(other)]), call.add("Shape", [sizes])]),
    call.graph.integers([axis]),
  ]);
  const ones = call.add("ConstantOfShape", [behind], { value: { dtype: "int64", shape: [1], data: BigInt64Array.of(1n) } });
  return call.add("Reshape", [value, call.add("Concat", [sizes, ones], { axis: 0 })]);
}

/** One value by channel, (C), so that it meets the channels of `x`, the operator's first input. */
export function byChannel(call: Call, value: GraphValue, x: GraphValue): GraphValue {
  return call.isNhwc ? value : alignedAt(call, value, x, 1);
}

/** Puts a tensor back into the shape of another, which it had before. */
export function shapedLike(call: Call, value: GraphValue, other: GraphValue): GraphValue {
  const { shape } = other;
  const options = { outputs: [{ dtype: value.dtype, shape }] };
  const inferred = shape?.map((size) => (typeof size === "number" ? size : -1));
  // One size may be left to be found; more have to be asked for.
  if (inferred !== undefined && inferred.filter((size) => size === -1).length <= 1 && !inferred.includes(0)) {
    return call.graph.add("Reshape", [value, call.graph.integers(inferred)], {}, options);
  }
  return call.graph.add("Reshape", [value, call.sizesOf(other)], {}, options);
}

/** What an image has to be, of `channels`, with `spatial` dimensions. */
export function imageNeed(isNhwc: boolean, channels: number | undefined, spatial: number): InputNeed {
  const free = Array.from({ length: spatial }, () => undefined);
  return { dtype: "float32", shape: isNhwc ? ["batch", ...free, channels] : ["batch", channels, ...free] };
}
