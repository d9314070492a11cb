// Measures the built server on this machine, alone or beside others, and prints Markdown tables. See README.md.
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { grpcCall, h2load, installed, nodeGrpc, nodeHttp, wrk } from "./load-generators.mjs";
import { judge, rowName } from "./marks.mjs";
import { startFloor, startServer } from "./measured-server.mjs";
import { figure, interleave, median, pairedRatio, spread, table } from "./measurements.mjs";
import { GRPC_PATH, grpcBody, makeRows, restBody, restPath, WIDTHS } from "./request-bodies.mjs";

const { values: options, positionals: serverFlags } = parseArgs({
  allowPositionals: true,
  options: {
    sections: { type: "string", default: "start,load,threads" },
    protocols: { type: "string", default: "rest,grpc" },
    models: { type: "string", default: Object.keys(WIDTHS).join() },
    connections: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string", default: "1" },
    threads: { type: "string", default: String(availableParallelism()) },
    floor: { type: "string" },
    "floor-models": { type: "string" },
    against: { type: "string" },
    "against-dist": { type: "string" },
    platform: { type: "string", default: "onnx" },
    quick: { type: "boolean", default: false },
    builtin: { type: "boolean", default: false },
  },
});

const LOAD = [
  { model: "simplest", batch: 1, connections: options.quick ? [16] : [1, 16, 64] },
  { model: "mnist_mlp", batch: 1, connections: [16] },
  { model: "mnist_mlp", batch: 32, connections: options.quick ? [8] : [1, 8] },
  { model: "mnist_mlp", batch: 100, connections: options.quick ? [8] : [1, 8, 16] },
];
const THREADS = [{ model: "matmul_chain", batch: 1, connections: [16] }];
const ONE_CONNECTION = { connections: 1, streams: 16 };

/** Where the models of a platform are; not every one has all. */
const FOLDERS = { onnx: "models", tensorflow: "saved-models" };
const MODELS = join(
  import.meta.dirname,
  FOLDERS[options.platform] ?? fail(`there are no models of platform ${options.platform}`),
);
const NAMES = Object.keys(WIDTHS).filter((name) => existsSync(join(MODELS, name)));
const BLANK_IMAGE = Array.from({ length: 64 }, () => 0);

const rounds = Number(options.rounds ?? (options.quick ? 1 : 5));
const seconds = Number(options.seconds);
if (!(Number.isInteger(rounds) && rounds > 0 && Number.isInteger(seconds) && seconds > 0)) {
  throw new Error(`--rounds and --seconds must be whole numbers above 0, got ${options.rounds} and ${options.seconds}`);
}
const sections = options.sections.split(",");
const protocols = options.protocols.split(",");
const models = options.models.split(",").filter((name) => NAMES.includes(name));
const rest = options.builtin || !(await installed("wrk")) ? nodeHttp : wrk;
const grpc = options.builtin || !(await installed("h2load")) ? nodeGrpc : h2load;

