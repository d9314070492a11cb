import { create } from "@bufbuild/protobuf";
import {
  ReloadConfigRequestSchema,
  type ReloadConfigResponse,
  ReloadConfigResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/model_management_pb.ts";
import type { GrpcClient } from "./grpc-client.ts";

/** Asks the server to serve these ONNX models and no others. */
export function reload(
  client: GrpcClient,
  models: readonly (readonly [name: string, basePath: string])[],
): Promise<ReloadConfigResponse> {
  const config = models.map(([name, basePath]) => ({ name, basePath, modelPlatform: "onnx" }));
  return client.call(
    "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
    ReloadConfigRequestSchema,
    create(ReloadConfigRequestSchema, { config: { config: { case: "modelConfigList", value: { config } } } }),
    ReloadConfigResponseSchema,
  );
}
