import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { encodeTfRecord } from "../../src/codec/tf-record/tf-record-writer.ts";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import {
  GetModelMetadataRequestSchema,
  GetModelMetadataResponseSchema,
  SignatureDefMapSchema,
} from "../../src/gen/tensorflow_serving/apis/get_model_metadata_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { PredictionLogSchema } from "../../src/gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { type Golden, nestedJson } from "../support/golden.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { states } from "../support/model-status.ts";
import { errorText, rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, runCommand, startServer } from "../support/server.ts";

const DIGITS = new URL("../../examples/digits/", import.meta.url).pathname;
const MODEL = join(DIGITS, "model/1/model.onnx");
const EXPECTED = JSON.parse(readFileSync(join(DIGITS, "expected.json"), "utf8")) as {
  readonly digit: readonly number[];
  readonly probabilities: readonly (readonly number[])[];
};
const { instances: IMAGES } = JSON.parse(readFileSync(join(DIGITS, "requests/ten-images.json"), "utf8")) as {
  readonly instances: readonly (readonly number[])[];
};
const NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const GRPC = "/tensorflow.serving.PredictionService";

/** Pixels as bytes, the two best digits by name. */
const LABELLED = `
inputs:
  pixels: {dtype: uint8}
preprocess:
  - cast: {to: float32}
postprocess:
  - top_k: {input: probabilities, k: 2, values: scores, labels: names, vocabulary: names.txt}
outputs: [names, scores]
signatures:
  sure:
    from: serving_default
    postprocess:
      - threshold: {input: probabilities, at: 0.9, output: sure}
    outputs: [sure]
`;

const folder = temporaryFolders();
let server: RunningServer | undefined;
let grpc: GrpcClient | undefined;

afterEach(async () => {
  grpc?.close();
  await server?.stop();
  [server, grpc] = [undefined, undefined];
});

async function start(...args: readonly string[]): Promise<RunningServer> {
  server = await startServer([...args, "--threads=1"]);
  grpc = new GrpcClient(server.port);
  return server;
}

