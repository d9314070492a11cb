import { create, createFileRegistry, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import {
  type ServerReflectionRequestSchema as RequestSchema,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { GRPCInferenceService } from "../../gen/inference/grpc_service_pb.ts";
import { ModelService } from "../../gen/tensorflow_serving/apis/model_service_pb.ts";
import { PredictionService } from "../../gen/tensorflow_serving/apis/prediction_service_pb.ts";
import { fakeCall } from "../../transport/grpc/fake-call.ts";
import type { StreamingMethod } from "../../transport/grpc/method.ts";
import { reflectionMethods } from "./reflection-methods.ts";

type Asked = MessageInitShape<typeof RequestSchema>["messageRequest"];

const SERVICES = [PredictionService, ModelService, GRPCInferenceService];
const methods = reflectionMethods(SERVICES);
const call = fakeCall();

async function ask(messages: readonly Uint8Array[], path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo") {
  async function* all() {
    yield* messages;
  }
  const responses: ServerReflectionResponse[] = [];
  await (methods.get(path) as StreamingMethod).run(
    all(),
    async (message) => {
      responses.push(fromBinary(ServerReflectionResponseSchema, message));
    },
    call,
  );
  return responses;
}

function request(messageRequest: Asked): Uint8Array {
  return toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, { host: "h", messageRequest }));
}

async function answerTo(messageRequest: Asked) {
  const [response] = await ask([request(messageRequest)]);
  return response.messageResponse;
}

async function filesOf(messageRequest: Asked) {
  const answer = await answerTo(messageRequest);
  if (answer.case !== "fileDescriptorResponse") throw new Error(`got ${answer.case}`);
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

test.each([
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
])("%s lists the services and reflection itself", async (path) => {
  const [{ messageResponse, validHost, originalRequest }] = await ask([request({ case: "listServices", value: "*" })], path);
  expect(validHost).toBe("h");
  expect(originalRequest?.messageRequest).toEqual({ case: "listServices", value: "*" });
  if (messageResponse.case !== "listServicesResponse") throw new Error(`got ${messageResponse.case}`);
  expect(messageResponse.value.service.map((service) => service.name)).toEqual([
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
  ]);
});

describe("symbols lead to the file that declares them", () => {
  test.each([
    ["a service", "tensorflow.serving.PredictionService", "tensorflow_serving/apis/prediction_service.proto"],
    ["a method", "tensorflow.serving.PredictionService.Predict", "tensorflow_serving/apis/prediction_service.proto"],
    ["a message", "tensorflow.TensorProto", "tensorflow/core/framework/tensor.proto"],
    ["a nested message", "tensorflow.TensorShapeProto.Dim", "tensorflow/core/framework/tensor_shape.proto"],
    ["a map's entry", "tensorflow.serving.PredictRequest.InputsEntry", "tensorflow_serving/apis/predict.proto"],
    ["a field", "tensorflow.serving.ModelSpec.version_label", "tensorflow_serving/apis/model.proto"],
    ["a oneof", "tensorflow.serving.ModelSpec.version_choice", "tensorflow_serving/apis/model.proto"],
    ["an enum", "tensorflow.DataType", "tensorflow/core/framework/types.proto"],
    ["an enum's value", "tensorflow.DT_FLOAT", "tensorflow/core/framework/types.proto"],
    [
      "a nested enum's value",
      "tensorflow.serving.ModelVersionStatus.AVAILABLE",
      "tensorflow_serving/apis/get_model_status.proto",
    ],
    ["a well-known type", "google.protobuf.Any", "google/protobuf/any.proto"],
    ["reflection itself", "grpc.reflection.v1.ServerReflection", "grpc/reflection/v1/reflection.proto"],
  ])("%s", async (_, symbol, file) => {
    const files = await filesOf({ case: "fileContainingSymbol", value: symbol });
    expect(files[0].name).toBe(file);
  });
});

test.each(SERVICES.map((service) => [service.typeName, service] as const))(
  "what comes with %s is enough to build it, methods and all",
  async (typeName, service) => {
    const files = await filesOf({ case: "fileContainingSymbol", value: typeName });
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files.toReversed() }));
    const built = registry.getService(typeName);
    expect(built?.methods.map((method) => method.name)).toEqual(service.methods.map((method) => method.name));
  },
);

test("every imported file can be had by its name", async () => {
  const pending = ["tensorflow_serving/apis/prediction_service.proto", "tensorflow_serving/apis/model_service.proto"];
  const seen = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const [file] = await filesOf({ case: "fileByFilename", value: name });
    expect(file.name).toBe(name);
    pending.push(...file.dependency);
  }
  expect(seen).toContain("google/protobuf/wrappers.proto");
  expect(seen).toContain("tensorflow/core/framework/types.proto");
});

describe("what is not there", () => {
  test.each<[string, Asked]>([
    ["a file", { case: "fileByFilename", value: "no.proto" }],
    ["a symbol", { case: "fileContainingSymbol", value: "no.Symbol" }],
    [
      "an extension",
      { case: "fileContainingExtension", value: { containingType: "tensorflow.TensorProto", extensionNumber: 1 } },
    ],
    ["extensions of no message", { case: "allExtensionNumbersOfType", value: "no.Message" }],
  ])("%s is answered not found, within the stream", async (_, asked) => {
    const answer = await answerTo(asked);
    expect(answer).toMatchObject({ case: "errorResponse", value: { errorCode: 5 } });
  });

  test("a message without extensions has none", async () => {
    const answer = await answerTo({ case: "allExtensionNumbersOfType", value: "tensorflow.TensorProto" });
    expect(answer).toMatchObject({
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: "tensorflow.TensorProto", extensionNumber: [] },
    });
  });

  test("a request that asks nothing is answered invalid argument", async () => {
    expect(await answerTo({ case: undefined })).toMatchObject({ case: "errorResponse", value: { errorCode: 3 } });
  });
});

test("a stream goes on after an error, one answer for each request", async () => {
  const asked: Asked[] = [
    { case: "fileByFilename", value: "no.proto" },
    { case: "listServices", value: "" },
  ];
  const responses = await ask(asked.map(request));
  expect(responses.map((response) => response.messageResponse.case)).toEqual(["errorResponse", "listServicesResponse"]);
});

test("bytes that are no request end the stream with an invalid argument", async () => {
  await expect(ask([Uint8Array.of(0x0a, 9)])).rejects.toThrow(/not a ServerReflectionRequest/);
});
