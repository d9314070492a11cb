import { ServingError } from "../base/serving-error.ts";
import { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import type { DType } from "../tensor/dtype.ts";

/** An element type in TensorFlow's terms. */
interface DataTypeForm {
  /** `tensorflow.DataType`. */
  readonly number: number;
  /** Its name in error messages: `float`. */
  readonly word: string;
}

const FORMS: Readonly<Record<DType, DataTypeForm>> = {
  float32: { number: DataType.DT_FLOAT, word: "float" },
  float64: { number: DataType.DT_DOUBLE, word: "double" },
  float16: { number: DataType.DT_HALF, word: "half" },
  bfloat16: { number: DataType.DT_BFLOAT16, word: "bfloat16" },
  int8: { number: DataType.DT_INT8, word: "int8" },
  int16: { number: DataType.DT_INT16, word: "int16" },
  int32: { number: DataType.DT_INT32, word: "int32" },
  int64: { number: DataType.DT_INT64, word: "int64" },
  uint8: { number: DataType.DT_UINT8, word: "uint8" },
  uint16: { number: DataType.DT_UINT16, word: "uint16" },
  uint32: { number: DataType.DT_UINT32, word: "uint32" },
  uint64: { number: DataType.DT_UINT64, word: "uint64" },
  bool: { number: DataType.DT_BOOL, word: "bool" },
  string: { number: DataType.DT_STRING, word: "string" },
  complex64: { number: DataType.DT_COMPLEX64, word: "complex64" },
  complex128: { number: DataType.DT_COMPLEX128, word: "complex128" },
};

const NAMES = new Map<number, string>(Object.entries(DataType).map(([name, number]) => [number, name]));
const BY_NAME = new Map<string, DType>();
const BY_NUMBER: (DType | undefined)[] = [];
for (const [dtype, form] of Object.entries(FORMS) as [DType, DataTypeForm][]) {
  BY_NUMBER[form.number] = dtype;
  BY_NAME.set(NAMES.get(form.number)!, dtype);
}

/** The `tensorflow.DataType` of an element type. */
export function dataTypeNumber(dtype: DType): DataType {
  return FORMS[dtype].number as DataType;
}

/** The enum's name of an element type, as JSON and messages about declarations have it: `DT_FLOAT`. */
export function dataTypeName(dtype: DType): string {
  return NAMES.get(FORMS[dtype].number)!;
}

/** TensorFlow's short word for an element type, as messages about values have it: `float`. */
export function dataTypeWord(dtype: DType): string {
  return FORMS[dtype].word;
}

/** The element type with the enum's name; undefined for one that tensors here cannot have. */
export function dtypeOfName(name: string): DType | undefined {
  return BY_NAME.get(name);
}

/** The element type with a `tensorflow.DataType`; undefined for one that tensors here cannot have (resources, variants, quantized types). */
export function dtypeOfNumber(number: number): DType | undefined {
  return BY_NUMBER[number];
}

/**
 * The element type with a `tensorflow.DataType`.
 * @throws ServingError invalid-argument for one that tensors here cannot have.
 */
export function servableDType(number: number): DType {
  const dtype = BY_NUMBER[number];
  if (dtype !== undefined) return dtype;
  const name = NAMES.get(number) ?? `number ${number}`;
  throw new ServingError("invalid-argument", `a tensor of data type ${name} cannot be served`);
}
