import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeTensorProto } from "../../src/codec/tensor-proto.ts";
import { encodeTensorProto } from "../../src/codec/tensor-proto-plan.ts";
import { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { modelStatus, states } from "../support/model-status.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import {
  compareTabular,
  inputJson,
  inputTensor,
  OTHERS_ARE_THERE,
  parseAnswer,
  rowsJson,
  type TabularAnswer,
  type TabularCase,
  tabularModels,
  tensorAnswer,
} from "../support/tabular-golden.ts";

/** Models of one library, and how far an answer may be from the library's own, relative above 1. */
interface Library {
  readonly platform: string;
  /** The files that are models, or the name of the folder that is one. */
  readonly files: RegExp | string;
  readonly tolerance: number;
  /** Signatures that this server does not have. */
  readonly leftOut: readonly string[];
}

const LIBRARIES: readonly Library[] = [
  { platform: "lightgbm", files: /^model\.(?:txt|pkl)$/, tolerance: 1e-9, leftOut: [] },
  // What estimators add to their boosters only pickles have.
  {
    platform: "xgboost",
    files: /^model\.(?:json|ubj|bst|deprecated)$/,
    tolerance: 1e-6,
    leftOut: ["sklearn_predict", "predict_proba"],
  },
  { platform: "xgboost", files: /^model\.(?:pkl|p2\.pkl|wrapper\.(?:pkl|joblib))$/, tolerance: 1e-6, leftOut: [] },
  { platform: "catboost", files: /^model\.(?:cbm|json|pkl)$/, tolerance: 1e-9, leftOut: [] },
  { platform: "h2o", files: /^model\.zip$/, tolerance: 1e-6, leftOut: [] },
  { platform: "spark", files: "model", tolerance: 1e-9, leftOut: [] },
  { platform: "pmml", files: /^model\.pmml$/, tolerance: 1e-9, leftOut: [] },
  { platform: "sklearn", files: /^model.*\.(?:pkl|joblib|gz|bz2|xz|lzma|skops)$/, tolerance: 1e-9, leftOut: [] },
];

const PREDICT = "/tensorflow.serving.PredictionService/Predict";
const INVALID_ARGUMENT = 3;

/** An answer's outputs by alias; undefined where the server refused the request as the caller's fault. */
type Outputs = ReadonlyMap<string, TabularAnswer> | undefined;

const folder = temporaryFolders();

test.skipIf(OTHERS_ARE_THERE)("(models of others are skipped: the folder shared is not there)", () => undefined);

