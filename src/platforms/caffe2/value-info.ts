import { ServingError } from "../../base/serving-error.ts";
import type { DType } from "../../tensor/dtype.ts";

export const VALUE_INFO = "value_info.json";

/** What a model's author says of an input. */
export interface DeclaredInput {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** `caffe2.TensorProto.DataType`, of the types that inputs and parameters have here. */
const DTYPES: ReadonlyMap<number, DType> = new Map([
  [1, "float32"],
  [2, "int32"],
  [4, "string"],
  [5, "bool"],
  [6, "uint8"],
  [7, "int8"],
  [8, "uint16"],
  [9, "int16"],
  [10, "int64"],
  [12, "float16"],
  [13, "float64"],
]);

/** The dtype of a `caffe2.TensorProto.DataType`; undefined for one that tensors do not have. */
export function dtypeOfCode(code: number): DType | undefined {
  return DTYPES.get(code);
}

/**
 * Reads `value_info.json`: `{"data": [1, [1, 3, 224, 224]]}`, an input's type and shape by its name.
 * @throws ServingError invalid-argument, naming the file
 */
export function readValueInfo(text: string): ReadonlyMap<string, DeclaredInput> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw fault("is not JSON");
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) throw fault("is not a JSON object");
  return new Map(Object.entries(document).map(([name, value]) => [name, declared(name, value)]));
}

function declared(name: string, value: unknown): DeclaredInput {
  const [type, shape] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [];
  const dtype = typeof type === "number" ? dtypeOfCode(type) : undefined;
  const sizes = Array.isArray(shape) ? (shape as unknown[]) : undefined;
  if (dtype === undefined || !sizes?.every((size): size is number => Number.isInteger(size) && (size as number) >= 0)) {
    throw fault(`gives ${JSON.stringify(name)} no type and shape such as [1, [1, 3, 224, 224]]`);
  }
  return { dtype, shape: sizes };
}

function fault(what: string): ServingError {
  return new ServingError("invalid-argument", `${VALUE_INFO} ${what}`);
}
