// One server with batching and one without, driven in turn: what batching gains under load, and what it costs a lonely request.
//
//   node benchmark/batching.mjs [--models=simplest,mnist_mlp,matmul_chain] [--protocols=rest,grpc] [--connections=64] [--rounds=5]
//     [--seconds=2] [--threads=N] [--dist=DIR] [-- FLAGS OF THE SERVER WITH BATCHING]
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { grpcCall, h2load, installed, nodeGrpc, nodeHttp, wrk } from "./load-generators.mjs";
import { startServer } from "./measured-server.mjs";
import { figure, interleave, median, pairedRatio, table } from "./measurements.mjs";
import { GRPC_PATH, grpcBody, makeRows, restBody, restPath } from "./request-bodies.mjs";

const { values: options, positionals: serverFlags } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: "string", default: "simplest,mnist_mlp,matmul_chain" },
    protocols: { type: "string", default: "rest,grpc" },
    connections: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    threads: { type: "string", default: String(availableParallelism()) },
    dist: { type: "string" },
  },
});

/** Requests of one connection, one after the other, in a round. */
const LONELY_REQUESTS = 2_000;
const MODELS = join(import.meta.dirname, "models");
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const models = options.models.split(",");
const protocols = options.protocols.split(",");
const rest = (await installed("wrk")) ? wrk : nodeHttp;
const grpc = (await installed("h2load")) ? h2load : nodeGrpc;

const folder = mkdtempSync(join(tmpdir(), "modelport-benchmark-"));
const servers = [];
try {
  console.log(
    `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.versions.node}, ${options.threads} threads; ` +
      `median of ${rounds} rounds; load average before ${loadavg()[0].toFixed(2)}`,
  );
  for (const flags of [[], ["--enable_batching", ...serverFlags]]) {
    const started = { dist: options.dist === undefined ? undefined : resolve(options.dist) };
    servers.push(await startServer([config(), "--threads", options.threads, ...flags], started));
  }
  for (const server of servers) for (const model of models) await server.until(() => answers(server, model));
  console.log(`\n${table(loadTitles(), await measure(load))}`);
  console.log(`\n${table(["[protocol]", "[model]", "off: p50 µs", "on: p50 µs", "on / off"], await measure(lonely))}`);
} finally {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

function loadTitles() {
  const each = ["off", "on"].flatMap((name) => [`${name}: requests/s`, "CPU µs"]);
  return ["[protocol]", "[model]", "connections", ...each, "on / off: requests/s", "CPU", "rows a batch", "failures"];
}

async function measure(row) {
  const rows = [];
  for (const protocol of protocols) for (const model of models) rows.push(await row(protocol, model));
  return rows;
}

/** Many connections: requests a second and CPU a request. */
async function load(protocol, model) {
  const connections = Number(options.connections);
  const targets = await Promise.all(servers.map((server) => target(server, protocol, model)));
  const cells = servers.map((server, index) => async () => {
    const batches = await batchFigures(server);
    const before = server.cpuSeconds();
    const {
      requests,
      failures,
      seconds: took,
    } = await targets[index].drive({
      ...targets[index],
      connections,
      streams: 1,
      seconds,
      folder,
    });
    server.mustRun();
    const after = await batchFigures(server);
    const cpu = ((server.cpuSeconds() - before) * 1e6) / requests;
    return { rate: requests / took, cpu, failures, rows: (after.rows - batches.rows) / (after.runs - batches.runs) };
  });
  await interleave(cells, 1);
  const [off, on] = await interleave(cells, rounds);
  const of = (taken, key) => figure(median(taken.map((round) => round[key])));
  const failures = [...off, ...on].reduce((sum, round) => sum + round.failures, 0);
  const ratios = [figure(pairedRatio(on, off, "rate")), figure(pairedRatio(on, off, "cpu"))];
  const own = [off, on].flatMap((taken) => [of(taken, "rate"), of(taken, "cpu")]);
  const row = [protocol, model, String(connections), ...own, ...ratios, of(on, "rows"), String(failures)];
  process.stderr.write(`${row.join(" ")}\n`);
  return row;
}

/** One connection with one request at a time: the time of the middle one. */
async function lonely(protocol, model) {
  const cells = servers.map((server) => async () => {
    const times = protocol === "rest" ? await restTimes(server, model) : await grpcTimes(server, model);
    return { p50: median(times) };
  });
  await interleave(cells, 1);
  const [off, on] = await interleave(cells, rounds);
  const [offMedian, onMedian] = [off, on].map((taken) => figure(median(taken.map(({ p50 }) => p50))));
  return [protocol, model, offMedian, onMedian, figure(pairedRatio(on, off, "p50"))];
}

async function restTimes(server, model) {
  const body = restBody(makeRows(model, 1));
  const head = `POST ${restPath(model)} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
  const request = Buffer.concat([Buffer.from(head), body]);
  const socket = connect(server.restPort, "127.0.0.1").setNoDelay(true);
  await once(socket, "connect");
  const times = await repeat(async () => {
    socket.write(request);
    let answer = "";
    while (!complete(answer)) answer += (await once(socket, "data"))[0].latin1Slice();
  });
  socket.destroy();
  return times;
}

function complete(answer) {
  const end = answer.indexOf("\r\n\r\n");
  return end >= 0 && answer.length >= end + 4 + Number(/content-length: *(\d+)/i.exec(answer)[1]);
}

async function grpcTimes(server, model) {
  const session = connectHttp2(`http://127.0.0.1:${server.grpcPort}`);
  const body = grpcBody(model, makeRows(model, 1));
  const times = await repeat(() => grpcCall(session, GRPC_PATH, body));
  session.close();
  return times;
}

/** Microseconds of each call. */
async function repeat(call) {
  const times = [];
  for (let i = 0; i < LONELY_REQUESTS; i++) {
    const start = performance.now();
    await call();
    times.push((performance.now() - start) * 1_000);
  }
  return times;
}

async function target(server, protocol, model) {
  const rows = makeRows(model, 1);
  if (protocol === "rest") return { drive: rest, port: server.restPort, path: restPath(model), body: restBody(rows) };
  const session = connectHttp2(`http://127.0.0.1:${server.grpcPort}`);
  const body = grpcBody(model, rows);
  const { status, bytes } = await grpcCall(session, GRPC_PATH, body);
  session.close();
  if (status !== "0") throw new Error(`the gRPC call is answered with grpc-status ${status}`);
  return { drive: grpc, port: server.grpcPort, path: GRPC_PATH, body, answerBytes: bytes };
}

/** Batches run so far, and rows in them. */
async function batchFigures(server) {
  const text = await (await fetch(`http://127.0.0.1:${server.restPort}/monitoring/prometheus/metrics`)).text();
  const value = (name) =>
    Number(new RegExp(`^:tensorflow:serving:batching_session:${name}(?:\\{\\})? (\\S+)$`, "m").exec(text)?.[1]);
  return { runs: value("wrapped_run_count"), rows: value("processed_batch_size_sum") };
}

function config() {
  const file = join(folder, "models.config");
  const entry = (name) => `  config { name: "${name}" base_path: "${join(MODELS, name)}" model_platform: "onnx" }`;
  writeFileSync(file, `model_config_list {\n${models.map(entry).join("\n")}\n}\n`);
  return `--model_config_file=${file}`;
}

async function answers(server, model) {
  const body = restBody(makeRows(model, 1));
  const answer = await fetch(`http://127.0.0.1:${server.restPort}${restPath(model)}`, { method: "POST", body });
  await answer.arrayBuffer();
  return answer.ok;
}
