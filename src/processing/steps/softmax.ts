import type { NumericTensor } from "../../tensor/tensor.ts";
import { floatFor, newReals, numbersOf, type PlainArray, packReals, realType } from "../numbers.ts";
import { type NamedInfo, type StepOf, type StepPlan, type StepScope, unaryPlan } from "../step.ts";
import { around, axisOf, knownShape } from "../value-info.ts";

/** Probabilities, or their logarithms, of scores along an axis. Computed in float64; NaN makes all of its scores NaN. */
export function planSoftmax({ kind, input, output, axis }: StepOf<"softmax" | "log_softmax">, scope: StepScope): StepPlan {
  const source: NamedInfo = scope.read(input);
  const dtype = floatFor(realType(source.dtype));
  const along = axisOf(knownShape(source), axis ?? -1);
  const write = kind === "softmax" ? writeSoftmax : writeLogSoftmax;
  return unaryPlan(source, output, { ...source, dtype }, (tensor) => {
    const numbers = numbersOf(tensor as NumericTensor);
    const [outer, size, inner] = around(tensor.shape, along);
    const reals = newReals(dtype, numbers.length);
    for (let block = 0; block < outer; block++) {
      for (let offset = 0; offset < inner; offset++) write(numbers, reals, block * size * inner + offset, size, inner);
    }
    return { dtype, shape: tensor.shape, data: packReals(dtype, reals) };
  });
}

type Reals = Float32Array | Float64Array;

function largest(numbers: PlainArray, start: number, size: number, stride: number): number {
  let most = -Infinity;
  for (let i = 0, at = start; i < size; i++, at += stride) if (numbers[at]! > most) most = numbers[at]!;
  return most;
}

function writeSoftmax(numbers: PlainArray, reals: Reals, start: number, size: number, stride: number): void {
  const most = largest(numbers, start, size, stride);
  const powers = scratch(size);
  let sum = 0;
  for (let i = 0, at = start; i < size; i++, at += stride) sum += powers[i] = Math.exp(numbers[at]! - most);
  for (let i = 0, at = start; i < size; i++, at += stride) reals[at] = powers[i]! / sum;
}

function writeLogSoftmax(numbers: PlainArray, reals: Reals, start: number, size: number, stride: number): void {
  const most = largest(numbers, start, size, stride);
  let sum = 0;
  for (let i = 0, at = start; i < size; i++, at += stride) sum += Math.exp(numbers[at]! - most);
  const log = Math.log(sum);
  for (let i = 0, at = start; i < size; i++, at += stride) reals[at] = numbers[at]! - most - log;
}

let kept = new Float64Array(1024);

/** At least `size` numbers, for the call that asks. */
function scratch(size: number): Float64Array {
  if (kept.length < size) kept = new Float64Array(size);
  return kept;
}
