// Measures the built server on this machine and prints a table. See README.md.
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { grpcCall, h2load, installed, nodeGrpc, nodeHttp, wrk } from "./load-generators.mjs";
import { startServer } from "./measured-server.mjs";
import { GRPC_PATH, grpcBody, makeRows, restBody, restPath } from "./request-bodies.mjs";

const CASES = [
  { model: "simplest", batch: 1 },
  { model: "mnist_mlp", batch: 1 },
  { model: "mnist_mlp", batch: 100 },
];

const BLANK_IMAGE = Array.from({ length: 64 }, () => 0);

const { values: options, positionals: serverFlags } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "3" },
    connections: { type: "string", default: "1,16,64" },
    protocols: { type: "string", default: "rest,grpc" },
    builtin: { type: "boolean", default: false },
  },
});
const seconds = Number(options.seconds);
const folder = mkdtempSync(join(tmpdir(), "modelport-benchmark-"));
try {
  console.log(`${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.versions.node}, ${seconds} s a row\n`);
  await measureStart();
  await measureLoad();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Start to first answer, and what the digit model adds to memory. */
async function measureStart() {
  const example = join(import.meta.dirname, "../examples/digits");
  const models = join(folder, "digits");
  mkdirSync(models);
  const empty = await startServer([`--model_base_path=${models}`, "--model_name=digits", ...serverFlags]);
  try {
    await empty.until(() => empty.accepts());
    const before = empty.residentMegabytes();
    cpSync(join(example, "model"), models, { recursive: true });
    await empty.until(() => answers(empty, "digits", [BLANK_IMAGE]));
    console.log(
      `memory before a model: ${before.toFixed(0)} MB RSS; with the digit model: ${empty.residentMegabytes().toFixed(0)} MB`,
    );
  } catch (error) {
    console.log(`memory before a model was not measured: ${error.message}`);
  } finally {
    await empty.stop();
  }

  const server = await startServer([join(example, "model"), "--model_name=digits", ...serverFlags]);
  try {
    await server.until(() => answers(server, "digits", [BLANK_IMAGE]));
    const elapsed = (performance.now() - server.startedAt) / 1_000;
    console.log(`start to first answer, digit model: ${elapsed.toFixed(2)} s; ${server.residentMegabytes().toFixed(0)} MB RSS\n`);
  } finally {
    await server.stop();
  }
}

async function measureLoad() {
  const rest = options.builtin || !(await installed("wrk")) ? nodeHttp : wrk;
  const grpc = options.builtin || !(await installed("h2load")) ? nodeGrpc : h2load;
  if (rest === nodeHttp)
    console.log("REST load comes from this process (wrk is not used): requests/s may be the generator's limit");
  if (grpc === nodeGrpc)
    console.log("gRPC load comes from this process (h2load is not used): requests/s may be the generator's limit");

  const config = join(folder, "models.config");
  const names = [...new Set(CASES.map(({ model }) => model))];
  const path = (name) => join(import.meta.dirname, "models", name);
  const entries = names.map((name) => `  config { name: "${name}" base_path: "${path(name)}" model_platform: "onnx" }`);
  writeFileSync(config, `model_config_list {\n${entries.join("\n")}\n}\n`);

  const server = await startServer([`--model_config_file=${config}`, ...serverFlags]);
  try {
    for (const name of names) await server.until(() => answers(server, name, makeRows(name, 1)));
    console.log("| protocol | model | rows | connections | requests/s | server CPU, µs a request | failures |");
    console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for (const protocol of options.protocols.split(",")) {
      for (const { model, batch } of CASES) {
        const rows = makeRows(model, batch);
        const target =
          protocol === "rest"
            ? { drive: rest, port: server.restPort, path: restPath(model), body: restBody(rows) }
            : { drive: grpc, port: server.grpcPort, path: GRPC_PATH, body: grpcBody(model, rows) };
        if (protocol === "grpc") await checkGrpc(target);
        for (const connections of options.connections.split(",").map(Number)) {
          await measureRow(server, protocol, model, batch, connections, target);
        }
      }
    }
    console.log(`\nmemory after the load: ${server.residentMegabytes().toFixed(0)} MB RSS`);
  } finally {
    await server.stop();
  }
}

async function measureRow(server, protocol, model, batch, connections, { drive, ...target }) {
  await drive({ ...target, connections, seconds: 1, folder });
  const before = server.cpuSeconds();
  const { requests, failures, seconds: took } = await drive({ ...target, connections, seconds, folder });
  server.mustRun();
  const cpu = ((server.cpuSeconds() - before) * 1e6) / requests;
  const figures = [batch, connections, (requests / took).toFixed(0), cpu.toFixed(cpu < 100 ? 1 : 0), failures];
  console.log(`| ${protocol} | ${model} | ${figures.join(" | ")} |`);
}

/** Whether a REST predict call is answered with 200. */
async function answers(server, model, rows) {
  const answer = await fetch(`http://127.0.0.1:${server.restPort}${restPath(model)}`, { method: "POST", body: restBody(rows) });
  await answer.arrayBuffer();
  return answer.ok;
}

/** h2load looks at HTTP statuses only, so one call is made here first. */
async function checkGrpc({ port, path, body }) {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  await once(session, "connect");
  const status = await grpcCall(session, path, body);
  session.close();
  if (status !== "0") throw new Error(`the gRPC call is answered with grpc-status ${status}`);
}