describe.each(LIBRARIES)("$platform's own answers", ({ platform, files, tolerance, leftOut }) => {
  const models = tabularModels(platform, files);
  let server: RunningServer;
  let grpc: GrpcClient;
  let worst = 0;

  beforeAll(async () => {
    const config = join(folder(), "models.json");
    const entries = models.map(({ name, path }) => [name, { base_path: path, platform }]);
    writeFileSync(config, JSON.stringify({ models: Object.fromEntries(entries) }));
    server = await startServer([`--model_config_file=${config}`], { until: "listening" });
    grpc = new GrpcClient(server.port);
  }, 60_000);

  afterAll(async () => {
    if (process.env.MODELPORT_SHOW_WORST !== undefined)
      process.stdout.write(`${platform}: ${models.length} files, worst ${worst.toExponential(1)}\n`);
    grpc?.close();
    await server?.stop();
  });

  test.each(models)("$name", { timeout: 60_000 }, async ({ name, cases }) => {
    await expect.poll(() => states(server.url, name), { timeout: 30_000 }).toMatch(/END|AVAILABLE/);
    const [version] = await modelStatus(server.url, name);
    expect(version!.state, version!.status.error_message).toBe("AVAILABLE");
    const asked = cases.filter(({ signature }) => !leftOut.includes(signature));
    expect(asked.length).toBeGreaterThan(0);
    for (const [index, one] of asked.entries()) {
      const answers: [string, Outputs][] = [["REST rows", await askRows(name, one)]];
      // Nothing but a row tells how many there are without an input.
      if (Object.keys(one.inputs).length > 0) {
        answers.push(["gRPC", await askByGrpc(name, one)], ["REST columns", await askColumns(name, one)]);
      }
      for (const [protocol, outputs] of answers) check(outputs, one, `case ${index}, ${one.signature} by ${protocol}`);
    }
  });

  function check(got: Outputs, { outputs = {}, error }: TabularCase, what: string): void {
    expect(got === undefined, error === undefined ? `${what} is answered` : `${what} is refused (${error})`).toBe(
      error !== undefined,
    );
    if (got === undefined) return;
    for (const [alias, wanted] of Object.entries(outputs)) {
      const own = got.get(alias) ?? expect.fail(`${what}: there is no output "${alias}", but ${[...got.keys()].join(", ")}`);
      worst = Math.max(worst, compareTabular(own, wanted, tolerance, `${what}, ${alias}`));
    }
  }

  async function askByGrpc(model: string, { signature: signatureName, inputs }: TabularCase): Promise<Outputs> {
    const protos = Object.entries(inputs).map(([name, tensor]) => [
      name,
      fromBinary(TensorProtoSchema, encodeTensorProto(inputTensor(tensor))),
    ]);
    const request = create(PredictRequestSchema, {
      modelSpec: { name: model, signatureName },
      inputs: Object.fromEntries(protos),
    });
    const { messages, status } = await grpc.raw(PREDICT, toBinary(PredictRequestSchema, request));
    if (status.code === INVALID_ARGUMENT) return undefined;
    expect(status.code, status.message).toBe(0);
    const { outputs } = fromBinary(PredictResponseSchema, messages[0]!);
    return new Map(
      Object.entries(outputs).map(([alias, proto]) => [
        alias,
        tensorAnswer(decodeTensorProto(toBinary(TensorProtoSchema, proto))),
      ]),
    );
  }

  async function askColumns(model: string, { signature, inputs, outputs = {} }: TabularCase): Promise<Outputs> {
    const columns = Object.entries(inputs).map(([name, tensor]) => `${JSON.stringify(name)}: ${inputJson(tensor)}`);
    const found = await askByRest(model, `{"signature_name": "${signature}", "inputs": {${columns.join(", ")}}}`);
    return found === undefined ? undefined : byAlias((found as { outputs: unknown }).outputs, Object.keys(outputs));
  }

  /** Answers of rows come by row, and by alias where there is more than one. */
  async function askRows(model: string, { signature, inputs, outputs = {} }: TabularCase): Promise<Outputs> {
    const found = await askByRest(model, `{"signature_name": "${signature}", "instances": ${rowsJson(inputs)}}`);
    if (found === undefined) return undefined;
    const { predictions } = found as { predictions: readonly unknown[] };
    const [first] = predictions;
    if (typeof first !== "object" || first === null || Array.isArray(first)) return byAlias(predictions, Object.keys(outputs));
    const rows = predictions as readonly Record<string, unknown>[];
    return new Map(Object.keys(first).map((alias) => [alias, flat(rows.map((row) => row[alias]))]));
  }

  /** The body of an answer; undefined where the request was refused as the caller's fault. */
  async function askByRest(model: string, body: string): Promise<unknown> {
    const { status, text } = await rest(`${server.url}/v1/models/${encodeURIComponent(model)}:predict`, body);
    if (status === 400) return undefined;
    expect(status, text).toBe(200);
    return parseAnswer(text);
  }

  /** Outputs by alias; a value that is no object is the only output's. */
  function byAlias(value: unknown, aliases: readonly string[]): Outputs {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return new Map([[aliases[0]!, flat(value)]]);
    return new Map(Object.entries(value).map(([alias, own]) => [alias, flat(own)]));
  }

  function flat(value: unknown): TabularAnswer {
    return { data: [value].flat(9) };
  }
});
