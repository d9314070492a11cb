import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";

/** What a convolution goes by, beside its operands. */
interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
}

function convolution(dimensions: number): (call: AtenCall) => GraphValue {
  return (call) => {
    const window = windowOf(call, dimensions);
    const padding = call.repeated("padding", dimensions, 0);
    return convolved(call, dimensions, window, { pads: [...padding, ...padding] });
  };
}

/** With padding by a word. */
function paddedConvolution(dimensions: number): (call: AtenCall) => GraphValue {
  return (call) => {
    const window = windowOf(call, dimensions);
    const word = call.text("padding", "valid");
    if (word === "valid") return convolved(call, dimensions, window, {});
    if (word !== "same") throw call.refuse(`padding "${word}" is not covered`);
    const weight = call.sizes("weight").slice(2);
    const totals = window.dilations.map((dilation, i) => {
      const size = weight[i];
      if (typeof size !== "number") throw call.refuse("its weight must have a fixed size");
      return dilation * (size - 1);
    });
    const before = totals.map((total) => Math.floor(total / 2));
    return convolved(call, dimensions, window, { pads: [...before, ...totals.map((total, i) => total - before[i]!)] });
  };
}

function transposed(dimensions: number): (call: AtenCall) => GraphValue {
  return (call) => {
    const padding = call.repeated("padding", dimensions, 0);
    const outputPadding = call.repeated("output_padding", dimensions, 0);
    return transposedConvolved(call, dimensions, windowOf(call, dimensions), padding, outputPadding);
  };
}

/** Either of both, as programs in core operations have it. */
function anyConvolution(call: AtenCall): GraphValue {
  const dimensions = call.rank("weight") - 2;
  const window = windowOf(call, dimensions);
  const padding = call.repeated("padding", dimensions, 0);
  const outputPadding = call.repeated("output_padding", dimensions, 0);
  if (call.truth("transposed")) return transposedConvolved(call, dimensions, window, padding, outputPadding);
  return convolved(call, dimensions, window, { pads: [...padding, ...padding] });
}

function windowOf(call: AtenCall, dimensions: number): Window {
  return {
    strides: call.repeated("stride", dimensions, 1),
    dilations: call.repeated("dilation", dimensions, 1),
    group: call.integer("groups", 1),
  };
}

function convolved(call: AtenCall, dimensions: number, window: Window, more: { readonly pads?: readonly number[] }): GraphValue {
  return batched(call, dimensions, (input) =>
    call.add("Conv", [input, call.tensor("weight"), call.optionalTensor("bias")], { ...window, ...more }),
  );
}

function transposedConvolved(
  call: AtenCall,
  dimensions: number,
  window: Window,
  padding: readonly number[],
  outputPadding: readonly number[],
): GraphValue {
  return batched(call, dimensions, (input) =>
    call.add("ConvTranspose", [input, call.tensor("weight"), call.optionalTensor("bias")], {
      ...window,
      pads: [...padding, ...padding],
      output_padding: [...outputPadding],
    }),
  );
}

/** ONNX wants a batch, torch takes a single one too. */
function batched(call: AtenCall, dimensions: number, make: (input: GraphValue) => GraphValue): GraphValue {
  const input = call.tensor("input");
  if (call.rank("input") === dimensions + 2) return make(input);
  return call.squeeze(make(call.unsqueeze(input, 0)), 0);
}

/** Convolutions. */
export const CONVOLUTIONS: readonly OperatorEntry[] = [
  ...[1, 2, 3].flatMap((dimensions) => [
    operator(`conv${dimensions}d`, convolution(dimensions)),
    operator(`conv${dimensions}d.padding`, paddedConvolution(dimensions)),
    operator(`conv_transpose${dimensions}d`, transposed(dimensions)),
  ]),
  operator("convolution", anyConvolution),
];
