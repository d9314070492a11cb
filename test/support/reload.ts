import { create } from "@bufbuild/protobuf";
import {
  ReloadConfigRequestSchema,
  type ReloadConfigResponse,
  ReloadConfigResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/model_management_pb.ts";
import type { GrpcClient } from "./grpc-client.ts";

/** Asks the server to serve these models of one platform, and no others. */
export function reload(
  client: GrpcClient,
  models: readonly (readonly [name: string, basePath: string])[],
  platform = "onnx",
): Promise<ReloadConfigResponse> {
  const config = models.map(([name, basePath]) => ({ name, basePath, modelPlatform: platform }));
  return client.call(
    "/tensorflow.serving.ModelService/HandleReloadConfigRequest",
    ReloadConfigRequestSchema,
    create(ReloadConfigRequestSchema, { config: { config: { case: "modelConfigList", value: { config } } } }),
    ReloadConfigResponseSchema,
  );
}
