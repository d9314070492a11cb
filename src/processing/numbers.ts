import { ServingError } from "../base/serving-error.ts";
import { fromBfloat16Bits, fromFloat16Bits, toBfloat16Bits, toFloat16Bits } from "../codec/json/half.ts";
import { ARRAY_TYPES, type DType, type NumericArray, type NumericDType } from "../tensor/dtype.ts";
import type { NumericTensor } from "../tensor/tensor.ts";

/** Most bytes that one tensor of a step may take: a small request can ask for a large one. */
const MOST_BYTES = 512 * 1024 * 1024;

/** Arrays whose elements are JavaScript's numbers. */
export type PlainArray = Exclude<NumericArray, BigInt64Array | BigUint64Array>;

/** Element types that steps can compute with. */
export type RealDType = Exclude<NumericDType, "complex64" | "complex128">;

/** Whether elements are floats. */
export function isFloat(dtype: DType): dtype is "float16" | "bfloat16" | "float32" | "float64" {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

/** Whether elements are 64-bit integers, which are `bigint`s in their arrays. */
export function isBig(dtype: DType): dtype is "int64" | "uint64" {
  return dtype === "int64" || dtype === "uint64";
}

/** Least and largest number of an integer type. */
export function integerRange(dtype: NumericDType): readonly [least: bigint, most: bigint] {
  const bits = BigInt(ARRAY_TYPES[dtype].bytes * 8);
  return dtype.startsWith("uint") ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/** The type, when steps can compute with it. @throws ServingError invalid-argument. */
export function realType(dtype: DType): RealDType {
  if (dtype !== "string" && dtype !== "complex64" && dtype !== "complex128") return dtype;
  throw new ServingError("invalid-argument", `it takes numbers, not ${dtype}`);
}

/** The type, when it is one of integers. @throws ServingError invalid-argument. */
export function integerType(dtype: DType): RealDType {
  if (/^u?int/.test(dtype)) return dtype as RealDType;
  throw new ServingError("invalid-argument", `it takes integers, not ${dtype}`);
}

/** Zeros for so many elements. @throws ServingError resource-exhausted for too many. */
export function newArray(dtype: NumericDType, count: number): NumericArray {
  const { array, bytes } = ARRAY_TYPES[dtype];
  requireRoom(count * bytes);
  return new array(count);
}

/** @throws ServingError resource-exhausted for more bytes than one tensor may have. */
export function requireRoom(bytes: number): void {
  if (bytes <= MOST_BYTES) return;
  throw new ServingError("resource-exhausted", `it would make ${bytes} bytes or more, of at most ${MOST_BYTES}`);
}

/** The elements as numbers: 64-bit integers as the nearest doubles, 16-bit floats widened, all others where they lie. */
export function numbersOf({ dtype, data }: NumericTensor): PlainArray {
  if (dtype === "float16") return Float32Array.from(data as Uint16Array, fromFloat16Bits);
  if (dtype === "bfloat16") return Float32Array.from(data as Uint16Array, fromBfloat16Bits);
  return isBig(dtype) ? Float64Array.from(data as BigInt64Array, Number) : (data as PlainArray);
}

/** An array to compute floats of a type in; {@link packReals} makes them the type's. */
export function newReals(dtype: NumericDType, count: number): Float32Array | Float64Array {
  return newArray(dtype === "float32" ? "float32" : "float64", count) as Float32Array | Float64Array;
}

/** Computed floats as the type's elements, each rounded to the nearest, ties to even. */
export function packReals(dtype: NumericDType, reals: Float32Array | Float64Array): NumericArray {
  if (dtype === "float16") return Uint16Array.from(reals, toFloat16Bits);
  return dtype === "bfloat16" ? Uint16Array.from(reals, toBfloat16Bits) : reals;
}

/** The float type in which something of `dtype` is computed: its own, or float32 for integers and booleans. */
export function floatFor(dtype: RealDType): RealDType {
  return isFloat(dtype) ? dtype : "float32";
}
