import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeTensorProto } from "../../src/codec/tensor-proto.ts";
import { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { type GoldenTensor, nestedJson, readTensor, tensorProtoOf } from "../support/golden.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { rest } from "../support/rest.ts";
import type { FrameworkCase, FrameworkTensor } from "../support/run-program.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** A retired framework whose models become ONNX graphs. */
interface Framework {
  readonly platform: string;
  /** The base path of a model, by its folder. */
  readonly basePath: (folder: string, name: string) => string;
}

const FRAMEWORKS: readonly Framework[] = [
  { platform: "mxnet", basePath: (folder, name) => join(folder, name) },
  { platform: "caffe2", basePath: (folder) => folder },
  { platform: "cntk", basePath: (folder) => folder },
];

/** How far an answer may be from the framework's, as a part of an output's largest number. */
const TOLERANCE = 1e-5;

const DTYPES = {
  float32: "DT_FLOAT",
  float64: "DT_DOUBLE",
  float16: "DT_HALF",
  int32: "DT_INT32",
  int64: "DT_INT64",
  uint8: "DT_UINT8",
  bool: "DT_BOOL",
} as const;

const folder = temporaryFolders();

describe.each(FRAMEWORKS)("$platform's own answers", ({ platform, basePath }) => {
  const models = readdirSync(fixture(platform))
    .filter((name) => existsSync(fixture(platform, name, "golden.json")))
    .map((name) => ({ name, path: basePath(fixture(platform, name), name) }));
  let server: RunningServer;
  let grpc: GrpcClient;

  beforeAll(async () => {
    const config = join(folder(), "models.json");
    const entries = models.map(({ name, path }) => [name, { base_path: path, platform }]);
    writeFileSync(config, JSON.stringify({ models: Object.fromEntries(entries) }));
    server = await startServer([`--model_config_file=${config}`]);
    grpc = new GrpcClient(server.port);
  }, 60_000);

  afterAll(async () => {
    grpc?.close();
    await server?.stop();
  });

  test.each(models)("$name", async ({ name }) => {
    const cases = JSON.parse(readFileSync(fixture(platform, name, "golden.json"), "utf8")) as FrameworkCase[];
    expect(cases.length).toBeGreaterThan(0);
    for (const { inputs, outputs } of cases) {
      await askByGrpc(name, inputs, outputs);
      await askByRest(name, inputs, outputs);
    }
  });

  async function askByGrpc(model: string, inputs: FrameworkCase["inputs"], outputs: FrameworkCase["outputs"]): Promise<void> {
    const given = Object.entries(inputs).map(([name, tensor]) => [
      name,
      create(TensorProtoSchema, tensorProtoOf(golden(tensor))),
    ]);
    const request = create(PredictRequestSchema, { modelSpec: { name: model }, inputs: Object.fromEntries(given) });
    const path = "/tensorflow.serving.PredictionService/Predict";
    const response = await grpc.call(path, PredictRequestSchema, request, PredictResponseSchema);
    expect(Object.keys(response.outputs).sort()).toEqual(Object.keys(outputs).sort());
    for (const [name, wanted] of Object.entries(outputs)) {
      const tensor = decodeTensorProto(toBinary(TensorProtoSchema, response.outputs[name]!));
      expect([tensor.dtype, tensor.shape], name).toEqual([wanted.dtype, wanted.shape]);
      expectNear(readTensor(tensor), wanted, `${name} by gRPC`);
    }
  }

  async function askByRest(model: string, inputs: FrameworkCase["inputs"], outputs: FrameworkCase["outputs"]): Promise<void> {
    const columns = Object.entries(inputs).map(([name, tensor]) => `${JSON.stringify(name)}: ${nestedJson(golden(tensor))}`);
    const { status, text } = await rest(`${server.url}/v1/models/${model}:predict`, `{"inputs": {${columns.join(", ")}}}`);
    expect(status, text).toBe(200);
    const found = (JSON.parse(text) as { outputs: Record<string, unknown> }).outputs;
    const names = Object.keys(outputs);
    for (const name of names) {
      const value = names.length === 1 ? found : found[name];
      expectNear([value].flat(99) as number[], outputs[name]!, `${name} by REST`);
    }
  }
});

test("a prefix of files is a base path, as Simple TensorFlow Serving has it for MXNet", async () => {
  const prefix = fixture("mxnet", "mlp_module", "mlp_module");
  const server = await startServer(["--model_name=mx_mlp", `--model_base_path=${prefix}`, "--model_platform=mxnet"]);
  try {
    const [{ inputs, outputs }] = JSON.parse(
      readFileSync(fixture("mxnet", "mlp_module", "golden.json"), "utf8"),
    ) as FrameworkCase[];
    const { status, text } = await rest(
      `${server.url}/v1/models/mx_mlp/versions/1:predict`,
      `{"inputs": ${nestedJson(golden(inputs.data!))}}`,
    );
    expect(status, text).toBe(200);
    expectNear((JSON.parse(text) as { outputs: number[] }).outputs.flat(9), outputs.softmax_output!, "the answer");
  } finally {
    await server.stop();
  }
});

/** With the dtype as TensorProto calls it. */
function golden({ dtype, shape, data }: FrameworkTensor): GoldenTensor {
  return { dtype: DTYPES[dtype as keyof typeof DTYPES], shape, data };
}

function expectNear(got: readonly (number | string | boolean)[], { data }: FrameworkTensor, what: string): void {
  expect(got, what).toHaveLength(data.length);
  const largest = data.reduce<number>((most, value) => Math.max(most, Math.abs(Number(value))), 0);
  for (const [i, value] of data.entries()) {
    const difference = Math.abs(Number(got[i]) - Number(value));
    if (!(difference <= TOLERANCE * largest)) expect.fail(`${what}[${i}]: ${got[i]}, not ${value}`);
  }
}
