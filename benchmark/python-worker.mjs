// Measures what a Python worker's round trip costs: one thread asks one worker, whose handler gives back what it got, one request after the
// other, with the payload in the frame and through shared memory. Then sixteen small requests at once. `--python=PROGRAM` names an interpreter;
// `--seconds=N` is the length of a round, of which there are three of each. CPU is from /proc, so only on Linux.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { interleave, median, table } from "./measurements.mjs";

const { python, seconds, rounds } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    seconds: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
  },
}).values;
const SIZES = [3, 32, 64, 128, 300, 512, 1024, 3 * 1024].map((kilobytes) => kilobytes * 1024);
const WAYS = [
  { name: "in the frame", sharedFromBytes: Number.POSITIVE_INFINITY },
  { name: "shared memory", sharedFromBytes: 0 },
];
const HANDLER = `
class Handler:
    signature = {"inputs": {"x": {"dtype": "float32", "shape": [-1]}}, "outputs": {"y": {"dtype": "float32", "shape": [-1]}}}

    def predict(self, inputs):
        return {"y": inputs["x"]}
`;
/** Ticks of a second in /proc. */
const TICKS = 100;

const { PythonRuntime } = await built("runtimes/python/python-runtime.js");
const folder = mkdtempSync(join(tmpdir(), "modelport-benchmark-"));
writeFileSync(join(folder, "handler.py"), HANDLER);

let worker;
const log = {
  debugging: false,
  debug: () => undefined,
  info: (event, fields) => {
    if (event === "python_worker_started") worker = fields;
  },
  warn: console.error,
  error: console.error,
};
const setups = [];
for (const way of WAYS) {
  const runtime = new PythonRuntime({ sharedFromBytes: way.sharedFromBytes }, { log });
  const model = await runtime.load(
    { runtime: "python", form: "handler", folder, file: "handler.py" },
    new AbortController().signal,
    {
      python: {
        interpreter: python,
        allowCode: true,
        workers: 1,
        device: "cpu",
        timeoutMs: 60_000,
        memoryLimitBytes: undefined,
        warmSpare: false,
        environment: [],
        model: "echo",
        version: "1",
      },
    },
  );
  setups.push({ ...way, runtime, model, servable: runtime.attach(model), pid: worker.pid });
}
console.log(
  `Node ${process.versions.node}, Python ${worker.python}, ${worker.numpy === undefined ? "no numpy" : `numpy ${worker.numpy}`}, ` +
    `${cpus().length} x ${cpus()[0]?.model ?? "an unknown processor"}\n`,
);
const cells = SIZES.flatMap((size) => setups.map((setup) => () => round(setup, size)));
const results = await interleave(cells, Number(rounds));
console.log(
  table(
    ["[payload]", "[way]", "p50, us", "p99, us", "CPU of Node, us", "CPU of Python, us"],
    results.map((found, index) => {
      const figure = (key) => String(Math.round(median(found.map((each) => each[key]))));
      const size = SIZES[Math.floor(index / WAYS.length)] / 1024;
      return [`${size} KiB`, WAYS[index % WAYS.length].name, figure("p50"), figure("p99"), figure("node"), figure("python")];
    }),
  ),
);
console.log(`\nsixteen of 3 KiB at once: ${await pipelined(setups[0])} requests/s`);
for (const { runtime, model, servable } of setups) {
  servable.detach();
  await runtime.unload(model);
}
rmSync(folder, { recursive: true });

async function ask(servable, x) {
  const answer = await servable.run("serving_default", new Map([["x", x]]), ["y"]);
  if (answer.get("y").data.length !== x.data.length) throw new Error("the answer is another one");
}

async function round({ servable, pid }, size) {
  const x = { dtype: "float32", shape: [size / 4], data: Float32Array.from({ length: size / 4 }, (_, i) => i) };
  for (let i = 0; i < 30; i++) await ask(servable, x);
  const times = [];
  const [node, other] = [process.cpuUsage(), cpuOf(pid)];
  const end = performance.now() + Number(seconds) * 1000;
  for (let now = performance.now(); now < end; ) {
    await ask(servable, x);
    const after = performance.now();
    times.push((after - now) * 1000);
    now = after;
  }
  const { user, system } = process.cpuUsage(node);
  times.sort((a, b) => a - b);
  return {
    p50: times[times.length >> 1],
    p99: times[Math.floor(times.length * 0.99)],
    node: (user + system) / times.length,
    python: (cpuOf(pid) - other) / times.length,
  };
}

async function pipelined({ servable }) {
  const x = { dtype: "float32", shape: [768], data: new Float32Array(768) };
  const start = performance.now();
  let count = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (performance.now() - start < Number(seconds) * 1000) {
        await ask(servable, x);
        count++;
      }
    }),
  );
  return Math.round((count / (performance.now() - start)) * 1000);
}

/** Microseconds of CPU that a process has taken; 0 where /proc does not say. */
function cpuOf(pid) {
  if (!existsSync(`/proc/${pid}/stat`)) return 0;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS;
}

async function built(module) {
  const file = join(import.meta.dirname, "../dist", module);
  if (!existsSync(file)) throw new Error("the server is not built: npm run build");
  return await import(file);
}
