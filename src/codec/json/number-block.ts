import { ARRAY_TYPES, type DType, type NumericArray } from "../../tensor/dtype.ts";
import { lentArray } from "../lent-array.ts";

/** The types that whole arrays of numbers are read as. */
export type BlockType = "float32" | "float64" | "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64";

/** Numbers of a rectangular array. */
export interface NumberBlock {
  /** First byte after the closing bracket. */
  readonly end: number;
  /** Sizes of the lists from the outermost. */
  readonly shape: readonly number[];
  readonly dtype: BlockType;
  /** Row-major values: floats rounded once from their text to nearest, ties to even; integers exact. Owned by the caller. */
  readonly values: NumericArray;
}

/** Most dimensions of a block. */
export const LARGEST_RANK = 16;

/** An array of a type, its elements whatever they are. */
export function allocateBlock(dtype: BlockType, length: number): NumericArray {
  const { array, bytes } = ARRAY_TYPES[dtype];
  return lentArray(array, bytes, length);
}

/** What arrays of a tensor's numbers are read as; undefined for the types that JSON writes otherwise. */
export function blockType(dtype: DType): BlockType | undefined {
  switch (dtype) {
    case "float16":
    case "bfloat16":
      return "float64";
    case "bool":
    case "string":
    case "complex64":
    case "complex128":
      return undefined;
    case "float32":
    case "float64":
    case "int8":
    case "int16":
    case "int32":
    case "int64":
    case "uint8":
    case "uint16":
    case "uint32":
    case "uint64":
      return dtype;
  }
}
