import { ServingError } from "../base/serving-error.ts";
import { dataTypeName } from "../codec/data-type.ts";
import type { Signature } from "../tensor/signature.ts";
import type { NamedTensors } from "../tensor/tensor.ts";
import { describeSignature } from "./classify.ts";

const INPUTS = "inputs";
const OUTPUTS = "outputs";

/**
 * The output to ask of a regress signature.
 * @throws ServingError invalid-argument when the signature has not the form of one.
 */
export function regressOutputs(signature: Signature): readonly string[] {
  if (signature.inputs.length !== 1) throw new ServingError("invalid-argument", "Expected one input Tensor.");
  if (signature.outputs.length !== 1) throw new ServingError("invalid-argument", "Expected one output Tensor.");
  if (signature.inputs[0].alias !== INPUTS) {
    throw new ServingError("invalid-argument", `No regression inputs found in SignatureDef: ${describeSignature(signature)}`);
  }
  if (signature.outputs[0].alias !== OUTPUTS) {
    throw new ServingError("invalid-argument", `No regression outputs found in SignatureDef: ${describeSignature(signature)}`);
  }
  return [OUTPUTS];
}

/**
 * One value per example from a regress signature's output.
 * @throws ServingError invalid-argument when the tensor is not float of shape [batch] or [batch, 1].
 */
export function regressions(outputs: NamedTensors, batch: number): Float32Array {
  const tensor = outputs.get(OUTPUTS)!;
  const { shape } = tensor;
  if (!(shape.length === 1 || (shape.length === 2 && shape[1] === 1))) {
    throw new ServingError(
      "invalid-argument",
      `Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [${shape.join(",")}]`,
    );
  }
  if (shape[0] !== batch) {
    throw new ServingError("invalid-argument", `Input batch size did not match output batch size: ${batch} vs. ${shape[0]}`);
  }
  if (tensor.dtype !== "float32") {
    throw new ServingError("invalid-argument", `Expected output Tensor of DT_FLOAT.  Got: ${dataTypeName(tensor.dtype)}`);
  }
  return tensor.data as Float32Array;
}
