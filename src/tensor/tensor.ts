import { ARRAY_TYPES, type NumericArray, type NumericDType } from "./dtype.ts";
import { elementCount, type Shape } from "./shape.ts";
import { packStrings, type StringArray } from "./string-array.ts";

/** Numbers in row-major order; `data` holds `elementCount(shape) * width` items of the type's array class. */
export interface NumericTensor {
  readonly dtype: NumericDType;
  readonly shape: Shape;
  readonly data: NumericArray;
}

/** Byte strings in row-major order. */
export interface StringTensor {
  readonly dtype: "string";
  readonly shape: Shape;
  readonly data: StringArray;
}

export type Tensor = NumericTensor | StringTensor;

/** Tensors by the alias a signature gives them. */
export type NamedTensors = ReadonlyMap<string, Tensor>;

/** A tensor of zeros. */
export function zeros(dtype: NumericDType, shape: Shape): NumericTensor {
  const { array, width } = ARRAY_TYPES[dtype];
  return { dtype, shape, data: new array(elementCount(shape) * width) };
}

/** A tensor of strings. The number of values must be the shape's. */
export function stringTensor(shape: Shape, values: readonly (string | Uint8Array)[]): StringTensor {
  return { dtype: "string", shape, data: packStrings(values) };
}
