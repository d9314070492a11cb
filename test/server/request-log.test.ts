import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { TfRecordReader } from "../../src/codec/tf-record/tf-record-reader.ts";
import {
  ReloadConfigRequestSchema,
  ReloadConfigResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/model_management_pb.ts";
import { type PredictionLog, PredictionLogSchema } from "../../src/gen/tensorflow_serving/apis/prediction_log_pb.ts";
import type { ModelServerConfigSchema } from "../../src/gen/tensorflow_serving/config/model_server_config_pb.ts";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { floats, grpcPredict } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

const folder = temporaryFolders();
let server: RunningServer | undefined;
let client: GrpcClient | undefined;

afterEach(async () => {
  client?.close();
  await server?.stop();
  client = undefined;
  server = undefined;
});

const HALF = fixture("identity", "saved_model_half_plus_two_2_versions");

/** One model of a config in text format, with what it logs. */
function model(name: string, basePath: string, rate: number, prefix: string, type = ""): string {
  return `config { name: "${name}" base_path: "${basePath}" model_platform: "onnx" logging_config {
    log_collector_config { type: "${type}" filename_prefix: "${prefix}" } sampling_config { sampling_rate: ${rate} } } }`;
}

async function start(models: readonly string[], flags: readonly string[] = ["--threads=2"]): Promise<RunningServer> {
  const config = join(folder(), "models.config");
  writeFileSync(config, `model_config_list { ${models.join("\n")} }`);
  server = await startServer([`--model_config_file=${config}`, ...flags]);
  client = new GrpcClient(server.port);
  return server;
}

/** Files of a prefix by name, oldest first. */
function filesOf(prefix: string): string[] {
  const path = join(prefix, "..");
  return readdirSync(path)
    .filter((name) => join(path, name).startsWith(`${prefix}-`))
    .sort()
    .map((name) => join(path, name));
}

function logsIn(prefix: string): PredictionLog[] {
  return filesOf(prefix).flatMap((file) => {
    const reader = new TfRecordReader();
    const logs: PredictionLog[] = [];
    reader.push(readFileSync(file));
    for (let data = reader.next(); data !== undefined; data = reader.next()) logs.push(fromBinary(PredictionLogSchema, data));
    reader.end();
    return logs;
  });
}

function linesIn(prefix: string): unknown[] {
  return filesOf(prefix).flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown),
  );
}

const predict = (name: string, body: string, verb = "predict") => rest(`${server!.url}/v1/models/${name}:${verb}`, body);

