import type { DType } from "../tensor/dtype.ts";

/** `TensorProto.DataType` of onnx.proto, by the dtypes of tensors here. */
const ELEMENT_TYPES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
};

const DTYPES: ReadonlyMap<number, DType> = new Map(
  Object.entries(ELEMENT_TYPES).map(([dtype, number]) => [number, dtype as DType]),
);

/** ONNX's number of a dtype. */
export function elementTypeOf(dtype: DType): number {
  return ELEMENT_TYPES[dtype];
}

/** The dtype of ONNX's number; undefined for one that tensors here do not have. */
export function dtypeOfElementType(number: number): DType | undefined {
  return DTYPES.get(number);
}
