import { AllocationBudget } from "../codec/allocation-budget.ts";
import { toBfloat16Bits, toFloat16Bits } from "../codec/json/half.ts";
import { ARRAY_TYPES, type NumericDType } from "../tensor/dtype.ts";
import { neededInputs } from "../tensor/own-inputs.ts";
import { elementCount, type Shape } from "../tensor/shape.ts";
import type { Signature, TensorInfo } from "../tensor/signature.ts";
import { type NumericTensor, type Tensor, zeros } from "../tensor/tensor.ts";

/** What made-up inputs hold: zeros, or floats of at least 0 and below 1 and integers of 0 and 1. Strings are empty in both. */
export type MadeUpValues = "zeros" | "random";

/** Numbers of at least 0 and below 1. */
export type RandomSource = () => number;

/** About what an empty string takes in a tensor. */
const STRING_BYTES = 4;

/** Types whose arrays hold fractions as they are. */
const FRACTIONAL: ReadonlySet<NumericDType> = new Set(["float32", "float64", "complex64", "complex128"]);

/**
 * Inputs in the types and shapes that a signature declares, for a run whose answer nobody reads. Every dimension that is free is 1,
 * but for the first of an input, which is `rows`; an input of unknown rank has that one dimension. Inputs that have a default are
 * left out, and so are a matrix's columns.
 * @throws ServingError invalid-argument when they would take more memory than a request may.
 */
export function madeUpInputs(
  signature: Signature,
  values: MadeUpValues,
  rows: number,
  random: RandomSource,
): ReadonlyMap<string, Tensor> {
  const budget = new AllocationBudget();
  const tensors = new Map<string, Tensor>();
  for (const info of neededInputs(signature.inputs)) {
    tensors.set(info.alias, madeUpTensor(info, values, rows, random, budget));
  }
  return tensors;
}

/** Whether {@link madeUpInputs} of this signature are others for another number of rows. */
export function hasFreeRows({ inputs }: Signature): boolean {
  return neededInputs(inputs).some(({ shape }) => shape === undefined || (shape[0] ?? 0) < 0);
}

/** The same numbers for the same seed: xorshift by 13, 17 and 5 on 32 bits, as Marsaglia gives it. */
export function seededRandom(seed: number): RandomSource {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function madeUpTensor(
  { dtype, shape }: TensorInfo,
  values: MadeUpValues,
  rows: number,
  random: RandomSource,
  budget: AllocationBudget,
): Tensor {
  const sizes: Shape = (shape ?? [-1]).map((size, axis) => (size >= 0 ? size : axis === 0 ? rows : 1));
  const count = elementCount(sizes);
  budget.take(count * (dtype === "string" ? STRING_BYTES : ARRAY_TYPES[dtype].bytes));
  if (dtype === "string") {
    return { dtype, shape: sizes, data: { length: count, offsets: new Uint32Array(count + 1), bytes: new Uint8Array(0) } };
  }
  return values === "zeros" ? zeros(dtype, sizes) : filled(zeros(dtype, sizes), random);
}

function filled(tensor: NumericTensor, random: RandomSource): NumericTensor {
  const { data, dtype } = tensor;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) data[i] = BigInt(Math.round(random()));
  } else {
    const draw = drawOf(dtype, random);
    for (let i = 0; i < data.length; i++) data[i] = draw();
  }
  return tensor;
}

/** One item of the array that holds the type. */
function drawOf(dtype: NumericDType, random: RandomSource): RandomSource {
  if (dtype === "float16") return () => toFloat16Bits(random());
  if (dtype === "bfloat16") return () => toBfloat16Bits(random());
  return FRACTIONAL.has(dtype) ? random : () => Math.round(random());
}
