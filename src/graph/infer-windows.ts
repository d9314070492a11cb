import type { GraphValue, Size } from "./graph-value.ts";
import { integerOf, integersOf, type NodeView, type ValueType } from "./node-view.ts";

/** Convolution: N, outputs, and the windows' number by spatial dimension. */
export function convolved(node: NodeView): readonly ValueType[] {
  const weights = node.inputs[1]?.shape;
  return windowed(node, weights?.[0], weights?.slice(2) ?? []);
}

/** Pooling; a second output holds indices. */
export function pooled(node: NodeView): readonly ValueType[] {
  const [values] = windowed(node, node.first.shape?.[1], integersOf(node.attributes, "kernel_shape") ?? []);
  return [values!, { dtype: "int64", shape: values!.shape }];
}

function windowed({ first, attributes }: NodeView, channels: Size, kernel: readonly Size[]): readonly ValueType[] {
  const { dtype, shape } = first;
  if (shape === undefined) return [{ dtype, shape }];
  const spatial = shape.slice(2).map((size, i) => windows(size, kernel[i], i, shape.length - 2, attributes));
  return [{ dtype, shape: [shape[0], channels, ...spatial] }];
}

function windows(size: Size, kernel: Size, axis: number, spatial: number, attributes: NodeView["attributes"]): Size {
  const stride = integersOf(attributes, "strides")?.[axis] ?? 1;
  const dilation = integersOf(attributes, "dilations")?.[axis] ?? 1;
  const pads = integersOf(attributes, "pads");
  if (typeof size !== "number" || typeof kernel !== "number") return undefined;
  const mode = attributes.auto_pad ?? "NOTSET";
  if (mode === "SAME_UPPER" || mode === "SAME_LOWER") return Math.ceil(size / stride);
  const before = pads?.[axis] ?? 0;
  const room = size + before + (pads?.[axis + spatial] ?? 0) - ((kernel - 1) * dilation + 1);
  if (integerOf(attributes, "ceil_mode", 0) === 0) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  // ONNX Runtime drops a last window that begins behind the input and what is padded before it.
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

/** Transposed convolution. */
export function transposeConvolved({ inputs, first, attributes }: NodeView): readonly ValueType[] {
  const weights: GraphValue["shape"] = inputs[1]?.shape;
  const { dtype, shape } = first;
  if (shape === undefined || weights === undefined) return [{ dtype, shape: undefined }];
  const spatial = shape.length - 2;
  const pads = integersOf(attributes, "pads");
  const sizes = shape.slice(2).map((size, i): Size => {
    const asked = integersOf(attributes, "output_shape")?.at(i - spatial);
    if (asked !== undefined) return asked;
    const kernel = weights[i + 2];
    if (typeof size !== "number" || typeof kernel !== "number") return undefined;
    const stride = integersOf(attributes, "strides")?.[i] ?? 1;
    const dilation = integersOf(attributes, "dilations")?.[i] ?? 1;
    const extra = integersOf(attributes, "output_padding")?.[i] ?? 0;
    return stride * (size - 1) + extra + (kernel - 1) * dilation + 1 - (pads?.[i] ?? 0) - (pads?.[i + spatial] ?? 0);
  });
  const group = integerOf(attributes, "group", 1);
  return [{ dtype, shape: [shape[0], typeof weights[1] === "number" ? weights[1] * group : undefined, ...sizes] }];
}