const folder = mkdtempSync(join(tmpdir(), "modelport-benchmark-"));
try {
  console.log(
    `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.versions.node}, ${options.threads} threads; ` +
      `median of ${rounds} rounds of ${seconds} s; load average before ${loadavg()[0].toFixed(2)}`,
  );
  if (options.quick) console.log("a quick run without warm-up: it shows that everything works, its figures mean little");
  if (rest === nodeHttp) console.log("REST load comes from Node (wrk is not used): requests/s may be the generator's limit");
  if (grpc === nodeGrpc) console.log("gRPC load comes from Node (h2load is not used): requests/s may be the generator's limit");
  if (sections.includes("start")) await measureStart();
  const load = sections.includes("load") ? await measureLoad() : new Map();
  const threads = sections.includes("threads") ? await measureThreads() : new Map();
  const judged = judge(load, threads);
  if (judged.length > 0) console.log(`\n${table(["[mark]", "wanted", "measured", "[holds]"], judged)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Start to first answer, and what the digit model adds to memory. */
async function measureStart() {
  const example = join(import.meta.dirname, "../examples/digits");
  const served = join(folder, "digits");
  mkdirSync(served);
  const empty = await startServer([`--model_base_path=${served}`, "--model_name=digits", ...serverFlags]);
  try {
    await empty.until(() => empty.accepts());
    const before = empty.residentMegabytes();
    cpSync(join(example, "model"), served, { recursive: true });
    await empty.until(() => answers(empty, "digits", [BLANK_IMAGE]));
    console.log(
      `\nmemory before a model: ${before.toFixed(0)} MB RSS; with the digit model: ${empty.residentMegabytes().toFixed(0)} MB`,
    );
  } catch (error) {
    console.log(`\nmemory before a model was not measured: ${error.message}`);
  } finally {
    await empty.stop();
  }

  const times = await interleave([startToFirstAnswer], rounds);
  console.log(`start to first answer, digit model: ${median(times[0]).toFixed(2)} s`);

  async function startToFirstAnswer() {
    const server = await startServer([join(example, "model"), "--model_name=digits", ...serverFlags]);
    try {
      await server.until(() => answers(server, "digits", [BLANK_IMAGE]));
      return (performance.now() - server.startedAt) / 1_000;
    } finally {
      await server.stop();
    }
  }
}

/** The server alone or beside the floor, another build or other flags. */
async function measureLoad() {
  const own = ["--threads", options.threads, ...serverFlags];
  const starts = [["modelport", () => startServer([...config(), ...own])]];
  if (options.floor !== undefined) {
    starts.push(["floor", () => startFloor(resolve(options.floor), floorModels(), options.threads)]);
  }
  if (options.against !== undefined || options["against-dist"] !== undefined) {
    const flags = options.against?.split(" ").filter((flag) => flag !== "") ?? [];
    const dist = options["against-dist"] === undefined ? undefined : resolve(options["against-dist"]);
    starts.push(["against", () => startServer([...config(), ...own, ...flags], { dist })]);
    console.log(`\n"against": ${[...flags, dist === undefined ? "" : "another build"].join(" ").trim()}`);
  }
  return measure(starts, LOAD, []);
}

/**
 * Two serving threads against one, with a model whose run is most of the work. One thread hands long runs to others, so without a
 * bound it uses more than a core: what the second core brings shows against one that is kept on a core.
 */
async function measureThreads() {
  const flags = [...config(), "--tensorflow_intra_op_parallelism=1", ...serverFlags];
  const starts = [
    ["2 threads", () => startServer([...flags, "--threads=2"])],
    ["1 thread", () => startServer([...flags, "--threads=1"])],
  ];
  if (await installed("taskset")) starts.push(["1 core", () => startServer([...flags, "--threads=1"], { oneCore: true })]);
  return measure(starts, THREADS, [ONE_CONNECTION]);
}

/**
 * Starts all servers, drives them in turn and prints a row for each load. All loads of a model, batch and protocol take turns too.
 * @param starts names of servers and what starts them. Ratios are the first's to each of the others.
 * @param shared further numbers of connections and streams for gRPC.
 * @returns rounds by row and server.
 */
async function measure(starts, cases, shared) {
  const wanted = cases.filter(({ model }) => models.includes(model));
  const results = new Map();
  const servers = [];
  try {
    for (const [name, start] of starts) {
      const server = await start();
      servers.push({ name, server });
      for (const { model } of wanted) await server.until(() => answers(server, model, makeRows(model, 1)));
    }
    const rows = [];
    for (const protocol of protocols) {
      for (const { model, batch, connections } of wanted) {
        const targets = await Promise.all(servers.map(({ server }) => target(server, protocol, model, batch)));
        const counts = options.connections?.split(",").map(Number) ?? connections;
        const loads = counts.map((count) => ({ connections: count, streams: 1 }));
        if (protocol === "grpc") loads.push(...shared);
        const cells = loads.flatMap((load) =>
          servers.map(
            ({ server }, index) =>
              () =>
                round(server, targets[index], load),
          ),
        );
        if (!options.quick) await interleave(cells, 1);
        const measured = await interleave(cells, rounds);
        for (const [index, { connections: count, streams }] of loads.entries()) {
          const own = measured.slice(index * servers.length, (index + 1) * servers.length);
          results.set(rowName(protocol, model, batch, count, streams), new Map(servers.map(({ name }, at) => [name, own[at]])));
          const calls = streams === 1 ? String(count) : `${count} x ${streams} calls`;
          rows.push([protocol, model, String(batch), calls, ...figures(own)]);
          process.stderr.write(`${rows.at(-1).join(" ")}\n`);
        }
      }
    }
    console.log(`\n${table(titles(servers.map(({ name }) => name)), rows)}\n`);
    const every = [...results.values()].flatMap((row) => [...row.values()]);
    const widest = Math.max(...every.map((taken) => spread(taken.map(({ cpu }) => cpu))));
    if (rounds > 1) console.log(`CPU a request differs between the rounds of a row by ${(widest * 100).toFixed(0)} % at most`);
    const memory = servers.map(({ name, server }) => `${name} ${server.residentMegabytes().toFixed(0)} MB`);
    console.log(`memory after the load, RSS: ${memory.join(", ")}`);
    return results;
  } finally {
    for (const { server } of servers) await server.stop();
  }
}

/** One row's figures of all servers, in the order of {@link titles}. */
function figures(measured) {
  const [first, ...others] = measured;
  return [
    ...measured.flatMap((taken) => [figure(median(taken.map(({ rate }) => rate))), figure(median(taken.map(({ cpu }) => cpu)))]),
    ...others.flatMap((other) => [figure(pairedRatio(first, other, "rate")), figure(pairedRatio(first, other, "cpu"))]),
    String(measured.flat().reduce((sum, { failures }) => sum + failures, 0)),
  ];
}

function titles(names) {
  const [first, ...others] = names;
  return [
    "[protocol]",
    "[model]",
    "rows",
    "connections",
    ...names.flatMap((name) => [`${name}: requests/s`, "CPU µs"]),
    ...others.flatMap((other) => [`${first} / ${other}: requests/s`, "CPU"]),
    "failures",
  ];
}

/** Drives one server once. */
async function round(server, { drive, ...request }, load) {
  const before = server.cpuSeconds();
  const { requests, failures, seconds: took } = await drive({ ...request, ...load, seconds, folder });
  server.mustRun();
  return { rate: requests / took, cpu: ((server.cpuSeconds() - before) * 1e6) / requests, failures };
}

async function target(server, protocol, model, batch) {
  const rows = makeRows(model, batch);
  if (protocol === "rest") return { drive: rest, port: server.restPort, path: restPath(model), body: restBody(rows) };
  const call = { port: server.grpcPort, path: GRPC_PATH, body: grpcBody(model, rows) };
  return { drive: grpc, ...call, answerBytes: await checkGrpc(call) };
}

/** The flag that serves the benchmark's models. */
function config() {
  const file = join(folder, "models.config");
  const entry = (name) => `  config { name: "${name}" base_path: "${join(MODELS, name)}" model_platform: "${options.platform}" }`;
  writeFileSync(file, `model_config_list {\n${NAMES.map(entry).join("\n")}\n}\n`);
  return [`--model_config_file=${file}`];
}

/** The folder the floor reads; when none is named, one with the very models of this server. */
function floorModels() {
  if (options["floor-models"] !== undefined) return resolve(options["floor-models"]);
  const flat = join(folder, "floor-models");
  mkdirSync(flat);
  for (const name of Object.keys(WIDTHS)) cpSync(join(MODELS, name, "1/model.onnx"), join(flat, `${name}.onnx`));
  return flat;
}

/** Whether a REST predict call is answered with 200. */
async function answers(server, model, rows) {
  const answer = await fetch(`http://127.0.0.1:${server.restPort}${restPath(model)}`, { method: "POST", body: restBody(rows) });
  await answer.arrayBuffer();
  return answer.ok;
}

/** The bytes of one good answer. h2load does not see gRPC's statuses, so one call is made here first. */
async function checkGrpc({ port, path, body }) {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    await once(session, "connect");
    const { status, bytes } = await grpcCall(session, path, body);
    if (status !== "0") throw new Error(`the gRPC call is answered with grpc-status ${status}`);
    return bytes;
  } finally {
    session.close();
  }
}

function fail(message) {
  throw new Error(message);
}
