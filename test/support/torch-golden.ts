import { create, toBinary } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { decodeTensorProto } from "../../src/codec/tensor-proto.ts";
import { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { type Golden, type GoldenTensor, nestedJson, readTensor, tensorProtoOf } from "./golden.ts";
import type { GrpcClient } from "./grpc-client.ts";
import { rest } from "./rest.ts";

/** How far an answer may be from torch's own, as a part of the largest number. */
const TOLERANCE = 1e-4;
const PREDICT = "/tensorflow.serving.PredictionService/Predict";

/** A model's outputs by alias, flat. */
export type FlatOutputs = ReadonlyMap<string, readonly unknown[]>;

/** Asks a model by gRPC, for all outputs. */
export async function askByGrpc(grpc: GrpcClient, name: string, inputs: Golden["inputs"]): Promise<FlatOutputs> {
  const given = Object.entries(inputs).map(([alias, tensor]) => [alias, create(TensorProtoSchema, tensorProtoOf(tensor))]);
  const request = create(PredictRequestSchema, { modelSpec: { name }, inputs: Object.fromEntries(given) });
  const response = await grpc.call(PREDICT, PredictRequestSchema, request, PredictResponseSchema);
  return new Map(
    Object.entries(response.outputs).map(([alias, proto]) => [
      alias,
      readTensor(decodeTensorProto(toBinary(TensorProtoSchema, proto))),
    ]),
  );
}

/** Asks a model by REST. @param aliases all of its outputs */
export async function askByRest(
  url: string,
  name: string,
  inputs: Golden["inputs"],
  aliases: readonly string[],
): Promise<FlatOutputs> {
  const columns = Object.entries(inputs).map(([alias, tensor]) => `"${alias}": ${nestedJson(tensor)}`);
  const { status, text } = await rest(`${url}/v1/models/${name}:predict`, `{"inputs": {${columns.join(", ")}}}`);
  expect(status, text).toBe(200);
  const { outputs } = JSON.parse(text) as { outputs: Record<string, unknown> };
  return new Map(aliases.map((alias) => [alias, [aliases.length === 1 ? outputs : outputs[alias]].flat(9)]));
}

/** Compares answers with torch's own. */
export function compareWithTorch(got: FlatOutputs, wanted: Readonly<Record<string, GoldenTensor>>, protocol: string): void {
  expect([...got.keys()].sort(), protocol).toEqual(Object.keys(wanted).sort());
  for (const [alias, { data }] of Object.entries(wanted)) {
    const own = got.get(alias)!;
    expect(own, `${alias} by ${protocol}`).toHaveLength(data.length);
    const largest = Math.max(...data.map((value) => Math.abs(Number(value))), 1e-30);
    for (const [i, value] of data.entries()) {
      const difference = Math.abs(Number(own[i]) - Number(value)) / largest;
      expect(difference, `${alias}[${i}] by ${protocol}: ${String(own[i])}, not ${String(value)}`).toBeLessThan(TOLERANCE);
    }
  }
}
