import type { PredictFormat } from "../../codec/json/predict-inputs.ts";
import { writeClassifyResponse, writeRegressResponse } from "../../codec/json/results.ts";
import type { ModelSpec } from "../../codec/model-spec.ts";
import type { ServedSpec } from "../../codec/model-spec-message.ts";
import type { RunContext } from "../../model/servable.ts";
import type { Inference, PredictShell } from "../../serving/inference.ts";
import type { Signature } from "../../tensor/signature.ts";
import type { NamedTensors } from "../../tensor/tensor.ts";
import type { HttpRequest } from "../../transport/http-exchange.ts";
import type { JsonWorker, OpenedBody } from "./json-worker.ts";
import {
  loadPredictImages,
  mayHaveImages,
  mayMissTexts,
  unknownSignature,
  withDeclaredRank,
  writeOutputs,
} from "./rest-predict.ts";

/**
 * Bodies from here on are read by a {@link JsonWorker}. Half of it takes 1 to 20 ms, depending on what is in it, and the way there
 * and back a fraction of one (docs/reference/testing.md, "Large JSON").
 */
export const LARGE_BODY_BYTES = 1024 * 1024;

/** What answering a large body takes. */
export interface LargeBodyServices {
  readonly json: JsonWorker;
  readonly inference: Inference;
}

/** Answers a call whose body is large; errors and their order are those of a small one. */
export async function answerLargeBody(
  { json, inference }: LargeBodyServices,
  kind: "predict" | "classify" | "regress",
  { body: bytes, target }: Pick<HttpRequest, "body" | "target">,
  specOf: (signatureName: string) => ModelSpec,
  context: RunContext,
): Promise<Uint8Array> {
  const body = await json.open(bytes, context.signal);
  try {
    const spec = specOf(body.signatureName);
    if (kind === "predict") return await inference.predict(spec, new LargeRestPredict(body, json, target, context), context);
    const examples = await body.readExamples(kind);
    body.close();
    return kind === "classify"
      ? writeClassifyResponse((await inference.classify({ spec, examples }, context)).rows)
      : writeRegressResponse((await inference.regress({ spec, examples }, context)).values);
  } finally {
    body.close();
  }
}

/** A predict call of the REST API whose body is read elsewhere. */
class LargeRestPredict implements PredictShell<Uint8Array> {
  readonly outputFilter: readonly string[] = [];
  readonly #body: OpenedBody;
  readonly #json: JsonWorker;
  readonly #target: string;
  readonly #context: RunContext;
  #format: PredictFormat = "row";

  constructor(body: OpenedBody, json: JsonWorker, target: string, context: RunContext) {
    this.#body = body;
    this.#json = json;
    this.#target = target;
    this.#context = context;
  }

  readonly unknownSignature = unknownSignature;

  async readInputs(signature: Signature): Promise<NamedTensors> {
    const { inputs, rowwise } = signature;
    const images = mayHaveImages(inputs, this.#target) ? await loadPredictImages() : undefined;
    const aliases = images?.imageAliases(inputs, this.#target) ?? [];
    const { format, tensors } = await this.#body.readInputs(inputs, rowwise, aliases);
    this.#body.close();
    this.#format = format;
    const decoded = await images?.withPixels(tensors, signature, this.#target, this.#context.signal);
    return withDeclaredRank(decoded ?? tensors, signature);
  }

  write(outputs: NamedTensors, _resolved: ServedSpec, signature: Signature): Uint8Array | Promise<Uint8Array> {
    return writeOutputs(this.#format, outputs, this.#json, this.#context, mayMissTexts(signature));
  }
}
