import { SMALLEST_LARGE } from "../../base/large-buffers.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { AllocationBudget } from "../../codec/allocation-budget.ts";
import { giveBackArrays } from "../../codec/lent-array.ts";
import { encodePredictResponse, type PredictRequest } from "../../codec/predict-message.ts";
import { decodeTensorProto } from "../../codec/tensor-proto.ts";
import type { PredictShell, ResolvedSpec } from "../../serving/inference.ts";
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
      tensors.set(alias, parse(alias, bytes, this.#request.budget));
      if (bytes.length >= SMALLEST_LARGE) this.#large = tensors;
    }
    return tensors;
  }

  write(outputs: NamedTensors, resolved: ResolvedSpec): Uint8Array {
    const answer = encodePredictResponse(resolved, outputs, this.#asTensorContent);
    if (this.#large !== undefined) giveBackArrays(this.#large, this.#request.inputs);
    return answer;
  }
}

function parse(alias: string, bytes: Uint8Array, budget: AllocationBudget): Tensor {
  try {
    return decodeTensorProto(bytes, budget);
  } catch (cause) {
    throw new ServingError("invalid-argument", `tensor parsing error: ${alias}`, { cause });
  }
}
