import { ServingError } from "../../base/serving-error.ts";
import type { JsonDocument } from "../../codec/json/document.ts";
import { type PredictFormat, readPredictInputs } from "../../codec/json/predict-inputs.ts";
import { writePredictResponse } from "../../codec/json/predict-response.ts";
import type { PredictShell } from "../../serving/inference.ts";
import type { Signature } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";

const ALL_OUTPUTS: readonly string[] = [];

/** A predict call of the REST API: a JSON body in rows or columns. */
export class RestPredict implements PredictShell<Uint8Array> {
  readonly outputFilter = ALL_OUTPUTS;
  readonly #document: JsonDocument;
  #format: PredictFormat = "row";

  constructor(document: JsonDocument) {
    this.#document = document;
  }

  unknownSignature(name: string): ServingError {
    return new ServingError("invalid-argument", `Serving signature name: "${name}" not found in signature def`);
  }

  readInputs(signature: Signature): NamedTensors {
    const { format, tensors } = readPredictInputs(this.#document, signature.inputs);
    this.#format = format;
    return withDeclaredRank(tensors, signature);
  }

  write(outputs: NamedTensors): Uint8Array {
    return writePredictResponse(this.#format, outputs);
  }
}

/** JSON cannot tell how many dimensions an empty list has: it gets the declared ones, a free size being 0. */
function withDeclaredRank(tensors: NamedTensors, { inputs }: Signature): NamedTensors {
  let mended: Map<string, Tensor> | undefined;
  for (const { alias, shape } of inputs) {
    const tensor = tensors.get(alias);
    if (tensor === undefined || tensor.shape.length !== 1 || tensor.shape[0] !== 0 || shape === undefined || shape.length < 2)
      continue;
    mended ??= new Map(tensors);
    mended.set(alias, { ...tensor, shape: shape.map((size, i) => (i === 0 ? 0 : Math.max(size, 0))) });
  }
  return mended ?? tensors;
}
