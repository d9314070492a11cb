import type { DType } from "../../tensor/dtype.ts";

/** Element types by their number in `ONNXTensorElementDataType` (and in ONNX's `TensorProto.DataType`). */
const DTYPES: readonly (DType | undefined)[] = [
  undefined,
  "float32",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "int32",
  "int64",
  "string",
  "bool",
  "float16",
  "float64",
  "uint32",
  "uint64",
  "complex64",
  "complex128",
  "bfloat16",
];

const OTHER_NAMES: Readonly<Record<number, string>> = {
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
  24: "uint2",
  25: "int2",
};

const NUMBERS: ReadonlyMap<DType, number> = new Map(
  DTYPES.flatMap((dtype, number) => (dtype === undefined ? [] : [[dtype, number]])),
);

/** The dtype of an element type; `undefined` for one that tensors here cannot hold. */
export function dtypeOf(elementType: number): DType | undefined {
  return DTYPES[elementType];
}

/** The number of a dtype in ONNX Runtime's C API. */
export function elementTypeOf(dtype: DType): number {
  return NUMBERS.get(dtype)!;
}

/** What to call an element type in an error, known here or not. */
export function elementTypeName(elementType: number): string {
  return DTYPES[elementType] ?? OTHER_NAMES[elementType] ?? `type ${elementType}`;
}

const SPOKEN: Readonly<Partial<Record<DType, string>>> = { float32: "float", float64: "double", float16: "half" };

/** A dtype by the lower-case name that TensorFlow's messages use: `float`, `double`, `half`, else the same. */
export function spokenDType(dtype: DType): string {
  return SPOKEN[dtype] ?? dtype;
}
