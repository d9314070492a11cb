import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeTensorProto } from "../../src/codec/tensor-proto.ts";
import { encodeTensorProto } from "../../src/codec/tensor-proto-plan.ts";
import { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import type { NumericTensor } from "../../src/tensor/tensor.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { readTensor } from "../support/golden.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** A tensor in golden.json: flat and row-major; what is not finite is a word. */
interface GoldenTensor {
  readonly dtype: "float32" | "float64" | "int32" | "int64" | "bool" | "string";
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

/** An answer: its shape where the protocol tells, numbers and texts. */
interface Answer {
  readonly shape?: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

interface GoldenCase {
  readonly signature: string;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
}

/** Files of one library, and how far an answer may be from the library's own, relative above 1. */
interface Library {
  readonly platform: string;
  readonly files: RegExp;
  readonly tolerance: number;
  /** Answers that this server does not give. */
  readonly leftOut: readonly string[];
}

const LIBRARIES: readonly Library[] = [
  { platform: "lightgbm", files: /^model\.txt$/, tolerance: 1e-9, leftOut: [] },
  { platform: "xgboost", files: /^model\.(?:json|ubj|bst|deprecated)$/, tolerance: 1e-6, leftOut: [] },
  { platform: "sklearn", files: /^model.*\.(?:pkl|joblib|gz)$(?<!lz4\.joblib)/, tolerance: 1e-9, leftOut: [] },
];

const folder = temporaryFolders();

describe.each(LIBRARIES)("$platform's own answers", ({ platform, files, tolerance, leftOut }) => {
  const root = fixture(platform);
  const models = readdirSync(root)
    .filter((name) => existsSync(join(root, name, "golden.json")))
    .flatMap((name) =>
      readdirSync(join(root, name))
        .filter((file) => files.test(file))
        .map((file) => ({ name: `${name}.${file}`, path: join(root, name, file), golden: join(root, name, "golden.json") })),
    );
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

  test.each(models)("$name", async ({ name, golden }) => {
    const cases = (JSON.parse(readFileSync(golden, "utf8")) as GoldenCase[]).filter(
      ({ signature }) => !leftOut.includes(signature),
    );
    expect(cases.length).toBeGreaterThan(0);
    for (const { signature, inputs, outputs } of cases) {
      for (const [protocol, ask] of [
        ["gRPC", askByGrpc],
        ["REST", askByRest],
      ] as const) {
        for (const [alias, wanted] of Object.entries(outputs)) {
          compare(await ask(name, signature, inputs, alias), wanted, `${signature} by ${protocol}`);
        }
      }
    }
  });

  async function askByGrpc(model: string, signatureName: string, inputs: GoldenCase["inputs"], alias: string): Promise<Answer> {
    const tensors = Object.entries(inputs).map(([name, tensor]) => [
      name,
      fromBinary(TensorProtoSchema, encodeTensorProto(tensorOf(tensor))),
    ]);
    const request = create(PredictRequestSchema, {
      modelSpec: { name: model, signatureName },
      inputs: Object.fromEntries(tensors),
    });
    const path = "/tensorflow.serving.PredictionService/Predict";
    const response = await grpc.call(path, PredictRequestSchema, request, PredictResponseSchema);
    const tensor = decodeTensorProto(toBinary(TensorProtoSchema, response.outputs[alias]!));
    return { shape: tensor.shape, data: readTensor(tensor) };
  }

  async function askByRest(model: string, signature: string, inputs: GoldenCase["inputs"]): Promise<Answer> {
    const columns = Object.entries(inputs).map(([name, tensor]) => `"${name}": ${rowsOf(tensor)}`);
    const body = `{"signature_name": "${signature}", "inputs": {${columns.join(", ")}}}`;
    const { status, text } = await rest(`${server.url}/v1/models/${encodeURIComponent(model)}:predict`, body);
    expect(status, text).toBe(200);
    const found = JSON.parse(text.replace(/(?<=[[\s,:])(NaN|-?Infinity)(?=[\],\s}])/g, '"$1"')) as { outputs: unknown };
    return { data: [found.outputs].flat(9) as number[] };
  }

  function compare({ shape, data }: Answer, wanted: GoldenTensor, what: string): void {
    if (shape !== undefined) expect(shape, what).toEqual(wanted.shape);
    expect(data, what).toHaveLength(wanted.data.length);
    for (const [i, value] of wanted.data.entries()) {
      if (wanted.dtype === "string") {
        expect(data[i], `${what}[${i}]`).toBe(value);
        continue;
      }
      const [got, expected] = [Number(data[i]), Number(value)];
      if (!Number.isFinite(expected)) expect(got, `${what}[${i}]`).toBe(expected);
      else
        expect(Math.abs(got - expected), `${what}[${i}]: ${got}, not ${expected}`).toBeLessThanOrEqual(
          tolerance * Math.max(1, Math.abs(expected)),
        );
    }
  }
});

/** An input; models take float32, float64 and int32. */
function tensorOf({ dtype, shape, data }: GoldenTensor): NumericTensor {
  const numbers = data.map(Number);
  if (dtype === "int64" || dtype === "string" || dtype === "bool") throw new Error(`no model takes ${dtype}`);
  return {
    dtype,
    shape,
    data:
      dtype === "float64"
        ? Float64Array.from(numbers)
        : dtype === "float32"
          ? Float32Array.from(numbers)
          : Int32Array.from(numbers),
  };
}

/** A matrix in JSON, with the words for what is not finite. */
function rowsOf({ shape, data }: GoldenTensor): string {
  const [rows = 0, width = 0] = shape;
  return `[${Array.from({ length: rows }, (_, row) => `[${data.slice(row * width, (row + 1) * width).join(", ")}]`).join(", ")}]`;
}
