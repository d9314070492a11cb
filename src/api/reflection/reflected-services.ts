import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { ModelService } from "../../gen/tensorflow_serving/apis/model_service_pb.ts";
import { PredictionService } from "../../gen/tensorflow_serving/apis/prediction_service_pb.ts";
import { SessionService } from "../../gen/tensorflow_serving/apis/session_service_pb.ts";
import type { GrpcMethod } from "../../transport/grpc/method.ts";
import { reflectionMethods } from "./reflection-methods.ts";

/** Reflection over the services of this server, the session service only where it is served. */
export function reflectedServices({ sessionService }: { readonly sessionService: boolean }): Map<string, GrpcMethod> {
  const optional = sessionService ? [SessionService] : [];
  return reflectionMethods([PredictionService, ModelService, Health, ...optional]);
}
