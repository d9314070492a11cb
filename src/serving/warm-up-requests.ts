import { ServingError } from "../base/serving-error.ts";
import { AllocationBudget } from "../codec/allocation-budget.ts";
import { decodeExampleRequest, decodeMultiInferenceRequest } from "../codec/classify-message.ts";
import type { ModelSpec } from "../codec/model-spec.ts";
import { decodePredictRequest, type PredictRequest } from "../codec/predict-message.ts";
import type { PredictionLog } from "../codec/prediction-log.ts";
import { decodeSessionRunRequest } from "../codec/session-run-message.ts";
import type { RunContext } from "../model/servable.ts";
import type { Signature } from "../tensor/signature.ts";
import type { NamedTensors, Tensor } from "../tensor/tensor.ts";
import type { Inference, PredictShell } from "./inference.ts";
import { parseTensor } from "./parse-tensor.ts";
import { checkInputNames } from "./predict.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Runs the request of one log record on a model, whatever model and version the record names; its signature counts. Of a streamed log
 * the first request is run, as a predict. A record of no kind is passed over.
 * @throws ServingError (rejects) invalid-argument `Failed to parse warmup record: ...` for a request that is malformed; as the call
 * itself does.
 */
export async function runLoggedRequest(
  inference: Inference,
  model: string,
  { kind, request = NOTHING }: PredictionLog,
  context: RunContext,
): Promise<void> {
  switch (kind) {
    case "none":
      return;
    case "predict":
    case "predict-streamed": {
      const message = parsed(() => decodePredictRequest(request, new AllocationBudget()));
      await inference.predict(specOf(model, message.modelSpec), loggedPredict(message), context);
      return;
    }
    case "classify":
    case "regress": {
      const { modelSpec, examples } = parsed(() => decodeExampleRequest(request));
      const call = { spec: specOf(model, modelSpec), examples };
      await (kind === "classify" ? inference.classify(call, context) : inference.regress(call, context));
      return;
    }
    case "multi-inference": {
      const { tasks, examples } = parsed(() => decodeMultiInferenceRequest(request));
      const named = tasks.map(({ modelSpec, methodName }) => ({ spec: specOf(model, modelSpec), methodName }));
      await inference.multiInference(named, examples, context);
      return;
    }
    case "session-run": {
      const message = parsed(() => decodeSessionRunRequest(request));
      await inference.sessionRun(specOf(model, message.modelSpec), message, context);
    }
  }
}

/** Runs a signature on tensors and lets the answer go. Rejects as the call does. */
export async function runPlainRequest(
  inference: Inference,
  model: string,
  signatureName: string,
  inputs: NamedTensors,
  context: RunContext,
): Promise<void> {
  const shell: PredictShell<undefined> = { unknownSignature, readInputs: () => inputs, outputFilter: [], write: () => undefined };
  await inference.predict({ name: model, signatureName }, shell, context);
}

/** Decodes a logged predict request as gRPC's; its answer is let go. */
function loggedPredict({ inputs, outputFilter, budget }: PredictRequest): PredictShell<undefined> {
  const readInputs = (signature: Signature): NamedTensors => {
    checkInputNames(signature, inputs);
    const tensors = new Map<string, Tensor>();
    for (const [alias, bytes] of inputs) tensors.set(alias, parseTensor(alias, bytes, budget));
    return tensors;
  };
  return { unknownSignature, readInputs, outputFilter, write: () => undefined };
}

function specOf(model: string, recorded: ModelSpec | undefined): ModelSpec {
  return { name: model, signatureName: recorded?.signatureName ?? "" };
}

function unknownSignature(name: string): ServingError {
  return new ServingError("failed-precondition", `Serving signature key "${name}" not found.`);
}

function parsed<Message>(decode: () => Message): Message {
  try {
    return decode();
  } catch (reason) {
    const { message } = ServingError.from(reason);
    throw new ServingError("invalid-argument", `Failed to parse warmup record: ${message}`, { cause: reason });
  }
}
