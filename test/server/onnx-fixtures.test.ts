import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeTensorProto } from "../../src/codec/tensor-proto.ts";
import { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { type Golden, goldenOutputs, nestedJson, readTensor, sameValues, tensorProtoOf } from "../support/golden.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const FOLDER = new URL("../fixtures/onnx/", import.meta.url).pathname;
const MODELS = readdirSync(FOLDER).sort();

let server: RunningServer;
let grpc: GrpcClient;

beforeAll(async () => {
  server = await startServer([FOLDER]);
  grpc = new GrpcClient(server.port);
});

afterAll(async () => {
  grpc?.close();
  await server?.stop();
});

describe.each(MODELS)("%s answers as its framework did", (model) => {
  const entries = JSON.parse(
    readFileSync(join(FOLDER, model, "golden.json"), "utf8").replace(/(?<=[[ ,])-?\d{16,}(?=[\],])/g, '"$&"'),
  ) as Golden[];

  test.each(entries.map((entry, index) => [index, entry] as const))("by gRPC, entry %i", async (_index, entry) => {
    const inputs = Object.fromEntries(
      Object.entries(entry.inputs).map(([name, tensor]) => [name, create(TensorProtoSchema, tensorProtoOf(tensor))]),
    );
    const request = create(PredictRequestSchema, { modelSpec: { name: model }, inputs });
    const response = await grpc.call(
      "/tensorflow.serving.PredictionService/Predict",
      PredictRequestSchema,
      request,
      PredictResponseSchema,
    );
    const expected = goldenOutputs(entry.outputs);
    expect(
      Object.keys(response.outputs)
        .filter((name) => !name.endsWith(".shapes"))
        .sort(),
    ).toEqual([...expected.keys()].sort());
    for (const [name, tensor] of expected) {
      const got = decodeTensorProto(toBinary(TensorProtoSchema, response.outputs[name]));
      expect(got.shape, name).toEqual(tensor.shape);
      sameValues(readTensor(got), tensor, name);
    }
  });

  test.each(entries.map((entry, index) => [index, entry] as const))("by REST, entry %i", async (_index, entry) => {
    const body = `{"inputs": {${Object.entries(entry.inputs)
      .map(([name, tensor]) => `${JSON.stringify(name)}: ${nestedJson(tensor)}`)
      .join(", ")}}}`;
    const answer = await rest(`${server.url}/v1/models/${model}:predict`, body);
    expect(answer.status, answer.text).toBe(200);
    const outputs = (JSON.parse(answer.text.replace(/(?<=[[\s,])-?\d{16,}(?=[\],\s])/g, '"$&"')) as { outputs: unknown }).outputs;
    const expected = goldenOutputs(entry.outputs);
    for (const [name, tensor] of expected) {
      const value =
        expected.size === 1 && !(typeof outputs === "object" && outputs !== null && name in outputs)
          ? outputs
          : (outputs as Record<string, unknown>)[name];
      sameValues([value].flat(99) as (number | string | boolean)[], tensor, name);
    }
  });
});
