// What logging requests costs the server: CPU a request of the one-op model at several sampling rates, and whether all were logged.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installed, nodeHttp, wrk } from "./load-generators.mjs";
import { startServer } from "./measured-server.mjs";
import { figure, interleave, median, table } from "./measurements.mjs";
import { makeRows, restBody, restPath } from "./request-bodies.mjs";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "1" } },
});

const MODEL = "simplest";
const CONNECTIONS = 16;

/** Rate and collector of each server; the first has no logging_config. */
const SERVERS = [
  { name: "off" },
  { name: "rate 0", rate: 0 },
  { name: "rate 0.1", rate: 0.1 },
  { name: "rate 1", rate: 1 },
  { name: "rate 1, JSON lines", rate: 1, type: "json" },
];

const load = (await installed("wrk")) ? wrk : nodeHttp;
const folder = mkdtempSync(join(tmpdir(), "modelport-benchmark-"));
const body = restBody(makeRows(MODEL, 1));
const servers = [];
try {
  for (const [index, { rate, type = "" }] of SERVERS.entries()) {
    const prefix = join(folder, `log${index}`);
    const logging = `logging_config { log_collector_config { type: "${type}" filename_prefix: "${prefix}" } sampling_config { sampling_rate: ${rate} } }`;
    const config = join(folder, `${index}.config`);
    const base = join(import.meta.dirname, "models", MODEL);
    writeFileSync(
      config,
      `model_config_list { config { name: "${MODEL}" base_path: "${base}" model_platform: "onnx" ${rate === undefined ? "" : logging} } }`,
    );
    const server = await startServer([`--model_config_file=${config}`, "--threads=1", "--request_log_max_files=1000"]);
    servers.push(server);
    await server.until(async () => (await fetch(`http://127.0.0.1:${server.restPort}/readyz`)).ok);
  }
  const drive = (server) => async () => {
    const before = server.cpuSeconds();
    const target = { port: server.restPort, path: restPath(MODEL), body, connections: CONNECTIONS, folder };
    const { requests, failures } = await load({ ...target, seconds: Number(options.seconds) });
    if (failures > 0) throw new Error(`${failures} requests failed`);
    return { requests, cpu: ((server.cpuSeconds() - before) / requests) * 1e6 };
  };
  for (const server of servers) await drive(server)();
  const rounds = await interleave(servers.map(drive), Number(options.rounds));
  console.log(
    `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.versions.node}, 1 serving thread, REST, ` +
      `${CONNECTIONS} connections; median of ${options.rounds} rounds; load average ${loadavg()[0].toFixed(2)}`,
  );
  const rows = [];
  for (const [index, { name }] of SERVERS.entries()) {
    const page = await (await fetch(`http://127.0.0.1:${servers[index].restPort}/monitoring/prometheus/metrics`)).text();
    const dropped = /request_log_count\{[^}]*RESOURCE_EXHAUSTED"\} (\d+)/.exec(page)?.[1] ?? "0";
    const answered = /request_count\{[^}]*"OK"\} (\d+)/.exec(page)?.[1] ?? "0";
    await servers[index].stop();
    const written = readdirSync(folder)
      .filter((file) => file.startsWith(`log${index}-`))
      .reduce((sum, file) => sum + recordsIn(join(folder, file)), 0);
    rows.push([
      name,
      figure(median(rounds[index].map(({ cpu }) => cpu))),
      figure(median(rounds[index].map(({ requests }) => requests / Number(options.seconds)))),
      answered,
      String(written),
      dropped,
    ]);
  }
  console.log(`\n${table(["[logging]", "CPU µs a request", "requests/s", "answered", "written", "dropped"], rows)}`);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

/** Records of a TFRecord file by their lengths, or lines. */
function recordsIn(path) {
  const bytes = readFileSync(path);
  if (path.endsWith(".jsonl")) return bytes.toString("latin1").split("\n").length - 1;
  let count = 0;
  for (let at = 0; at < bytes.length; count++) at += 16 + Number(bytes.readBigUInt64LE(at));
  return count;
}
