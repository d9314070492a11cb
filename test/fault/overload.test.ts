import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, expect, test } from "vitest";
import { DataType } from "../../src/gen/tensorflow/core/framework/types_pb.ts";
import { temporaryFolders } from "../support/folders.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { floats, grpcPredict, integer, ROUNDS } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const OK = 0;
const RESOURCE_EXHAUSTED = 8;

/** About a millisecond a row, however many there are. */
const MATMUL_CHAIN = resolve(import.meta.dirname, "../../benchmark/models/matmul_chain");

const folder = temporaryFolders();
let server: RunningServer | undefined;
const clients: GrpcClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server?.stop();
  server = undefined;
});

const restRounds = (running: RunningServer, n: number) =>
  fetch(`${running.url}/v1/models/rounds:predict`, { method: "POST", body: JSON.stringify({ inputs: { n, x: [0.5] } }) });

function connectTo(running: RunningServer): GrpcClient {
  const client = new GrpcClient(running.port);
  clients.push(client);
  return client;
}

const calls = (client: GrpcClient, count: number, n: number) =>
  Array.from({ length: count }, async () => {
    const { status } = await grpcPredict(client, "rounds", { n: integer(n), x: floats(0.5) });
    return status;
  });

/** What the server has counted as refused. */
async function refusals(running: RunningServer): Promise<number> {
  const { text } = await rest(`${running.url}/monitoring/prometheus/metrics`);
  return [...text.matchAll(/requests_refused_total\{[^}]*reason="queue_delay"[^}]*\} (\d+)/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}

test("long runs beyond the queue are refused, over gRPC and REST, while everything else is answered", async () => {
  const running = await startServer([ROUNDS, "--threads=1", "--max_queue_delay_ms=30", "--always_queued_runs_per_thread=2"]);
  server = running;
  const client = connectTo(running);
  // The first long run teaches that runs are long, the second how long they wait.
  for (let turn = 0; turn < 6; turn++) expect((await restRounds(running, 20_000)).status).toBe(200);

  const answers = calls(client, 80, 20_000);
  const overRest = Array.from({ length: 40 }, () => restRounds(running, 20_000));
  for (const path of ["/livez", "/readyz", "/v1/models/rounds", "/v1/models/rounds/metadata", "/monitoring/prometheus/metrics"]) {
    expect((await rest(`${running.url}${path}`)).status, path).toBe(200);
  }
  const statuses = await Promise.all(answers);
  const refused = statuses.filter(({ code }) => code === RESOURCE_EXHAUSTED);
  expect(refused.length).toBeGreaterThan(0);
  expect(statuses.filter(({ code }) => code === OK).length).toBeGreaterThan(0);
  expect(statuses.filter(({ code }) => code !== OK && code !== RESOURCE_EXHAUSTED)).toEqual([]);
  expect(refused[0].message).toMatch(/^the model run would wait \d+ ms, longer than 30 ms; try again later$/);

  let refusedByRest = 0;
  for (const answer of await Promise.all(overRest)) {
    const text = await answer.text();
    if (answer.status === 200) continue;
    refusedByRest++;
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(JSON.parse(text)).toEqual({ error: expect.stringContaining("try again later") });
  }
  expect(await refusals(running)).toBe(refused.length + refusedByRest);
  expect((await restRounds(running, 100_000)).status).toBe(200);
});

test("short runs that come faster than one thread can do them are refused too, and the thread goes on", async () => {
  const running = await startServer([ROUNDS, "--threads=1", "--max_queue_delay_ms=10", "--always_queued_runs_per_thread=2"]);
  server = running;
  const peers = Array.from({ length: 8 }, () => connectTo(running));
  for (const client of peers) for (const { code } of await Promise.all(calls(client, 4, 100))) expect(code).toBe(OK);

  const statuses = (await Promise.all(peers.map((client) => Promise.all(calls(client, 100, 100))))).flat();
  expect(new Set(statuses.map(({ code }) => code))).toEqual(new Set([OK, RESOURCE_EXHAUSTED]));
  expect(await refusals(running)).toBe(statuses.filter(({ code }) => code === RESOURCE_EXHAUSTED).length);
  for (const { code } of await Promise.all(calls(peers[0], 4, 100))) expect(code).toBe(OK);
});

test("requests of a batched model beyond the queue are refused, and the model goes on", async () => {
  const parameters = join(folder(), "batching.pbtxt");
  writeFileSync(parameters, "max_batch_size { value: 4 } max_enqueued_batches { value: 1000 }");
  const batching = ["--enable_batching", `--batching_parameters_file=${parameters}`];
  const limits = ["--max_queue_delay_ms=30", "--always_queued_runs_per_thread=2"];
  const running = await startServer([MATMUL_CHAIN, "--threads=1", ...batching, ...limits]);
  server = running;
  const client = connectTo(running);
  const x = { dtype: DataType.DT_FLOAT, tensorShape: { dim: [{ size: 1n }, { size: 1n }] }, floatVal: [0.5] };
  const ask = async () => (await grpcPredict(client, "matmul_chain", { x })).status;
  const statuses = [];
  // The first ones teach how long a batch waits for another.
  for (let burst = 0; burst < 3; burst++) statuses.push(...(await Promise.all(Array.from({ length: 150 }, ask))));

  const refused = statuses.filter(({ code }) => code === RESOURCE_EXHAUSTED);
  expect(new Set(statuses.map(({ code }) => code))).toEqual(new Set([OK, RESOURCE_EXHAUSTED]));
  expect(refused[0].message).toMatch(/^the model run would wait \d+ ms, longer than 30 ms; try again later$/);
  expect(await refusals(running)).toBe(refused.length);
  expect((await ask()).code).toBe(OK);
});

test("without a limit everything waits and is answered", async () => {
  const running = await startServer([ROUNDS, "--threads=1", "--max_queue_delay_ms=0", "--always_queued_runs_per_thread=0"]);
  server = running;
  const client = connectTo(running);
  for (const n of [3000, 100]) for (const { code } of await Promise.all(calls(client, 90, n))) expect(code).toBe(OK);
});
