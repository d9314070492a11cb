import { ServingError } from "../base/serving-error.ts";
import { ARRAY_TYPES, type NumericArray, type NumericDType } from "../tensor/dtype.ts";

/**
 * An array for `count` elements.
 * @throws ServingError resource-exhausted when there is no room for it.
 */
export function outputArray(dtype: NumericDType, count: number): NumericArray {
  const { array, width } = ARRAY_TYPES[dtype];
  try {
    return new array(count * width);
  } catch (cause) {
    throw new ServingError("resource-exhausted", `no room for an output of ${count} elements`, { cause });
  }
}
