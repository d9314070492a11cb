import type { GraphValue } from "../../../graph/graph-value.ts";
import { type AtenCall, type OperatorEntry, operator } from "../aten-call.ts";

/** Sizes of an adaptive average's input and output, multiplied: numbers that are made for it. */
const MOST_SHARES = 2 ** 22;

/** Windows over the last dimensions. */
interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilations: readonly number[];
  /** What lies behind the end in the last window, where sizes are rounded up. */
  readonly behind: readonly number[];
}

function maxPool(dimensions: number, indices: boolean): (call: AtenCall) => GraphValue | readonly GraphValue[] {
  return (call) => {
    const { kernel, strides, padding, dilations, behind } = windowsOf(call, dimensions);
    const pool = (input: GraphValue) =>
      call.add("MaxPool", [input], {
        kernel_shape: [...kernel],
        strides: [...strides],
        pads: [...padding, ...padding.map((pad, i) => pad + behind[i]!)],
        dilations: [...dilations],
      });
    const value = batched(call, dimensions, pool);
    // Where the largest were nobody asks for: a program that does fails by the missing output.
    return indices ? [value] : value;
  };
}

function averagePool(dimensions: number): (call: AtenCall) => GraphValue {
  return (call) => {
    const { kernel, strides, padding, behind } = windowsOf(call, dimensions);
    if (call.has("divisor_override")) throw call.refuse("a divisor_override is not covered");
    if (behind.some((rest) => rest > 0)) throw call.refuse("ceil_mode that cuts a window is not covered");
    const countsPadding = call.truth("count_include_pad", true);
    return batched(call, dimensions, (input) =>
      call.add("AveragePool", [input], {
        kernel_shape: [...kernel],
        strides: [...strides],
        pads: [...padding, ...padding],
        count_include_pad: countsPadding ? 1 : 0,
      }),
    );
  };
}

function windowsOf(call: AtenCall, dimensions: number): Windows {
  const kernel = call.repeated("kernel_size", dimensions);
  const given = call.has("stride") ? call.numbers("stride") : [];
  const strides = given.length === 0 ? kernel : call.repeated("stride", dimensions);
  const padding = call.repeated("padding", dimensions, 0);
  const dilations = call.repeated("dilation", dimensions, 1);
  const roundsUp = call.truth("ceil_mode");
  const behind = kernel.map((size, i) => {
    if (!roundsUp) return 0;
    const reach = dilations[i]! * (size - 1) + 1;
    const length = call.fixedSize("self", i - dimensions) + 2 * padding[i]!;
    let windows = Math.ceil((length - reach) / strides[i]!) + 1;
    // The last window has to begin before the padding behind the end.
    if ((windows - 1) * strides[i]! >= length - padding[i]!) windows--;
    return Math.max(0, (windows - 1) * strides[i]! + reach - length);
  });
  return { kernel, strides, padding, dilations, behind };
}

/** Averages over as many windows as are asked for, of sizes that differ by one where they have to. */
function adaptiveAverage(dimensions: number): (call: AtenCall) => GraphValue {
  return (call) => {
    const wanted = call.repeated("output_size", dimensions);
    if (wanted.every((size) => size === 1)) {
      return batched(call, dimensions, (input) => call.add("GlobalAveragePool", [input]));
    }
    const sizes = wanted.map((_, i) => call.fixedSize("self", i - dimensions));
    if (sizes.every((size, i) => size === wanted[i])) return call.tensor("self");
    if (sizes.every((size, i) => size % wanted[i]! === 0)) {
      const kernel = sizes.map((size, i) => size / wanted[i]!);
      return batched(call, dimensions, (input) => call.add("AveragePool", [input], { kernel_shape: kernel, strides: kernel }));
    }
    return averagedByMatrices(call, sizes, wanted);
  };
}

/** One product with a matrix of shares for each dimension. */
function averagedByMatrices(call: AtenCall, sizes: readonly number[], wanted: readonly number[]): GraphValue {
  const rank = call.rank("self");
  if (sizes.some((size, i) => size * wanted[i]! > MOST_SHARES))
    throw call.refuse(`more than ${MOST_SHARES} shares are not covered`);
  let value = call.tensor("self");
  for (const [i, size] of sizes.entries()) {
    const axis = rank - sizes.length + i;
    const order = Array.from({ length: rank }, (_, at) => (at === axis ? rank - 1 : at === rank - 1 ? axis : at));
    const shares = call.floats(sharesOf(size, wanted[i]!), call.dtype);
    const matrix = call.reshape(shares, [size, wanted[i]!]);
    value = call.transpose(call.add("MatMul", [call.transpose(value, order), matrix]), order);
  }
  return value;
}

function sharesOf(size: number, wanted: number): number[] {
  const shares = Array.from({ length: size * wanted }, () => 0);
  for (let window = 0; window < wanted; window++) {
    const start = Math.floor((window * size) / wanted);
    const end = Math.ceil(((window + 1) * size) / wanted);
    for (let i = start; i < end; i++) shares[i * wanted + window] = 1 / (end - start);
  }
  return shares;
}

function adaptiveMax(dimensions: number): (call: AtenCall) => readonly GraphValue[] {
  return (call) => {
    const wanted = call.repeated("output_size", dimensions);
    if (wanted.every((size) => size === 1)) {
      return [batched(call, dimensions, (input) => call.add("GlobalMaxPool", [input]))];
    }
    const kernel = wanted.map((size, i) => {
      const whole = call.fixedSize("self", i - dimensions);
      if (whole % size !== 0) throw call.refuse(`a size of ${whole} that is no multiple of ${size} is not covered`);
      return whole / size;
    });
    return [batched(call, dimensions, (input) => call.add("MaxPool", [input], { kernel_shape: kernel, strides: kernel }))];
  };
}

/** ONNX wants a batch, torch takes a single one too. */
function batched(call: AtenCall, dimensions: number, make: (input: GraphValue) => GraphValue): GraphValue {
  const input = call.tensor("self");
  if (call.rank("self") === dimensions + 2) return make(input);
  return call.squeeze(make(call.unsqueeze(input, 0)), 0);
}

/** Pooling. */
export const POOLING: readonly OperatorEntry[] = [1, 2, 3].flatMap((dimensions) => [
  operator(`max_pool${dimensions}d`, maxPool(dimensions, false)),
  operator(`max_pool${dimensions}d_with_indices`, maxPool(dimensions, true), "without the indices"),
  operator(`avg_pool${dimensions}d`, averagePool(dimensions), "without divisor_override"),
  operator(`adaptive_avg_pool${dimensions}d _adaptive_avg_pool${dimensions}d`, adaptiveAverage(dimensions)),
  operator(`adaptive_max_pool${dimensions}d`, adaptiveMax(dimensions), "without the indices; to sizes that divide the input's"),
]);
