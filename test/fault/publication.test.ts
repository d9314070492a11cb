import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { encodeTfRecord } from "../../src/codec/tf-record/tf-record-writer.ts";
import { PredictionLogSchema } from "../../src/gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { fixture, publishVersion, temporaryFolders } from "../support/folders.ts";
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

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const loads = (running: RunningServer, version: string) =>
  logLines(running)
    .filter((line) => line.version === version && line.msg.startsWith("model_load"))
    .map(({ msg }) => msg);

describe("a version that is copied slowly", () => {
  test("is loaded once, after the last byte, while the old one serves", async () => {
    const base = join(folder(), "m");
    cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
    const running = await startServer(["--model_name=m", `--model_base_path=${base}`]);
    server = running;

    const bytes = readFileSync(fixture("onnx", "torch_mlp", "model.onnx"));
    mkdirSync(join(base, "2"));
    const file = openSync(join(base, "2", "model.onnx"), "w");
    const pieces = 12;
    for (let piece = 0; piece < pieces; piece++) {
      const [from, to] = [piece, piece + 1].map((part) => Math.floor((bytes.length * part) / pieces));
      writeSync(file, bytes, from, to - from);
      expect((await rest(`${running.url}/v1/models/m:predict`, '{"instances": [1.0]}')).status).toBe(200);
      await pause(150);
    }
    expect(loads(running, "2")).toEqual([]);
    closeSync(file);
    await eventually(async () => (await states(running.url, "m")) === "1:END 2:AVAILABLE");
    expect(loads(running, "2")).toEqual(["model_loaded"]);
  });

  test("under a name of its own and then renamed, deleted and made anew with other content", async () => {
    const base = join(folder(), "m");
    cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
    const running = await startServer(["--model_name=m", `--model_base_path=${base}`]);
    server = running;
    mkdirSync(join(base, "2.copying"));
    cpSync(HALF_PLUS_TWO, join(base, "2.copying", "model.onnx"));
    renameSync(join(base, "2.copying"), join(base, "2"));
    await eventually(async () => (await states(running.url, "m")) === "1:END 2:AVAILABLE");
    rmSync(join(base, "2"), { recursive: true });
    publishVersion(base, 2, fixture("identity", "jt_float", "1", "model.onnx"));
    // The same number with another content: seen gone or not, what serves in the end is whole.
    publishVersion(base, 3, fixture("identity", "jt_float", "1", "model.onnx"));
    await eventually(async () => (await states(running.url, "m")).endsWith("3:AVAILABLE"));
    expect((await rest(`${running.url}/v1/models/m:predict`, '{"instances": [1.0]}')).text).toContain("1.0");
    expect(logLines(running).filter(({ msg }) => msg === "model_load_failed")).toEqual([]);
  });
});

test("a version taken away while it loads and made anew with other content serves the new one, and never the old", async () => {
  const root = folder();
  const base = join(root, "m");
  const slow = join(base, "1", "assets.extra");
  mkdirSync(slow, { recursive: true });
  cpSync(ROUNDS, join(base, "1", "model.onnx"));
  const inputs = { x: floats(1, 2), n: integer(100_000) };
  const log = create(PredictionLogSchema, { logType: { case: "predictLog", value: { request: { inputs } } } });
  const record = encodeTfRecord(toBinary(PredictionLogSchema, log));
  // Loads for as long as its warm-up takes: some hundred milliseconds.
  writeFileSync(join(slow, "tf_serving_warmup_requests"), Buffer.concat(Array.from({ length: 40 }, () => record)));
  const running = await startServer(["--model_name=m", `--model_base_path=${base}`], { until: "listening" });
  server = running;
  await eventually(async () => (await states(running.url, "m")) === "1:LOADING");
  const next = join(root, "next");
  mkdirSync(next);
  cpSync(HALF_PLUS_TWO, join(next, "model.onnx"));
  renameSync(join(base, "1"), join(root, "old"));
  renameSync(next, join(base, "1"));
  expect(await states(running.url, "m")).toBe("1:LOADING");
  await eventually(async () => (await rest(`${running.url}/v1/models/m:predict`, '{"instances": [1.0]}')).text.includes("2.5"));
  expect(loads(running, "1").filter((event) => event === "model_loaded")).toHaveLength(1);
});

