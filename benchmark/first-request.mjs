// Measures what first requests wait for, with warm-up and without: starts the built server again and again with a model twice, under two
// names, and asks first the one a few times, then the other, on one connection that has been used already. The very first request
// also pays for what the server makes once, the other's first only for what a version does. Prints medians over the starts.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startServer } from "./measured-server.mjs";

const root = join(import.meta.dirname, "..");
const { values: options } = parseArgs({
  options: {
    models: { type: "string", default: "torch_encoder,torch_textlstm,torch_convnet" },
    starts: { type: "string", default: "15" },
    requests: { type: "string", default: "50" },
    dist: { type: "string", default: join(root, "dist") },
  },
});
const STARTS = Number(options.starts);
const REQUESTS = Number(options.requests);
const NAMES = ["first", "other"];
const WAYS = { "no warm-up": ["--enable_model_warmup=false"], "--automatic_warmup=zeros": ["--automatic_warmup=zeros"] };

for (const model of options.models.split(",")) {
  const times = new Map(Object.keys(WAYS).map((way) => [way, []]));
  // The ways take turns, so that what disturbs the machine for a while disturbs all alike.
  for (let start = 0; start < STARTS; start++) {
    for (const [way, flags] of Object.entries(WAYS)) times.get(way).push(await measure(model, flags));
  }
  for (const [way, starts] of times) {
    const at = (version, index) => median(starts.map((versions) => versions[version].at(index))).toFixed(2);
    const row = `server's first ${at(0, 0)} ms, version's first ${at(1, 0)} ms, its second ${at(1, 1)} ms, its last ${at(1, -1)} ms`;
    console.log(`${model.padEnd(16)} ${way.padEnd(26)} ${row}`);
  }
}

/** Milliseconds of each request to either name, of a fresh server with one serving thread. */
async function measure(model, flags) {
  const folder = mkdtempSync(join(tmpdir(), "modelport-first-request-"));
  const fixture = join(root, "test/fixtures/onnx", model);
  for (const name of NAMES) {
    mkdirSync(join(folder, name, "1"), { recursive: true });
    cpSync(join(fixture, "model.onnx"), join(folder, name, "1", "model.onnx"));
  }
  const server = await startServer([folder, "--threads=1", ...flags], { dist: options.dist });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (path, body) => send(agent, server.restPort, path, body);
  try {
    await server.until(async () => (await ask("/readyz")) === 200);
    const body = JSON.stringify({ inputs: columns(JSON.parse(readFileSync(join(fixture, "golden.json"), "utf8"))[0].inputs) });
    const versions = [];
    for (const name of NAMES) {
      const times = [];
      for (let i = 0; i < REQUESTS; i++) {
        const before = performance.now();
        const status = await ask(`/v1/models/${name}:predict`, body);
        times.push(performance.now() - before);
        if (status !== 200) throw new Error(`${model} answered ${status}`);
      }
      versions.push(times);
    }
    return versions;
  } finally {
    agent.destroy();
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

function send(agent, port, path, body) {
  return new Promise((resolve, reject) => {
    const call = request({ agent, port, path, host: "127.0.0.1", method: body === undefined ? "GET" : "POST" }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
    call.on("error", reject).end(body);
  });
}

/** Inputs by name as nested arrays. */
function columns(inputs) {
  return Object.fromEntries(Object.entries(inputs).map(([name, { data, shape }]) => [name, nested(data, shape)]));
}

function nested(data, [size, ...rest]) {
  if (size === undefined) return data[0];
  const width = data.length / size;
  return Array.from({ length: size }, (_, i) => nested(data.slice(i * width, (i + 1) * width), rest));
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
