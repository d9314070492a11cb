import { ServingError } from "../base/serving-error.ts";
import type { AllocationBudget } from "../codec/allocation-budget.ts";
import { decodeTensorProto } from "../codec/tensor-proto.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Reads the serialized TensorProto that a request calls by this name; see {@link decodeTensorProto}.
 * @throws ServingError invalid-argument `tensor parsing error: NAME`.
 */
export function parseTensor(name: string, bytes: Uint8Array, budget: AllocationBudget): Tensor {
  try {
    return decodeTensorProto(bytes, budget);
  } catch (cause) {
    throw new ServingError("invalid-argument", `tensor parsing error: ${name}`, { cause });
  }
}