describe("a model with a logging_config", () => {
  test("logs what REST and gRPC asked and were answered, in either format, and what an error was answered to is not logged", async () => {
    const logs = join(folder(), "made", "by", "the", "server");
    const [half, lines, classes] = [join(logs, "half"), join(logs, "lines"), join(logs, "classes")];
    const running = await start([
      model("half", HALF, 1, half),
      model("lines", HALF, 1, lines, "json"),
      model("classes", fixture("identity", "cr_classify"), 1, classes, "jsonl"),
    ]);
    for (const name of ["half", "lines"]) {
      expect((await predict(name, '{"instances": [1.0, 3.0]}')).status).toBe(200);
      expect((await predict(name, '{"instances": ["no number"]}')).status).toBe(400);
      expect((await grpcPredict(client!, name, { x: floats(5) })).values).toEqual([4.5]);
    }
    const example = '{"examples": [{"x": 1.0}, {"x": [2.5]}]}';
    expect((await predict("classes", example, "classify")).status).toBe(200);
    await running.stop();

    const recorded = logsIn(half);
    expect(recorded.map(({ logType }) => logType.case)).toEqual(["predictLog", "predictLog"]);
    for (const { logMetadata } of recorded) {
      expect(logMetadata).toMatchObject({
        modelSpec: { name: "half", versionChoice: { value: { value: 123n } }, signatureName: "serving_default" },
        samplingConfig: { samplingRate: 1 },
      });
    }
    expect(linesIn(lines).map((line) => (line as { inputs: unknown }).inputs)).toEqual(
      expect.arrayContaining([{ x: [1, 3] }, { x: [5] }]),
    );
    expect(linesIn(lines)).toHaveLength(2);
    expect(linesIn(lines)[0]).toMatchObject({ model: "lines", version: 123, signature: "serving_default", api: "predict" });
    expect(linesIn(classes)).toEqual([expect.objectContaining({ api: "classify", inputs: [{ x: [1] }, { x: [2.5] }] })]);
  });

  test("loses nothing that was answered before SIGTERM, and cuts files by size", async () => {
    const logs = folder();
    const all = join(logs, "all");
    const few = join(logs, "few");
    await start(
      [model("all", HALF, 1, all), model("few", HALF, 1, few)],
      ["--threads=2", "--request_log_max_file_bytes=4000", "--request_log_max_files=30"],
    );
    const calls = 40;
    for (let i = 0; i < calls; i++) {
      await Promise.all([predict("all", '{"instances": [1.0]}'), i < 10 && grpcPredict(client!, "few", { x: floats(i) })]);
    }
    client!.close();
    expect(await server!.stop()).toBe(0);
    expect(logsIn(few)).toHaveLength(10);
    const kept = filesOf(all);
    expect(kept.length).toBeGreaterThan(1);
    for (const file of kept) expect(readFileSync(file).length).toBeLessThanOrEqual(4000);
    expect(logsIn(all)).toHaveLength(calls);
  });

  test("makes files that are warm-up files", async () => {
    const logs = folder();
    const prefix = join(logs, "half");
    await start([model("half", HALF, 1, prefix)]);
    await predict("half", '{"instances": [1.0]}');
    await grpcPredict(client!, "half", { x: floats(1, 2) });
    client!.close();
    await server!.stop();

    const base = join(folder(), "half");
    const extra = join(base, "1", "assets.extra");
    mkdirSync(extra, { recursive: true });
    writeFileSync(join(base, "1", "model.onnx"), readFileSync(join(HALF, "123", "model.onnx")));
    writeFileSync(join(extra, "tf_serving_warmup_requests"), Buffer.concat(filesOf(prefix).map((file) => readFileSync(file))));
    server = await startServer(["--model_name=half", `--model_base_path=${base}`, "--threads=1"]);
    const page = (await rest(`${server.url}/monitoring/prometheus/metrics`)).text;
    expect(page).toMatch(/model_warmup_records_read\{[^}]*status="OK"\} 2\n/);
  });

  test("logs by another config from the moment it is reloaded, and counts what it logs", async () => {
    const logs = folder();
    const prefix = join(logs, "half");
    const running = await start([`config { name: "half" base_path: "${HALF}" model_platform: "onnx" }`], ["--threads=1"]);
    const reload = async (samplingRate: number | undefined, type = "json") => {
      const loggingConfig = {
        logCollectorConfig: { type, filenamePrefix: prefix },
        samplingConfig: { samplingRate: 0.5, perTaskSamplingConfigs: [{ samplingRate: samplingRate ?? 0 }] },
      };
      const one = { name: "half", basePath: HALF, modelPlatform: "onnx", ...(samplingRate !== undefined && { loggingConfig }) };
      const config: MessageInitShape<typeof ModelServerConfigSchema> = {
        config: { case: "modelConfigList", value: { config: [one] } },
      };
      const request = create(ReloadConfigRequestSchema, { config });
      const path = "/tensorflow.serving.ModelService/HandleReloadConfigRequest";
      const { messages, status } = await client!.raw(path, toBinary(ReloadConfigRequestSchema, request));
      if (status.code === 0) expect(fromBinary(ReloadConfigResponseSchema, messages[0]!).status!.errorCode).toBe(0);
      return status;
    };
    await predict("half", '{"instances": [1.0]}');
    expect((await reload(1)).code).toBe(0);
    await predict("half", '{"instances": [2.0]}');
    expect(await reload(1, "kafka")).toMatchObject({
      code: 3,
      message: expect.stringContaining("known: tfrecord, json"),
    });
    await predict("half", '{"instances": [3.0]}');
    expect((await reload(0)).code).toBe(0);
    await predict("half", '{"instances": [4.0]}');
    expect((await reload(1)).code).toBe(0);
    await predict("half", '{"instances": [5.0]}');
    expect((await reload(undefined)).code).toBe(0);
    await predict("half", '{"instances": [6.0]}');
    const written = () => linesIn(prefix).map((line) => (line as { inputs: { x: number[] } }).inputs.x[0]);
    await eventually(() => written().length === 3);
    expect(written()).toEqual([2, 3, 5]);
    const page = (await rest(`${running.url}/monitoring/prometheus/metrics`)).text;
    expect(page).toContain(':tensorflow:serving:request_log_count{model_name="half",status_code="OK"} 3\n');
  });
});
