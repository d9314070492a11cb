import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { PredictRequestSchema } from "../src/gen/tensorflow_serving/apis/predict_pb.ts";
// @ts-expect-error The benchmark's scripts are plain JavaScript without types.
import { grpcBody, makeRows, restBody } from "./request-bodies.mjs";

test("the gRPC message holds the rows of the REST body", () => {
  const rows: number[][] = makeRows("mnist_mlp", 3);
  const framed: Buffer = grpcBody("mnist_mlp", rows);
  expect(framed.readUInt32BE(1)).toBe(framed.length - 5);

  const { modelSpec, inputs } = fromBinary(PredictRequestSchema, framed.subarray(5));
  const { tensorShape, tensorContent } = inputs.x!;
  expect(modelSpec?.name).toBe("mnist_mlp");
  expect(tensorShape?.dim.map(({ size }) => size)).toEqual([3n, 784n]);
  expect([...new Float32Array(Uint8Array.from(tensorContent).buffer)]).toEqual(rows.flat().map(Math.fround));
  expect(JSON.parse(restBody(rows))).toEqual({ instances: rows });
});
