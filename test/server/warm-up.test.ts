import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";
import { encodeTfRecord } from "../../src/codec/tf-record/tf-record-writer.ts";
import type { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import { PredictionLogSchema } from "../../src/gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { temporaryFolders } from "../support/folders.ts";
import { modelStatus, states } from "../support/model-status.ts";
import { floats, HALF_PLUS_TWO, integer, ROUNDS } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer | undefined;
const folder = temporaryFolders();

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

type Inputs = Record<string, MessageInitShape<typeof TensorProtoSchema>>;

/** A warm-up file of one record for each set of inputs. */
const recorded = (...requests: readonly Inputs[]): Buffer =>
  Buffer.concat(
    requests.map((inputs) => {
      const request = { modelSpec: { name: "where it was recorded" }, inputs };
      const log = create(PredictionLogSchema, { logType: { case: "predictLog", value: { request } } });
      return encodeTfRecord(toBinary(PredictionLogSchema, log));
    }),
  );

/** Moves a version with a warm-up file into place. */
function publish(base: string, version: number, model: string, file: Uint8Array): void {
  const staging = join(folder(), "version");
  mkdirSync(join(staging, "assets.extra"), { recursive: true });
  cpSync(model, join(staging, "model.onnx"));
  writeFileSync(join(staging, "assets.extra", "tf_serving_warmup_requests"), file);
  mkdirSync(base, { recursive: true });
  renameSync(staging, join(base, String(version)));
}

const events = () => logLines(server!).map(({ msg, state }) => `${msg}${state === undefined ? "" : ` ${state}`}`);

test("a version is available once its records have run, and the records are counted", async () => {
  const base = join(folder(), "rounds");
  const slow = (rounds: number): Inputs => ({ x: floats(1, 2), n: integer(rounds) });
  publish(base, 1, ROUNDS, recorded(slow(100_000), slow(2)));
  server = await startServer(["--model_name=rounds", `--model_base_path=${base}`, "--num_request_iterations_for_warmup=2"]);
  expect(events().filter((event) => /AVAILABLE|warm|loaded/.test(event))).toEqual([
    "model_warmed_up",
    "model_loaded",
    "servable_state AVAILABLE",
  ]);
  expect(logLines(server).find(({ msg }) => msg === "model_warmed_up")).toMatchObject({
    model: "rounds",
    version: "1",
    source: "records",
    requests: 2,
    iterations: 2,
  });
  const { text } = await rest(`${server.url}/monitoring/prometheus/metrics`);
  expect(text).toMatch(/model_warmup_latency\w*_count\{model_path="rounds\/1",status="OK"\} 1\n/);
  expect(text).toMatch(/model_warmup_records_read\w*\{model_path="rounds\/1",status="OK"\} 2\n/);
  // The runs of the warm-up are nobody's requests.
  expect(text).not.toMatch(/runtime_latency\w*_count\{/);
});

test("a damaged file leaves the old version serving, and a mended one is taken up", async () => {
  const base = join(folder(), "half");
  publish(base, 1, HALF_PLUS_TWO, recorded({ x: floats(1, 2) }));
  server = await startServer(["--model_name=half", `--model_base_path=${base}`]);
  const damaged = recorded({ x: floats(1, 2) });
  damaged[damaged.length - 1] ^= 1;
  publish(base, 2, HALF_PLUS_TWO, damaged);
  await eventually(async () => (await states(server!.url, "half")).includes("2:END"));
  const { status } = (await modelStatus(server.url, "half")).find(({ version }) => version === "2")!;
  expect(status).toEqual({
    error_code: "DATA_LOSS",
    error_message:
      "assets.extra/tf_serving_warmup_requests: corrupted record at 0. Please verify your warmup data is in TFRecord format.",
  });
  expect(await rest(`${server.url}/v1/models/half:predict`, '{"instances": [1.0, 2.0]}')).toMatchObject({ status: 200 });

  writeFileSync(join(base, "2", "assets.extra", "tf_serving_warmup_requests"), recorded({ x: floats(1, 2) }));
  await eventually(async () => (await states(server!.url, "half")).includes("2:AVAILABLE"));
});

test("a recorded request that fails keeps the version from serving; without warm-up it serves", async () => {
  const base = join(folder(), "half");
  publish(base, 1, HALF_PLUS_TWO, recorded({ x: floats(1, 2) }, { wrong: floats(1, 2) }));
  const args = ["--model_name=half", `--model_base_path=${base}`];
  server = await startServer(args, { until: "listening" });
  await eventually(async () => (await states(server!.url, "half")) === "1:END");
  expect((await modelStatus(server.url, "half"))[0].status).toMatchObject({
    error_code: "INVALID_ARGUMENT",
    error_message: expect.stringMatching(/^Signature input alias: x.*\(record 2 of assets\.extra\/tf_serving_warmup_requests\)$/),
  });
  await server.stop();
  server = await startServer([...args, "--enable_model_warmup=false"]);
  expect(await states(server.url, "half")).toBe("1:AVAILABLE");
});

test("a warm-up that does not end holds up nobody, and a stop ends it", async () => {
  const base = folder();
  publish(join(base, "slow"), 1, ROUNDS, recorded({ x: floats(1, 2), n: integer(1e12) }));
  publish(join(base, "half"), 1, HALF_PLUS_TWO, recorded({ x: floats(1, 2) }));
  server = await startServer([base], { until: "listening" });
  await eventually(async () => (await states(server!.url, "half")) === "1:AVAILABLE");
  expect(await states(server.url, "slow")).toBe("1:LOADING");
  expect(await rest(`${server.url}/v1/models/half:predict`, '{"instances": [1.0, 2.0]}')).toMatchObject({ status: 200 });
  // The page is made on the thread that loads.
  expect(await rest(`${server.url}/monitoring/prometheus/metrics`)).toMatchObject({ status: 200 });
  expect(await server.stop()).toBe(0);
});

test("a request log is a warm-up file", async () => {
  const [base, logs, config] = [join(folder(), "half"), folder(), join(folder(), "models.config")];
  publish(base, 1, HALF_PLUS_TWO, recorded({ x: floats(1, 2) }));
  writeFileSync(
    config,
    `model_config_list { config { name: "half" base_path: "${base}" model_platform: "onnx" logging_config {
      log_collector_config { filename_prefix: "${join(logs, "log")}" } sampling_config { sampling_rate: 1 } } } }`,
  );
  server = await startServer([`--model_config_file=${config}`, "--threads=1"]);
  for (let i = 0; i < 3; i++) await rest(`${server.url}/v1/models/half:predict`, '{"instances": [1.0, 2.0]}');
  await server.stop();
  const [log] = readdirSync(logs);
  publish(base, 2, HALF_PLUS_TWO, readFileSync(join(logs, log)));
  server = await startServer(["--model_name=half", `--model_base_path=${base}`]);
  expect(logLines(server).find(({ msg }) => msg === "model_warmed_up")).toMatchObject({ version: "2", requests: 3 });
});

test("without a file a version can be warmed up with made-up inputs", async () => {
  server = await startServer([HALF_PLUS_TWO, "--model_name=half", "--automatic_warmup=random"]);
  expect(logLines(server).find(({ msg }) => msg === "model_warmed_up")).toMatchObject({ source: "random", requests: 1 });
});
