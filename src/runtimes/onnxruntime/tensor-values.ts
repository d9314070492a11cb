import { ServingError } from "../../base/serving-error.ts";
import { ARRAY_TYPES } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Pointer } from "../native-calls.ts";
import { outputArray } from "../output-array.ts";
import { dtypeOf, elementTypeName } from "./element-type.ts";
import type { OnnxLibrary } from "./library.ts";
import { expectSuccess } from "./status.ts";
import { readStrings } from "./string-values.ts";

/** Copies a tensor out of an `OrtValue` in plain memory. The value stays the caller's to release. */
export function readTensor(library: OnnxLibrary, value: Pointer): Tensor {
  const { api, result, integer } = library;
  expectSuccess(api, api.getTensorTypeAndShape(value, result));
  const info = result[0];
  let elementType: number;
  let shape: number[];
  try {
    expectSuccess(api, api.getTensorElementType(info, result));
    elementType = integer[0];
    expectSuccess(api, api.getDimensionsCount(info, result));
    const rank = Number(result[0]);
    const sizes = new BigInt64Array(new ArrayBuffer(rank * 8));
    if (rank > 0) expectSuccess(api, api.getDimensions(info, sizes, rank));
    shape = Array.from(sizes, Number);
  } finally {
    api.releaseTensorInfo(info);
  }
  const dtype = dtypeOf(elementType);
  if (dtype === undefined) {
    throw new ServingError("unimplemented", `a tensor of ${elementTypeName(elementType)} cannot be answered`);
  }
  const count = elementCount(shape);
  if (dtype === "string") return { dtype, shape, data: readStrings(library, value, count) };
  const { bytes } = ARRAY_TYPES[dtype];
  const data = outputArray(dtype, count);
  if (count > 0) {
    expectSuccess(api, api.getTensorMutableData(value, result));
    library.copy(data, result[0], count * bytes);
  }
  return { dtype, shape, data };
}
