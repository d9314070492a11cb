import { AllocationBudget } from "../../codec/allocation-budget.ts";
import {
  decodeExampleRequest,
  decodeMultiInferenceRequest,
  encodeClassificationResponse,
  encodeMultiInferenceResponse,
  encodeRegressionResponse,
} from "../../codec/classify-message.ts";
import { decodePredictRequest } from "../../codec/predict-message.ts";
import type { Inference } from "../../serving/inference.ts";
import type { GrpcCall, GrpcMethod } from "../../transport/grpc/method.ts";
import type { CallRecorder } from "./call-recorder.ts";
import { GrpcPredict } from "./grpc-predict.ts";
import { requiredSpec } from "./required-spec.ts";

/** What the prediction service needs of its thread. */
export interface PredictionServices {
  readonly inference: Inference;
  readonly recorder: CallRecorder;
  /** Largest request; what one unpacks to may be twice that. */
  readonly maxRequestBytes: number;
  /** Response tensors as `tensor_content` instead of typed fields. */
  readonly asTensorContent: boolean;
}

const SERVICE = "/tensorflow.serving.PredictionService/";

/** The inference calls of `tensorflow.serving.PredictionService`, by path. */
export function predictionServiceMethods(services: PredictionServices): Map<string, GrpcMethod> {
  const { inference, recorder, asTensorContent, maxRequestBytes } = services;
  const budget = () => new AllocationBudget(2 * maxRequestBytes);

  const predict = (message: Uint8Array, call: GrpcCall) => {
    const request = decodePredictRequest(message, budget());
    const spec = requiredSpec(request.modelSpec);
    return recorder.record("Predict", spec.name, () => inference.predict(spec, new GrpcPredict(request, asTensorContent), call));
  };
  const classify = (message: Uint8Array, call: GrpcCall) => {
    const request = decodeExampleRequest(message, budget());
    const spec = requiredSpec(request.modelSpec);
    return recorder.record("Classify", spec.name, async () => {
      const { resolved, rows } = await inference.classify({ spec, examples: request.examples }, call);
      return encodeClassificationResponse(resolved, rows);
    });
  };
  const regress = (message: Uint8Array, call: GrpcCall) => {
    const request = decodeExampleRequest(message, budget());
    const spec = requiredSpec(request.modelSpec);
    return recorder.record("Regress", spec.name, async () => {
      const { resolved, values } = await inference.regress({ spec, examples: request.examples }, call);
      return encodeRegressionResponse(resolved, values);
    });
  };
  const multiInference = async (message: Uint8Array, call: GrpcCall) => {
    const request = decodeMultiInferenceRequest(message, budget());
    const tasks = request.tasks.map((task) => ({ spec: task.modelSpec, methodName: task.methodName }));
    return encodeMultiInferenceResponse(await inference.multiInference(tasks, request.examples, call));
  };

  return new Map<string, GrpcMethod>([
    [`${SERVICE}Predict`, { kind: "unary", run: predict }],
    [`${SERVICE}Classify`, { kind: "unary", run: classify }],
    [`${SERVICE}Regress`, { kind: "unary", run: regress }],
    [`${SERVICE}MultiInference`, { kind: "unary", run: multiInference }],
  ]);
}
