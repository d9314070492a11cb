import { SMALLEST_LARGE } from "../../base/large-buffers.ts";
import { ServingError } from "../../base/serving-error.ts";
import type { JsonDocument } from "../../codec/json/document.ts";
import { type PredictFormat, type PredictInputs, readPredictInputs } from "../../codec/json/predict-inputs.ts";
import { writePredictResponse } from "../../codec/json/predict-response.ts";
import { giveBackArrays } from "../../codec/lent-array.ts";
import type { ServedSpec } from "../../codec/model-spec-message.ts";
import type { RunContext } from "../../model/servable.ts";
import type { PredictShell } from "../../serving/inference.ts";
import type { Signature, TensorInfo } from "../../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../../tensor/tensor.ts";
import type { JsonWorker } from "./json-worker.ts";

const ALL_OUTPUTS: readonly string[] = [];

/** Answers of so many numbers, or of eight times as many bytes of strings, are written by a {@link JsonWorker}: half of it takes about 5 ms. */
const LARGE_ANSWER_ELEMENTS = 128 * 1024;

/** A predict call of the REST API: a JSON body in rows or columns. */
export class RestPredict implements PredictShell<Uint8Array> {
  readonly outputFilter = ALL_OUTPUTS;
  readonly unknownSignature = unknownSignature;
  readonly #document: JsonDocument;
  readonly #target: string;
  readonly #json: JsonWorker | undefined;
  readonly #context: RunContext;
  #format: PredictFormat = "row";
  #inputs: NamedTensors | undefined;

  /** `json`, if there is one, writes large answers, which `context` bounds; the query of `target` may say how images are read. */
  constructor(document: JsonDocument, target: string, json: JsonWorker | undefined, context: RunContext) {
    this.#document = document;
    this.#target = target;
    this.#json = json;
    this.#context = context;
  }

  readInputs(signature: Signature): NamedTensors | Promise<NamedTensors> {
    let read: PredictInputs;
    try {
      read = readPredictInputs(this.#document, signature.inputs, signature.rowwise);
    } catch (reason) {
      if (!mayHaveImages(signature.inputs, this.#target)) throw reason;
      return this.#readImages(signature, reason);
    }
    const { format, tensors } = read;
    this.#format = format;
    if (this.#document.bytes.length >= SMALLEST_LARGE) this.#inputs = tensors;
    return withDeclaredRank(tensors, signature);
  }

  async #readImages(signature: Signature, refused: unknown): Promise<NamedTensors> {
    const { readImages } = await loadPredictImages();
    const { format, tensors } = await readImages(this.#document.bytes, signature, this.#target, refused, this.#context.signal);
    this.#format = format;
    this.#inputs = tensors;
    return withDeclaredRank(tensors, signature);
  }

  write(outputs: NamedTensors, _resolved: ServedSpec, signature: Signature): Uint8Array | Promise<Uint8Array> {
    const answer = writeOutputs(this.#format, outputs, this.#json, this.#context, mayMissTexts(signature));
    // One that is written elsewhere may be made of the inputs themselves.
    if (this.#inputs !== undefined && answer instanceof Uint8Array) giveBackArrays(this.#inputs);
    return answer;
  }
}

/** What reads images, loaded when first needed: few requests have any. */
export function loadPredictImages(): Promise<typeof import("./predict-images.ts")> {
  return import("./predict-images.ts");
}

/**
 * Whether images could be meant where inputs want numbers: one has three or four dimensions, or two and the query names a size. Others
 * need not even load what knows more.
 */
export function mayHaveImages(inputs: readonly TensorInfo[], target: string): boolean {
  const lowest = target.includes("size=") ? 2 : 3;
  return inputs.some(
    ({ dtype, shape }) => dtype !== "string" && shape !== undefined && shape.length >= lowest && shape.length <= 4,
  );
}

/** The error for a signature that the model does not have. */
export function unknownSignature(name: string): ServingError {
  return new ServingError("invalid-argument", `Serving signature name: "${name}" not found in signature def`);
}

/** Whether an output of the signature may miss texts, which are null in JSON then. */
export function mayMissTexts({ outputs }: Signature): boolean {
  for (const { nullable } of outputs) if (nullable === true) return true;
  return false;
}

/**
 * The body of a predict answer, written at once unless it is large and there is somebody else to do it. With `missing`, missing texts are
 * null.
 */
export function writeOutputs(
  format: PredictFormat,
  outputs: NamedTensors,
  json: JsonWorker | undefined,
  context: RunContext,
  missing = false,
): Uint8Array | Promise<Uint8Array> {
  if (json !== undefined) {
    let elements = 0;
    for (const { dtype, data } of outputs.values()) elements += dtype === "string" ? data.bytes.length / 8 : data.length;
    if (elements >= LARGE_ANSWER_ELEMENTS) return json.write(format, outputs, context.signal, missing);
  }
  return writePredictResponse(format, outputs, missing);
}

/** JSON cannot tell how many dimensions an empty list has: it gets the declared ones, a free size being 0. */
export function withDeclaredRank(tensors: NamedTensors, { inputs }: Signature): NamedTensors {
  if (!hasEmptyList(tensors)) return tensors;
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

/** Asked of what was sent, which is less than what a signature may declare. */
function hasEmptyList(tensors: NamedTensors): boolean {
  for (const { shape } of tensors.values()) if (shape.length === 1 && shape[0] === 0) return true;
  return false;
}