/** A version of the digits, moved into place. */
function publish(base: string, version: number, files: Readonly<Record<string, string | Uint8Array>>): void {
  const staging = join(folder(), "version");
  mkdirSync(join(staging, "assets.extra"), { recursive: true });
  cpSync(MODEL, join(staging, "model.onnx"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(staging, name), content);
  mkdirSync(base, { recursive: true });
  renameSync(staging, join(base, String(version)));
}

/** The two best digits of each image, by their known probabilities. */
const BEST = EXPECTED.probabilities.map((row) => {
  const order = row.map((_, digit) => digit).sort((a, b) => row[b] - row[a]);
  return order.slice(0, 2).map((digit) => ({ name: NAMES[digit], score: row[digit] }));
});

interface Answer {
  readonly names: readonly string[];
  readonly scores: readonly number[];
}

function expectBest(answers: readonly Answer[], images = IMAGES.map((_, image) => image)): void {
  expect(answers.map(({ names }) => names)).toEqual(images.map((image) => BEST[image].map(({ name }) => name)));
  for (const [index, { scores }] of answers.entries()) {
    for (const [place, score] of scores.entries()) expect(score).toBeCloseTo(BEST[images[index]][place].score, 5);
  }
}

async function ask(instances: unknown, more: object = {}): Promise<readonly Answer[]> {
  const { status, text } = await rest(`${server!.url}/v1/models/digits:predict`, JSON.stringify({ ...more, instances }));
  expect(status, text).toBe(200);
  return (JSON.parse(text) as { predictions: Answer[] }).predictions;
}

const request = (images: readonly (readonly number[])[], outputFilter: readonly string[] = []) =>
  create(PredictRequestSchema, {
    modelSpec: { name: "digits" },
    outputFilter: [...outputFilter],
    inputs: {
      pixels: {
        dtype: DataType.DT_UINT8,
        tensorShape: { dim: [{ size: BigInt(images.length) }, { size: 64n }] },
        tensorContent: Uint8Array.from(images.flat()),
      },
    },
  });

const predict = (message = request(IMAGES)) =>
  grpc!.call(`${GRPC}/Predict`, PredictRequestSchema, message, PredictResponseSchema);

describe("the digits with names", () => {
  test.each([[[]], [["--enable_batching"]]])("answer by REST and gRPC, %j", async (flags) => {
    const base = join(folder(), "digits");
    publish(base, 1, { "processing.yaml": LABELLED, "names.txt": `${NAMES.join("\n")}\n` });
    await start("--model_name=digits", `--model_base_path=${base}`, ...flags);
    expectBest(await ask(IMAGES.map((pixels) => ({ pixels }))));
    expectBest(await ask(IMAGES));
    const { names, scores } = (await predict()).outputs;
    const words = names.stringVal.map((each) => Buffer.from(each).toString());
    expectBest(
      IMAGES.map((_, image) => ({
        names: words.slice(2 * image, 2 * image + 2),
        scores: scores.floatVal.slice(2 * image, 2 * image + 2),
      })),
    );
    const only = await predict(request(IMAGES.slice(0, 1), ["names"]));
    expect(Object.keys(only.outputs)).toEqual(["names"]);
    // Many at once, so that a server that batches runs several requests together.
    const answers = await Promise.all(IMAGES.map((pixels) => ask([pixels])));
    for (const [image, answer] of answers.entries()) expectBest(answer, [image]);
    const sure = await rest(
      `${server!.url}/v1/models/digits:predict`,
      JSON.stringify({ signature_name: "sure", instances: IMAGES.slice(0, 2) }),
    );
    expect(JSON.parse(sure.text)).toEqual({
      predictions: EXPECTED.probabilities.slice(0, 2).map((row) => row.map((probability) => probability >= 0.9)),
    });
    if (flags.length === 0) return;
    const { text } = await rest(`${server!.url}/monitoring/prometheus/metrics`);
    expect(text).toMatch(/^:tensorflow:serving:batching_session:wrapped_run_count(?:\{[^}]*\})? [1-9]/m);
  });

  test("are shown with what callers give and get", async () => {
    const base = join(folder(), "digits");
    publish(base, 1, { "processing.yaml": LABELLED, "names.txt": NAMES.join("\n") });
    await start("--model_name=digits", `--model_base_path=${base}`);
    const { text } = await rest(`${server!.url}/v1/models/digits/metadata`);
    const { signature_def: defs } = (
      JSON.parse(text) as { metadata: { signature_def: { signature_def: Record<string, unknown> } } }
    ).metadata.signature_def as unknown as { signature_def: Record<string, unknown> };
    expect(defs).toMatchObject({
      serving_default: {
        inputs: { pixels: { dtype: "DT_UINT8", tensor_shape: { dim: [{ size: "-1" }, { size: "64" }] } } },
        outputs: {
          names: { dtype: "DT_STRING", tensor_shape: { dim: [{ size: "-1" }, { size: "2" }] } },
          scores: { dtype: "DT_FLOAT", tensor_shape: { dim: [{ size: "-1" }, { size: "2" }] } },
        },
        method_name: "tensorflow/serving/predict",
      },
      sure: { outputs: { sure: { dtype: "DT_BOOL" } } },
    });
    const metadata = await grpc!.call(
      `${GRPC}/GetModelMetadata`,
      GetModelMetadataRequestSchema,
      create(GetModelMetadataRequestSchema, { modelSpec: { name: "digits" }, metadataField: ["signature_def"] }),
      GetModelMetadataResponseSchema,
    );
    const { signatureDef } = fromBinary(SignatureDefMapSchema, metadata.metadata.signature_def.value);
    expect(Object.keys(signatureDef.serving_default.outputs).sort()).toEqual(["names", "scores"]);
    expect(logLines(server!).find(({ msg }) => msg === "model_loaded")).toMatchObject({
      why: "holds model.onnx, with processing.yaml",
    });
  });

  test("refuse what is not their input, and what a step cannot take", async () => {
    const base = join(folder(), "digits");
    const file =
      "inputs: {name: {dtype: string, shape: [-1]}}\npreprocess:\n- one_hot: {input: name, vocabulary: [a, b], depth: 64, output: pixels}";
    publish(base, 1, { "processing.yaml": file });
    await start("--model_name=digits", `--model_base_path=${base}`);
    const url = `${server!.url}/v1/models/digits:predict`;
    expect((await rest(url, '{"instances": ["a", "b"]}')).status).toBe(200);
    const unknown = await rest(url, '{"instances": ["a", "c"]}');
    expect({ status: unknown.status, error: errorText(unknown) }).toEqual({
      status: 400,
      error: 'preprocess step 1 (one_hot) on "name": element 1, "c", is not in the vocabulary',
    });
    const { status } = await grpc!.raw(`${GRPC}/Predict`, toBinary(PredictRequestSchema, request(IMAGES)));
    expect(status).toMatchObject({ code: 3, message: expect.stringContaining("alias: name") });
    const inputs = { name: { dtype: DataType.DT_INT32, tensorShape: { dim: [{ size: 1n }] }, intVal: [1] } };
    const wrong = create(PredictRequestSchema, { modelSpec: { name: "digits" }, inputs });
    expect((await grpc!.raw(`${GRPC}/Predict`, toBinary(PredictRequestSchema, wrong))).status).toEqual({
      code: 3,
      message: 'input "name" is string [-1], got int32 [1]',
    });
  });
});

