import { SMALLEST_LARGE } from "../../base/large-buffers.ts";
import { ServingError } from "../../base/serving-error.ts";
import { giveBackArrays } from "../../codec/lent-array.ts";
import type { ServedSpec } from "../../codec/model-spec-message.ts";
import { encodePredictResponse, type PredictRequest } from "../../codec/predict-message.ts";
import type { PredictShell } from "../../serving/inference.ts";
import { parseTensor } from "../../serving/parse-tensor.ts";
import { checkInputNames } from "../../serving/predict.ts";
import type { Signature } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";

/** A predict call of the gRPC API: TensorProtos by alias. */
export class GrpcPredict implements PredictShell<Uint8Array> {
  readonly #request: PredictRequest;
  readonly #asTensorContent: boolean;
  /** The inputs, if any is large. */
  #large: NamedTensors | undefined;

  constructor(request: PredictRequest, asTensorContent: boolean) {
    this.#request = request;
    this.#asTensorContent = asTensorContent;
  }

  get outputFilter(): readonly string[] {
    return this.#request.outputFilter;
  }

  unknownSignature(name: string): ServingError {
    return new ServingError("failed-precondition", `Serving signature key "${name}" not found.`);
  }

  readInputs(signature: Signature): NamedTensors {
    checkInputNames(signature, this.#request.inputs);
    const tensors = new Map<string, Tensor>();
    for (const [alias, bytes] of this.#request.inputs) {
      tensors.set(alias, parseTensor(alias, bytes, this.#request.budget));
      if (bytes.length >= SMALLEST_LARGE) this.#large = tensors;
    }
    return tensors;
  }

  write(outputs: NamedTensors, resolved: ServedSpec): Uint8Array {
    const answer = encodePredictResponse(resolved, outputs, this.#asTensorContent);
    if (this.#large !== undefined) giveBackArrays(this.#large, this.#request.inputs);
    return answer;
  }
}
