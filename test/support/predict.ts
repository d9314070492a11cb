import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture } from "./folders.ts";
import type { GrpcClient, GrpcStatus } from "./grpc-client.ts";

/** y = x / 2 + 2 on floats. */
export const HALF_PLUS_TWO = fixture("identity", "saved_model_half_plus_two_2_versions", "123", "model.onnx");

/** Takes as long as it is told: `n` rounds of the sine over `x`, about a microsecond each. */
export const ROUNDS = fixture("onnx_runtime", "rounds.onnx");

const PREDICT = "/tensorflow.serving.PredictionService/Predict";

/** A gRPC Predict call; `values` are there when it went well. */
export async function grpcPredict(
  client: GrpcClient,
  name: string,
  inputs: Record<string, MessageInitShape<typeof TensorProtoSchema>> = { x: floats(1, 2) },
): Promise<{ readonly status: GrpcStatus; readonly values: readonly number[] }> {
  const request = create(PredictRequestSchema, { modelSpec: { name }, inputs });
  const { messages, status } = await client.raw(PREDICT, toBinary(PredictRequestSchema, request));
  const outputs = messages.length === 0 ? {} : fromBinary(PredictResponseSchema, messages[0]).outputs;
  return { status, values: Object.values(outputs).flatMap(({ floatVal }) => floatVal) };
}

/** A vector of floats. */
export function floats(...values: number[]): MessageInitShape<typeof TensorProtoSchema> {
  return { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: BigInt(values.length) }] }, floatVal: values };
}

/** A single integer. */
export function integer(value: number): MessageInitShape<typeof TensorProtoSchema> {
  return { dtype: DataType.DT_INT64, tensorShape: {}, int64Val: [BigInt(value)] };
}
