/** Element types a tensor may have, by their numpy names. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string"
  | "complex64"
  | "complex128";

/** Every element type but string. */
export type NumericDType = Exclude<DType, "string">;

/** The arrays that hold numeric elements; see {@link ARRAY_TYPES} for which type uses which. */
export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

interface ArrayType {
  /** Array class of the elements. */
  readonly array: {
    new (length: number): NumericArray;
    new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray;
  };
  /** Array items for one element: 2 for complex numbers (real, imaginary), else 1. */
  readonly width: 1 | 2;
  /** Bytes of one element. */
  readonly bytes: number;
}

/**
 * How each numeric type lies in memory. float16 and bfloat16 are their 16-bit patterns, bool is one byte of 0 or 1,
 * 64-bit integers are exact, a complex number is two floats.
 */
export const ARRAY_TYPES: Readonly<Record<NumericDType, ArrayType>> = {
  float32: { array: Float32Array, width: 1, bytes: 4 },
  float64: { array: Float64Array, width: 1, bytes: 8 },
  float16: { array: Uint16Array, width: 1, bytes: 2 },
  bfloat16: { array: Uint16Array, width: 1, bytes: 2 },
  int8: { array: Int8Array, width: 1, bytes: 1 },
  int16: { array: Int16Array, width: 1, bytes: 2 },
  int32: { array: Int32Array, width: 1, bytes: 4 },
  int64: { array: BigInt64Array, width: 1, bytes: 8 },
  uint8: { array: Uint8Array, width: 1, bytes: 1 },
  uint16: { array: Uint16Array, width: 1, bytes: 2 },
  uint32: { array: Uint32Array, width: 1, bytes: 4 },
  uint64: { array: BigUint64Array, width: 1, bytes: 8 },
  bool: { array: Uint8Array, width: 1, bytes: 1 },
  complex64: { array: Float32Array, width: 2, bytes: 8 },
  complex128: { array: Float64Array, width: 2, bytes: 16 },
};
