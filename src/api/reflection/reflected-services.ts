import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ModelService } from "../../gen/tensorflow_serving/apis/model_service_pb.ts";
import { PredictionService } from "../../gen/tensorflow_serving/apis/prediction_service_pb.ts";
import type { GrpcMethod } from "../../transport/grpc/method.ts";
import { reflectionMethods } from "./reflection-methods.ts";

/** Reflection over the services of this server. */
export function reflectedServices(): Map<string, GrpcMethod> {
  return reflectionMethods([PredictionService, ModelService, Health]);
}
