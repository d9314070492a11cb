import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeTensorProto } from "../../src/codec/tensor-proto.ts";
import { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { stringBytes } from "../../src/tensor/string-array.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { temporaryFolders } from "../support/folders.ts";
import { type GoldenTensor, nestedJson, readTensor, tensorProtoOf } from "../support/golden.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { LIBRARY, NO_LIBRARY } from "../support/tensorflow.ts";

/** In golden.json strings are in base64. */
interface GoldenCase {
  readonly version: number;
  readonly signature: string;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
}

const OWN = new URL("../fixtures/tensorflow/", import.meta.url).pathname;
const SHARED = resolve(import.meta.dirname, "../../../shared/fixtures/tensorflow");

/** All that is there of the original set, else the copies in this project. */
const FOLDER = existsSync(SHARED) ? SHARED : OWN;
const MODELS = readdirSync(FOLDER)
  .filter((name) => existsSync(join(FOLDER, name, "golden.json")))
  .sort();

/** How far a float may be from TensorFlow's own answer, relative above 1: half of 16 bits, double of 64, float of 32. */
const TOLERANCE: Readonly<Record<string, number>> = { DT_HALF: 1e-3, DT_DOUBLE: 1e-12, DT_FLOAT: 2e-6 };

const folder = temporaryFolders();
let server: RunningServer;
let grpc: GrpcClient;

describe.skipIf(LIBRARY === undefined)(`TensorFlow's own answers (${NO_LIBRARY})`, () => {
  describe.each(["gRPC", "REST"])("by %s", (protocol) => {
    // A server for each: some models count their calls.
    beforeAll(async () => {
      const models = MODELS.map((name) => [
        name,
        { base_path: join(FOLDER, name), platform: "tensorflow", version_policy: "all" },
      ]);
      const file = join(folder(), "models.json");
      writeFileSync(file, JSON.stringify({ models: Object.fromEntries(models) }));
      server = await startServer([`--model_config_file=${file}`, `--tensorflow_library=${LIBRARY}`]);
      grpc = new GrpcClient(server.port);
    }, 120_000);

    afterAll(async () => {
      grpc?.close();
      await server?.stop();
    });

    describe.each(MODELS)("%s", (model) => {
      const cases = JSON.parse(readFileSync(join(FOLDER, model, "golden.json"), "utf8")) as GoldenCase[];

      test.each(cases.map((entry, index) => [index, entry.signature, entry] as const))("case %i, %s", async (_, __, entry) => {
        const outputs = protocol === "gRPC" ? await askByGrpc(model, entry) : await askByRest(model, entry);
        expect([...outputs.keys()].sort()).toEqual(Object.keys(entry.outputs).sort());
        for (const [name, wanted] of Object.entries(entry.outputs)) compare(outputs.get(name)!, wanted, name);
      });
    });
  });
});

/** Values of an answer: strings in base64; `shape` where the protocol tells it. */
interface Answer {
  readonly shape?: readonly number[];
  readonly values: readonly (number | string | boolean)[];
}

async function askByGrpc(model: string, { version, signature, inputs }: GoldenCase): Promise<Map<string, Answer>> {
  const request = create(PredictRequestSchema, {
    modelSpec: { name: model, signatureName: signature, versionChoice: { case: "version", value: { value: BigInt(version) } } },
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]) => [name, create(TensorProtoSchema, tensorProtoOf(tensor, "base64"))]),
    ),
  });
  const path = "/tensorflow.serving.PredictionService/Predict";
  const { outputs } = await grpc.call(path, PredictRequestSchema, request, PredictResponseSchema);
  return new Map(
    Object.entries(outputs).map(([name, proto]) => {
      const tensor = decodeTensorProto(toBinary(TensorProtoSchema, proto));
      return [name, { shape: tensor.shape, values: valuesOf(tensor) }];
    }),
  );
}

async function askByRest(model: string, entry: GoldenCase): Promise<Map<string, Answer>> {
  const { version, signature, inputs, outputs } = entry;
  const columns = Object.entries(inputs).map(
    ([name, tensor]) => `${JSON.stringify(name)}: ${nestedJson(tensor, (b64) => ({ b64 }))}`,
  );
  const body = `{"signature_name": ${JSON.stringify(signature)}, "inputs": {${columns.join(", ")}}}`;
  const answer = await rest(`${server.url}/v1/models/${model}/versions/${version}:predict`, body);
  expect(answer.status, answer.text).toBe(200);
  // Integers that JSON.parse would round, and the bare words for what is not finite.
  const text = answer.text
    .replace(/(?<=[[\s,:])-?\d{16,}(?=[\],\s}])/g, '"$&"')
    .replace(/(?<=[[\s,:])(NaN|-?Infinity)(?=[\],\s}])/g, '"$1"');
  const { outputs: found } = JSON.parse(text) as { outputs: unknown };
  const names = Object.keys(outputs);
  const one = names.length === 1;
  return new Map(
    names.map((name) => {
      const value = one ? found : (found as Record<string, unknown>)[name];
      const isBytes = outputs[name]!.dtype === "DT_STRING";
      const leaves = [value].flat(99) as (number | string | boolean | { b64: string })[];
      return [name, { values: leaves.map((leaf) => (isBytes ? base64(leaf as string | { b64: string }) : (leaf as number))) }];
    }),
  );
}

function base64(leaf: string | { readonly b64: string }): string {
  return typeof leaf === "string" ? Buffer.from(leaf).toString("base64") : leaf.b64;
}

function compare({ shape, values }: Answer, wanted: GoldenTensor, name: string): void {
  if (shape !== undefined) expect(shape, name).toEqual(wanted.shape);
  expect(values.length, name).toBe(wanted.data.length);
  const tolerance = TOLERANCE[wanted.dtype];
  for (const [i, expected] of wanted.data.entries()) {
    const got = values[i]!;
    if (tolerance === undefined || !Number.isFinite(Number(expected)))
      expect(String(got), `${name}[${i}]`).toBe(String(expected));
    else {
      const most = tolerance * Math.max(1, Math.abs(Number(expected)));
      expect(Math.abs(Number(got) - Number(expected)), `${name}[${i}]: ${got}, not ${expected}`).toBeLessThanOrEqual(most);
    }
  }
}

function valuesOf(tensor: Tensor): (number | string | boolean)[] {
  if (tensor.dtype !== "string") return readTensor(tensor);
  return Array.from({ length: tensor.data.length }, (_, i) => Buffer.from(stringBytes(tensor.data, i)).toString("base64"));
}