test.each([
  ["a folder", "processing.yaml"],
  ["a bare file", "digits.processing.yaml"],
])("a model that is %s is loaded again when the file changes", async (kind, name) => {
  const base = folder();
  cpSync(MODEL, join(base, kind === "a folder" ? "model.onnx" : "digits.onnx"));
  const steps = (k: number) => `postprocess: [{top_k: {input: probabilities, k: ${k}}}]\noutputs: [indices]`;
  writeFileSync(join(base, name), steps(1));
  const path = kind === "a folder" ? base : join(base, "digits.onnx");
  await start("--model_name=digits", `--model_base_path=${path}`);
  expect(await ask(IMAGES.slice(0, 3))).toEqual([[0], [1], [2]]);
  writeFileSync(join(base, "next"), steps(2));
  renameSync(join(base, "next"), join(base, name));
  await eventually(async () => ((await ask(IMAGES.slice(3, 4))) as unknown as number[][])[0].length === 2);
  writeFileSync(join(base, name), "postprocess: [{softmax: {input: nothing}}]");
  await eventually(async () => (await states(server!.url, "digits")).includes("3:END"));
  expect(await ask(IMAGES.slice(4, 5))).toEqual([[4, expect.any(Number)]]);
});

test("recorded requests are what callers send, and those of a version without the file fail it", async () => {
  const base = join(folder(), "digits");
  const record = encodeTfRecord(
    toBinary(
      PredictionLogSchema,
      create(PredictionLogSchema, { logType: { case: "predictLog", value: { request: request(IMAGES) } } }),
    ),
  );
  const warm = { "assets.extra/tf_serving_warmup_requests": record };
  publish(base, 1, { ...warm, "processing.yaml": LABELLED, "names.txt": NAMES.join("\n") });
  await start("--model_name=digits", `--model_base_path=${base}`);
  expect(logLines(server!).find(({ msg }) => msg === "model_warmed_up")).toMatchObject({ source: "records", requests: 1 });
  publish(base, 2, warm);
  await eventually(async () => (await states(server!.url, "digits")).includes("2:END"));
});

test("a signature that is only given another name answers as the model's, of any platform, made-up warm-up and all", async () => {
  const base = folder();
  cpSync(fixture("onnx"), base, { recursive: true });
  writeFileSync(join(base, "bool_where", "processing.yaml"), "signatures: {again: {from: serving_default}}");
  await start(base, "--automatic_warmup=zeros");
  const [{ inputs }] = JSON.parse(readFileSync(fixture("onnx", "bool_where", "golden.json"), "utf8")) as Golden[];
  const fields = Object.entries(inputs).map(([alias, tensor]) => `${JSON.stringify(alias)}: ${nestedJson(tensor)}`);
  const ask = (more: string) => rest(`${server!.url}/v1/models/bool_where:predict`, `{${more}"inputs": {${fields.join(", ")}}}`);
  const plain = await ask("");
  expect(plain.status, plain.text).toBe(200);
  expect(await ask('"signature_name": "again", ')).toEqual(plain);
});

test("inspect shows what callers see, and refuses Python code", async () => {
  const base = join(folder(), "digits");
  publish(base, 1, { "processing.yaml": LABELLED, "names.txt": NAMES.join("\n") });
  const shown = await runCommand(["inspect", "--model_name=digits", `--model_base_path=${base}`]);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toContain("holds model.onnx, with processing.yaml");
  expect(shown.stdout).toMatch(/names.*string/);
  publish(base, 2, { "preprocess_function.marshal": Uint8Array.of(0x63) });
  const refused = await runCommand(["inspect", "--model_name=digits", `--model_base_path=${base}`]);
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain("preprocess_function.marshal of the model: Python code");
});
