import { ServingError } from "../../base/serving-error.ts";
import type { TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";

/**
 * Checks a request against what the model's author has declared.
 * @throws ServingError invalid-argument that names the input, what was expected and what came
 */
export function checkInputs(declared: readonly TensorInfo[], inputs: NamedTensors): void {
  for (const { alias, dtype, shape } of declared) {
    const tensor = inputs.get(alias);
    if (tensor === undefined) continue;
    if (tensor.dtype !== dtype) {
      throw new ServingError("invalid-argument", `input "${alias}" expects ${dtype} but ${tensor.dtype} is provided`);
    }
    if (shape === undefined) continue;
    const fits = shape.length === tensor.shape.length && shape.every((size, axis) => size === -1 || size === tensor.shape[axis]);
    if (!fits) {
      throw new ServingError(
        "invalid-argument",
        `input "${alias}" expects shape [${shape.join(",")}] but [${tensor.shape.join(",")}] is provided`,
      );
    }
  }
}
