import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { fixture, temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { floats, grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, runCommand, startServer } from "../support/server.ts";

const folder = temporaryFolders();
const servers: RunningServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function start(...args: readonly string[]): Promise<RunningServer> {
  const server = await startServer([...args, "--threads=1"]);
  servers.push(server);
  return server;
}

/** A folder of models: each name with a version 1 of the file and, perhaps, batching parameters of its own. */
function modelFolder(models: Readonly<Record<string, { readonly file: string; readonly parameters?: string }>>): string {
  const base = folder();
  for (const [name, { file, parameters }] of Object.entries(models)) {
    const version = join(base, name, "1");
    mkdirSync(version, { recursive: true });
    cpSync(file, join(version, "model.onnx"));
    if (parameters !== undefined) writeFileSync(join(version, "batching_params.pbtxt"), parameters);
  }
  return base;
}

async function batchingFigure(server: RunningServer, name: string): Promise<number> {
  const { text } = await rest(`${server.url}/monitoring/prometheus/metrics`);
  return Number(new RegExp(`^:tensorflow:serving:batching_session:${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1] ?? 0);
}

const ask = (server: RunningServer, model: string, instances: unknown) =>
  rest(`${server.url}/v1/models/${model}:predict`, JSON.stringify({ instances }));

test("64 connections get the answers they get without batching, and their requests are run together", async () => {
  const models = modelFolder({ half: { file: HALF_PLUS_TWO } });
  const batched = await start(models, "--enable_batching");
  const plain = await start(models);
  const client = new GrpcClient(batched.port);
  try {
    await eventually(async () => {
      const numbers = Array.from({ length: 64 }, (_, index) => index / 7);
      const answers = await Promise.all(numbers.map((number) => ask(batched, "half", [number, 1])));
      const calls = await Promise.all(numbers.map((number) => grpcPredict(client, "half", { x: floats(number) })));
      const expected = await Promise.all(numbers.map((number) => ask(plain, "half", [number, 1])));
      expect(answers).toEqual(expected);
      expect(calls.map(({ values }) => values[0])).toEqual(numbers.map((number) => Math.fround(Math.fround(number) / 2 + 2)));
      const runs = await batchingFigure(batched, "wrapped_run_count");
      const tasks = await batchingFigure(batched, "input_batch_size_count");
      return runs < tasks / 2;
    });
  } finally {
    client.close();
  }
  expect(await batchingFigure(plain, "wrapped_run_count")).toBe(0);
});

test("one request of a wrong shape among 32 fails alone", async () => {
  const server = await start(fixture("onnx"), "--enable_batching");
  const good = Array.from({ length: 20 }, (_, index) => index);
  const instances = Array.from({ length: 32 }, (_, index) => [index === 13 ? [1, 2] : good]);
  const answers = await Promise.all(instances.map((rows) => ask(server, "torch_mlp", rows)));
  expect(answers.map(({ status }) => status)).toEqual(instances.map((_, index) => (index === 13 ? 400 : 200)));
});

test("what cannot be batched is said at load, and served all the same", async () => {
  const server = await start(fixture("onnx"), "--enable_batching");
  const lines = logLines(server).filter(({ msg }) => msg === "signature_not_batched");
  expect(lines.map(({ model }) => model ?? "").toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
    "int64_gather",
    "scalar_rank0",
    "torch_pairtuple",
  ]);
  const answer = await rest(`${server.url}/v1/models/scalar_rank0:predict`, JSON.stringify({ inputs: { x: [[1, 2]], k: 3 } }));
  expect(answer.status).toBe(200);
});

test("with parameters of each version only versions that bring some are batched, by their own limits", async () => {
  const models = modelFolder({
    own: { file: HALF_PLUS_TWO, parameters: "max_batch_size { value: 2 }" },
    none: { file: HALF_PLUS_TWO },
  });
  const server = await start(models, "--enable_batching", "--enable_per_model_batching_parameters");
  expect((await ask(server, "none", [1, 2, 3])).status).toBe(200);
  expect(await batchingFigure(server, "wrapped_run_count")).toBe(0);
  expect((await ask(server, "own", [1, 2])).status).toBe(200);
  expect(await batchingFigure(server, "wrapped_run_count")).toBe(1);
  const refused = await ask(server, "own", [1, 2, 3]);
  expect([refused.status, refused.text]).toEqual([
    400,
    expect.stringContaining("Task size 3 is larger than maximum input batch size 2"),
  ]);
});

test("what a config says of a model goes before its versions' files", async () => {
  const models = modelFolder({
    own: { file: HALF_PLUS_TWO, parameters: "max_batch_size { value: 2 }" },
    told: { file: HALF_PLUS_TWO, parameters: "max_batch_size { value: 2 }" },
  });
  const config = join(models, "models.yaml");
  writeFileSync(config, "models:\n  own: {base_path: own}\n  told: {base_path: told, batching: {max_batch_size: 3}}\n");
  const server = await start(`--model_config_file=${config}`, "--enable_batching", "--enable_per_model_batching_parameters");
  expect((await ask(server, "own", [1, 2, 3])).status).toBe(400);
  expect((await ask(server, "told", [1, 2, 3])).status).toBe(200);
  const refused = await ask(server, "told", [1, 2, 3, 4]);
  expect([refused.status, refused.text]).toEqual([400, expect.stringContaining("maximum input batch size 3")]);
});

test("parameters that contradict each other fail the model's load, not the server", async () => {
  const file = join(folder(), "batching.pbtxt");
  writeFileSync(file, "max_batch_size { value: 8 } allowed_batch_sizes: 4");
  const server = await startServer(
    [modelFolder({ half: { file: HALF_PLUS_TWO } }), "--enable_batching", `--batching_parameters_file=${file}`],
    { until: "listening" },
  );
  servers.push(server);
  const failure = await eventually(() => logLines(server).find(({ msg }) => msg === "model_load_failed"));
  expect(failure.error).toBe("Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 8");
});

test("a malformed parameters file, and one without the flag, keep the server from starting", async () => {
  const file = join(folder(), "batching.pbtxt");
  writeFileSync(file, "max_batch_size { value: }");
  const models = modelFolder({ half: { file: HALF_PLUS_TWO } });
  const flag = `--batching_parameters_file=${file}`;
  const malformed = await runCommand([models, "--enable_batching", flag]);
  const alone = await runCommand([models, flag]);
  expect([malformed.code === 0, alone.code === 0]).toEqual([false, false]);
  expect(malformed.stdout + malformed.stderr).toContain("--batching_parameters_file batching.pbtxt: 1:25: ");
  expect(alone.stdout + alone.stderr).toContain(
    "server_options.batching_parameters_file is set without setting server_options.enable_batching to true.",
  );
});
