import { ServingError } from "../base/serving-error.ts";
import type { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import type { DType } from "../tensor/dtype.ts";

/** An element type in TensorFlow's terms. */
interface DataTypeForm {
  /** `tensorflow.DataType`. */
  readonly number: number;
  /** Its name in error messages: `float`. */
  readonly word: string;
}

const FORMS: Readonly<Record<DType, DataTypeForm>> = {
  float32: { number: 1, word: "float" },
  float64: { number: 2, word: "double" },
  float16: { number: 19, word: "half" },
  bfloat16: { number: 14, word: "bfloat16" },
  int8: { number: 6, word: "int8" },
  int16: { number: 5, word: "int16" },
  int32: { number: 3, word: "int32" },
  int64: { number: 9, word: "int64" },
  uint8: { number: 4, word: "uint8" },
  uint16: { number: 17, word: "uint16" },
  uint32: { number: 22, word: "uint32" },
  uint64: { number: 23, word: "uint64" },
  bool: { number: 10, word: "bool" },
  string: { number: 7, word: "string" },
  complex64: { number: 8, word: "complex64" },
  complex128: { number: 18, word: "complex128" },
};

/** What types.proto calls each number. Not read from the generated enum, which would load all that describes the file. */
const NAMES =
  "INVALID FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 QUINT8 QINT32 BFLOAT16 QINT16 QUINT16 UINT16 COMPLEX128 HALF RESOURCE VARIANT UINT32 UINT64 FLOAT8_E5M2 FLOAT8_E4M3FN FLOAT8_E4M3FNUZ FLOAT8_E4M3B11FNUZ FLOAT8_E5M2FNUZ INT4 UINT4 INT2 UINT2 FLOAT4_E2M1FN".split(
    " ",
  );

/** A type's number plus this is the reference type of old graphs. */
const REFERENCE = 100;

const BY_NAME = new Map<string, DType>();
const BY_NUMBER: (DType | undefined)[] = [];
for (const [dtype, { number }] of Object.entries(FORMS) as [DType, DataTypeForm][]) {
  BY_NUMBER[number] = dtype;
  BY_NAME.set(`DT_${NAMES[number]}`, dtype);
}

/** The `tensorflow.DataType` of an element type. */
export function dataTypeNumber(dtype: DType): DataType {
  return FORMS[dtype].number as DataType;
}

/** The enum's name of an element type, as JSON and messages about declarations have it: `DT_FLOAT`. */
export function dataTypeName(dtype: DType): string {
  return `DT_${NAMES[FORMS[dtype].number]}`;
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

/** As {@link dtypeOfNumber}, where a graph declares it: a reference type of an old graph counts as what it refers to. */
export function declaredDType(number: number): DType | undefined {
  return BY_NUMBER[number > REFERENCE ? number - REFERENCE : number];
}

/**
 * The element type with a `tensorflow.DataType`.
 * @throws ServingError invalid-argument for one that tensors here cannot have.
 */
export function servableDType(number: number): DType {
  const dtype = BY_NUMBER[number];
  if (dtype !== undefined) return dtype;
  throw new ServingError("invalid-argument", `a tensor of data type ${nameOfDataType(number)} cannot be served`);
}

/** The enum's name of any `tensorflow.DataType`: `DT_FLOAT_REF`; `number 999` for one that has none. */
export function nameOfDataType(number: number): string {
  if (NAMES[number] !== undefined) return `DT_${NAMES[number]}`;
  const referred = NAMES[number - REFERENCE];
  return referred === undefined || number === REFERENCE ? `number ${number}` : `DT_${referred}_REF`;
}
