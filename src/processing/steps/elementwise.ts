import { ServingError } from "../../base/serving-error.ts";
import type { NumericTensor, Tensor } from "../../tensor/tensor.ts";
import { floatFor, integerRange, isBig, isFloat, newArray, newReals, numbersOf, packReals, realType } from "../numbers.ts";
import { type Planner, unaryPlan } from "../step.ts";
import { castTensor, roundHalfEven } from "./cast.ts";

/** No number below `min` or above `max`; NaN stays. */
export const planClip: Planner<"clip"> = ({ input, output, min, max }, scope) => {
  const source = scope.read(input);
  const dtype = realType(source.dtype);
  if (min === undefined && max === undefined) throw invalid("expected min, max, or both");
  if (min !== undefined && max !== undefined && min > max) throw invalid(`min is ${min}, above max, ${max}`);
  if (isFloat(dtype)) {
    const [low, high] = [min ?? -Infinity, max ?? Infinity];
    return unaryPlan(source, output, source, (tensor) => {
      const numbers = numbersOf(tensor as NumericTensor);
      const reals = newReals(dtype, numbers.length);
      for (let i = 0; i < numbers.length; i++) {
        let number = numbers[i]!;
        if (number < low) number = low;
        if (number > high) number = high;
        reals[i] = number;
      }
      return { dtype, shape: tensor.shape, data: packReals(dtype, reals) };
    });
  }
  const [least, most] = integerRange(dtype);
  const bound = (name: string, value: number | undefined, otherwise: bigint): bigint => {
    if (value === undefined) return otherwise;
    if (Number.isInteger(value) && BigInt(value) >= least && BigInt(value) <= most) return BigInt(value);
    throw invalid(`${name} is ${value}, which ${dtype} does not have`);
  };
  const [low, high] = [bound("min", min, least), bound("max", max, most)];
  const [from, to] = isBig(dtype) ? [low, high] : [Number(low), Number(high)];
  return unaryPlan(source, output, source, (tensor) => {
    const { data, shape } = tensor as NumericTensor;
    const clipped = newArray(dtype, data.length);
    for (let i = 0; i < data.length; i++) {
      let number = data[i]!;
      if (number < from) number = from;
      if (number > to) number = to;
      clipped[i] = number as never;
    }
    return { dtype, shape, data: clipped };
  });
};

/** To so many decimals, ties to even; integers stay as they are. */
export const planRound: Planner<"round"> = ({ input, output, digits = 0 }, scope) => {
  const source = scope.read(input);
  const dtype = realType(source.dtype);
  const power = 10 ** digits;
  return unaryPlan(source, output, source, (tensor) => {
    if (!isFloat(dtype)) return tensor;
    return mapped(tensor as NumericTensor, (number) => {
      const rounded = roundHalfEven(number * power) / power;
      // What is too large to be multiplied has no decimals.
      return Number.isFinite(rounded) || !Number.isFinite(number) ? rounded : number;
    });
  });
};

/** 1 / (1 + e^-x). */
export const planSigmoid: Planner<"sigmoid"> = ({ input, output }, scope) => {
  const source = scope.read(input);
  const dtype = floatFor(realType(source.dtype));
  return unaryPlan(source, output, { ...source, dtype }, (tensor) => mapped(tensor as NumericTensor, sigmoid));
};

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Whether a number is `at` or more, as bool or as 1 and 0 of another type; NaN is not. */
export const planThreshold: Planner<"threshold"> = ({ input, output, at = 0.5, dtype = "bool" }, scope) => {
  const source = scope.read(input);
  realType(source.dtype);
  const to = realType(dtype);
  return unaryPlan(source, output, { ...source, dtype: to }, (tensor): Tensor => {
    const { shape } = tensor;
    const given = tensor as NumericTensor;
    const numbers = isBig(given.dtype) ? given.data : numbersOf(given);
    const data = newArray("bool", numbers.length);
    for (let i = 0; i < numbers.length; i++) data[i] = numbers[i]! >= at ? 1 : 0;
    return castTensor({ dtype: "bool", shape, data }, to, { rounding: "truncate", overflow: "refuse" });
  });
};

/** A function of every number, computed in float64; integers give float32. */
function mapped(tensor: NumericTensor, of: (number: number) => number): NumericTensor {
  const dtype = floatFor(realType(tensor.dtype));
  const numbers = numbersOf(tensor);
  const reals = newReals(dtype, numbers.length);
  for (let i = 0; i < numbers.length; i++) reals[i] = of(numbers[i]!);
  return { dtype, shape: tensor.shape, data: packReals(dtype, reals) };
}

function invalid(message: string): ServingError {
  return new ServingError("invalid-argument", message);
}
