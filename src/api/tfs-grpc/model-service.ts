import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ServingError } from "../../base/serving-error.ts";
import { statusNumber } from "../../base/status-code.ts";
import { Code } from "../../gen/tensorflow/core/protobuf/error_codes_pb.ts";
import {
  GetModelStatusRequestSchema,
  GetModelStatusResponseSchema,
  ModelVersionStatus_State,
} from "../../gen/tensorflow_serving/apis/get_model_status_pb.ts";
import { ReloadConfigRequestSchema, ReloadConfigResponseSchema } from "../../gen/tensorflow_serving/apis/model_management_pb.ts";
import { ModelServerConfigSchema } from "../../gen/tensorflow_serving/config/model_server_config_pb.ts";
import type { ControlCalls } from "../../serving/admin.ts";
import type { ServingTable } from "../../serving/serving-table.ts";
import type { GrpcMethod } from "../../transport/grpc/method.ts";
import { fromMessage } from "./model-spec-message.ts";

const SERVICE = "/tensorflow.serving.ModelService/";

/** `tensorflow.serving.ModelService` by path. */
export function modelServiceMethods(table: ServingTable, control: ControlCalls): Map<string, GrpcMethod> {
  return new Map<string, GrpcMethod>([
    [`${SERVICE}GetModelStatus`, { kind: "unary", run: (message) => modelStatus(table, message) }],
    [`${SERVICE}HandleReloadConfigRequest`, { kind: "unary", run: (message) => reload(control, message) }],
  ]);
}

function modelStatus(table: ServingTable, message: Uint8Array): Uint8Array {
  const request = parse("GetModelStatusRequest", () => fromBinary(GetModelStatusRequestSchema, message));
  const spec = fromMessage(request.modelSpec);
  const statuses = table.statuses(spec.name, spec.version);
  const response = create(GetModelStatusResponseSchema, {
    modelVersionStatus: statuses.map(({ version, state, error }) => ({
      version,
      state: ModelVersionStatus_State[state],
      status: { errorCode: statusNumber(error?.code ?? "ok") as Code, errorMessage: error?.message ?? "" },
    })),
  });
  return toBinary(GetModelStatusResponseSchema, response);
}

async function reload(control: ControlCalls, message: Uint8Array): Promise<Uint8Array> {
  const request = parse("ReloadConfigRequest", () => fromBinary(ReloadConfigRequestSchema, message));
  if (request.config?.config.case !== "modelConfigList") {
    throw new ServingError(
      "invalid-argument",
      "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported",
    );
  }
  const before = await control.counters(request.metricNames);
  const outcome = await control.reload(toBinary(ModelServerConfigSchema, request.config));
  if (outcome.code !== "ok") throw new ServingError(outcome.code, outcome.message);
  const after = await control.counters(request.metricNames);
  const response = create(ReloadConfigResponseSchema, {
    status: { errorCode: Code.OK, errorMessage: "" },
    metric: request.metricNames.map((name, i) => ({
      name,
      valueIncrease: { case: "int64ValueIncrease" as const, value: BigInt(Math.trunc((after[i] ?? 0) - (before[i] ?? 0))) },
    })),
  });
  return toBinary(ReloadConfigResponseSchema, response);
}

function parse<Message>(name: string, read: () => Message): Message {
  try {
    return read();
  } catch (cause) {
    throw new ServingError("invalid-argument", `the message is not a ${name}`, { cause });
  }
}
