export { Health } from "../gen/grpc/health/v1/health_pb.ts";
export { ModelService } from "../gen/tensorflow_serving/apis/model_service_pb.ts";
export { PredictionService } from "../gen/tensorflow_serving/apis/prediction_service_pb.ts";