test("the first version of a base path that was empty at the start is loaded when it comes", async () => {
  const base = join(folder(), "m");
  mkdirSync(base);
  const running = await startServer(["--model_name=m", `--model_base_path=${base}`, "--threads=2"], { until: "listening" });
  server = running;
  expect((await rest(`${running.url}/readyz`)).status).toBe(503);
  publishVersion(base, 5, HALF_PLUS_TWO);
  await eventually(async () => (await states(running.url, "m")) === "5:AVAILABLE");
  expect((await rest(`${running.url}/v1/models/m:predict`, '{"instances": [1.0]}')).status).toBe(200);
  expect((await rest(`${running.url}/readyz`)).status).toBe(200);
});

test("a base path that goes away keeps what is served, with one warning, and comes back", async () => {
  const root = folder();
  const base = join(root, "m");
  cpSync(HALF_PLUS_TWO, join(base, "1", "model.onnx"), { recursive: true });
  const running = await startServer(["--model_name=m", `--model_base_path=${base}`]);
  server = running;
  renameSync(base, join(root, "away"));
  const warnings = () => logLines(running).filter(({ msg }) => msg === "base_path_missing").length;
  await eventually(() => warnings() === 1);
  await pause(1200);
  expect([warnings(), await states(running.url, "m")]).toEqual([1, "1:AVAILABLE"]);
  renameSync(join(root, "away"), base);
  publishVersion(base, 2, HALF_PLUS_TWO);
  await eventually(async () => (await states(running.url, "m")) === "1:END 2:AVAILABLE");
});

test("a model larger than the memory limit is refused before it is loaded, and the others are served", async () => {
  const root = folder();
  cpSync(HALF_PLUS_TWO, join(root, "small", "1", "model.onnx"), { recursive: true });
  cpSync(fixture("onnx", "torch_convnet", "model.onnx"), join(root, "large", "1", "model.onnx"), { recursive: true });
  const running = await startServer([root, "--total_model_memory_limit_bytes=5000"], { until: "listening" });
  server = running;
  await eventually(async () => (await states(running.url, "small")) === "1:AVAILABLE");
  const [large] = await eventually(async () => {
    const found = await modelStatus(running.url, "large");
    return found[0]?.state === "END" && found;
  });
  expect(large.status).toEqual({
    error_code: "RESOURCE_EXHAUSTED",
    error_message: "Insufficient resources to load servable {name: large version: 1}",
  });
  expect(loads(running, "1")).toEqual(["model_loaded"]);
  expect((await rest(`${running.url}/v1/models/small:predict`, '{"instances": [1.0]}')).status).toBe(200);
});

test("a second version that does not fit beside the first is refused before it is loaded, and the first is served on", async () => {
  const base = join(folder(), "m");
  mkdirSync(base);
  publishVersion(base, 1, HALF_PLUS_TWO);
  const bytes = statSync(HALF_PLUS_TWO).size;
  const running = await startServer([
    "--model_name=m",
    `--model_base_path=${base}`,
    `--total_model_memory_limit_bytes=${3 * bytes}`,
  ]);
  server = running;
  // Larger than what is left beside the first, and than what there would be without it.
  publishVersion(base, 2, fixture("onnx", "torch_mlp", "model.onnx"));
  const [, second] = await eventually(async () => {
    const found = await modelStatus(running.url, "m");
    return found[1]?.state === "END" && found;
  });
  expect(second!.status.error_code).toBe("RESOURCE_EXHAUSTED");
  expect(await states(running.url, "m")).toBe("1:AVAILABLE 2:END");
  expect((await rest(`${running.url}/v1/models/m:predict`, '{"instances": [1.0]}')).status).toBe(200);
  expect(loads(running, "2").filter((event) => event === "model_loaded")).toEqual([]);
});
