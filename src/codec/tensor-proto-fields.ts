import type { DType } from "../tensor/dtype.ts";

/** The field of `tensorflow.TensorProto` that holds the values of each element type, when `tensor_content` does not. */
export const VALUE_FIELDS: Readonly<Record<DType, number>> = {
  float32: 5,
  float64: 6,
  int8: 7,
  int16: 7,
  int32: 7,
  uint8: 7,
  uint16: 7,
  string: 8,
  complex64: 9,
  int64: 10,
  bool: 11,
  complex128: 12,
  float16: 13,
  bfloat16: 13,
  uint32: 16,
  uint64: 17,
};
