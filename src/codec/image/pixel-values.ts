import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../../tensor/dtype.ts";
import { toBfloat16Bits, toFloat16Bits } from "../json/half.ts";
import type { ChannelOrder, ImageRules } from "./image-rules.ts";
import { CHANNEL_COUNT } from "./pixel-input.ts";
import { roundHalfEven } from "./placement.ts";

/** For each channel, what each value of 0 to 255 becomes: arrays of 256 elements of the tensor's type. */
export type ValueTables = readonly NumericArray[];

/** Doubles do not tell larger whole numbers apart. */
const LARGEST_EXACT = Number.MAX_SAFE_INTEGER;

const FLOATS: ReadonlySet<NumericDType> = new Set(["float16", "bfloat16", "float32", "float64"] as const);

/**
 * What values become by the rules: `(value * scale - mean) / std`. Without a scale, floats are 0 to 1 and integers stay 0 to 255;
 * int8, which cannot hold them, is -128 to 127. What is no whole number is rounded for an integer type, halves to even, and kept in
 * its range.
 * @throws ServingError invalid-argument when there are not as many means or deviations as channels, or a mean that cannot be meant.
 */
export function valueTables(dtype: NumericDType, channels: ChannelOrder, rules: ImageRules): ValueTables {
  const count = CHANNEL_COUNT[channels];
  const float = FLOATS.has(dtype);
  const { scale = { times: 1, over: float ? 255 : 1 }, std = [1] } = rules;
  const mean = rules.mean ?? [dtype === "int8" && rules.scale === undefined ? 128 : 0];
  for (const [name, values] of [
    ["mean", mean],
    ["std", std],
  ] as const) {
    if (values.length !== 1 && values.length !== count) {
      throw invalid(`image rule ${name} has ${values.length} numbers, must have 1 or ${count}: one for each channel`);
    }
  }
  if (float && rules.scale === undefined && mean.some((value) => Math.abs(value) > 1)) {
    throw invalid("image rule mean is above 1, but values are 0 to 1 before it is taken away: add scale=1 to have them 0 to 255");
  }
  return Array.from({ length: count }, (_, channel) => {
    const from = mean[mean.length === 1 ? 0 : channel];
    const by = std[std.length === 1 ? 0 : channel];
    return table(dtype, (value) => ((value * scale.times) / scale.over - from) / by);
  });
}

function table(dtype: NumericDType, convert: (value: number) => number): NumericArray {
  const { array, bytes } = ARRAY_TYPES[dtype];
  const elements = new array(256);
  const lowest = dtype.startsWith("u") ? 0 : -(2 ** (bytes * 8 - 1));
  const highest = lowest + 2 ** (bytes * 8) - 1;
  for (let i = 0; i < 256; i++) {
    const value = convert(i);
    if (dtype === "float16") elements[i] = toFloat16Bits(value);
    else if (dtype === "bfloat16") elements[i] = toBfloat16Bits(value);
    else if (FLOATS.has(dtype)) elements[i] = value;
    else if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
      elements[i] = BigInt(Math.min(Math.max(roundHalfEven(value), Math.max(lowest, -LARGEST_EXACT)), LARGEST_EXACT));
    } else elements[i] = Math.min(Math.max(roundHalfEven(value), lowest), highest);
  }
  return elements;
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
