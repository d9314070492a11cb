// Measures what looking for new versions costs the control thread: large trees, the built server's own sources, nothing else in the
// process. With --server also a whole server that starts with a thousand models and is then left alone. Linux only: reads /proc.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { startServer } from "./measured-server.mjs";

const root = join(import.meta.dirname, "..");
const { values: options } = parseArgs({
  options: {
    case: { type: "string" },
    tree: { type: "string" },
    phase: { type: "string" },
    seconds: { type: "string", default: "8" },
    dist: { type: "string", default: join(root, "dist") },
    only: { type: "string" },
    server: { type: "boolean", default: false },
  },
});
const INTERVAL_MS = 1000;
const SECONDS = Number(options.seconds);
/** Files settle half a second after they were written; a listing is trusted from two seconds after the last change on. */
const WARM_UP_MS = 4_000;

const FIRST = 1_700_000_000;
const latest = { kind: "latest", count: 1 };
const one = (policy) => (tree) => ({ servables: [{ name: "m", basePath: tree, versionPolicy: policy }] });
const paths = (tree) => ({ choice: { kind: "paths", paths: [tree] } });

/** Each makes a tree and says what watches it: servables of a config, or a folder that is looked through. */
const CASES = {
  "10,000 versions, the latest": { make: (tree) => versions(tree, 10_000), watch: one(latest) },
  "10,000 versions, two of them by number": {
    make: (tree) => versions(tree, 10_000),
    watch: one({ kind: "specific", versions: [BigInt(FIRST), BigInt(FIRST + 5_000)] }),
  },
  "10,000 versions, the latest, one more a second": {
    make: (tree) => versions(tree, 10_000),
    watch: one(latest),
    disturb: (tree, round) => version(join(tree, String(FIRST + 10_000 + round))),
  },
  "10,000 versions, all": { make: (tree) => versions(tree, 10_000), watch: one({ kind: "all" }) },
  "1,000 models of a config": {
    make: (tree) => models((name) => version(join(tree, name, "1"))),
    watch: (tree) => ({
      servables: readdirSync(tree).map((name) => ({ name, basePath: join(tree, name), versionPolicy: latest })),
    }),
  },
  "1,000 models below a folder": { make: (tree) => models((name) => version(join(tree, name, "1"))), watch: paths },
  "1,000 folders with model.onnx below a folder": {
    make: (tree) => models((name) => version(join(tree, name))),
    watch: paths,
  },
  "1,000 .onnx files in a folder": {
    make: (tree) => models((name) => writeFileSync(join(tree, `${name}.onnx`), "model")),
    watch: paths,
  },
};

if (options.case !== undefined) await watchTree(CASES[options.case]);
else if (options.server) await measureServer();
else await measureAll();

async function measureAll() {
  console.log(`Node ${process.versions.node}; a look every ${INTERVAL_MS} ms; milliseconds\n`);
  console.log("| watched | first look, CPU | CPU a second | of it the thread | longest block, first look | then |");
  console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const [name, { make }] of Object.entries(CASES)) {
    if (options.only !== undefined && !name.includes(options.only)) continue;
    const tree = mkdtempSync(join(tmpdir(), "polling-"));
    try {
      make(tree);
      const cpu = await child(name, tree, "cpu");
      const block = await child(name, tree, "block");
      const figures = [cpu.first, cpu.process, cpu.thread, block.first, block.steady].map((ms) => ms.toFixed(1));
      console.log(`| ${name} | ${figures.join(" | ")} |`);
    } finally {
      rmSync(tree, { recursive: true });
    }
  }
}

/** Runs one case in a process of its own and gives the figures it prints. */
async function child(name, tree, phase) {
  const args = [process.argv[1], `--case=${name}`, `--tree=${tree}`, `--phase=${phase}`, `--dist=${options.dist}`];
  const process_ = spawn(process.execPath, [...args, `--seconds=${SECONDS}`], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const text of process_.stdout) output += text;
  return JSON.parse(output);
}

async function watchTree({ watch, disturb }) {
  const started = await startWatching(watch(options.tree));
  let longest = 0;
  const beforeFirst = processMs();
  if (options.phase === "block") watchTurns((ms) => (longest = Math.max(longest, ms)));
  await started.first();
  const first = options.phase === "block" ? longest : processMs() - beforeFirst;
  for (let passed = 0; passed < WARM_UP_MS; passed += INTERVAL_MS) await delay(INTERVAL_MS);
  longest = 0;
  const before = { process: processMs(), thread: threadMs() };
  for (let round = 0; round < SECONDS; round++) {
    disturb?.(options.tree, round);
    await delay(INTERVAL_MS);
  }
  const figures =
    options.phase === "block"
      ? { first, steady: longest }
      : { first, process: (processMs() - before.process) / SECONDS, thread: (threadMs() - before.thread) / SECONDS };
  console.log(JSON.stringify(figures));
  process.exit(0);
}

/** What the control thread has that looks for models and versions, without what it does about them. */
async function startWatching({ servables, choice }) {
  const { FileSystemSource } = await built("sources/file-system-source.js");
  const { modelSet } = await built("control/model-set.js");
  const { sameModels } = await built("control/same-models.js");
  const { Poller } = await built("control/poller.js");
  const { isModel } = await built("platforms/registry.js");
  const { systemClock } = await built("base/clock.js");
  const source = new FileSystemSource({
    pollIntervalMs: INTERVAL_MS,
    servables: servables ?? [],
    isModel,
    report: (event, { message }) => console.error(event, message),
  });
  source.connect({ setAspiredVersions: () => undefined });
  const set = choice && modelSet(choice);
  let known = [];
  const read = async () => {
    const found = await set.read();
    if (sameModels(found, known)) return;
    known = found;
    source.update(found);
  };
  return {
    async first() {
      if (set) await read();
      await source.start();
      if (set) new Poller(read, set.pollIntervalMs, systemClock, (reason) => console.error(reason));
    },
  };
}

/** The whole server with a thousand models: until all are served, and then without a request. */
async function measureServer() {
  const tree = mkdtempSync(join(tmpdir(), "polling-"));
  const model = join(root, "test/fixtures/identity/saved_model_half_plus_two_2_versions/123/model.onnx");
  try {
    models((name) => {
      mkdirSync(join(tree, name, "1"), { recursive: true });
      copyFileSync(model, join(tree, name, "1/model.onnx"));
    });
    const server = await startServer([tree], { dist: options.dist });
    try {
      const ready = async () => (await fetch(`http://127.0.0.1:${server.restPort}/readyz`)).status === 200;
      await server.until(ready);
      const start = performance.now() - server.startedAt;
      console.log(
        `1,000 models: all served ${(start / 1000).toFixed(1)} s after the start, ${server.cpuSeconds().toFixed(1)} s of CPU`,
      );
      await delay(WARM_UP_MS);
      const before = server.cpuSeconds();
      await delay(SECONDS * 1000);
      console.log(`idle: ${(((server.cpuSeconds() - before) / SECONDS) * 1000).toFixed(0)} ms of CPU a second`);
      console.log(`resident: ${server.residentMegabytes().toFixed(0)} MB`);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function versions(tree, count) {
  for (let i = 0; i < count; i++) version(join(tree, String(FIRST + i)));
}

function version(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "model.onnx"), "model");
}

function models(make) {
  for (let i = 0; i < 1000; i++) make(`model_${i}`);
}

/** A module of the built server. */
function built(path) {
  return import(pathToFileURL(join(options.dist, path)).href);
}

/**
 * Tells the CPU that the thread used between two turns of a timer of 1 ms: how long it was blocked, whatever else the machine did.
 * What it did in the millisecond in between is counted too.
 */
function watchTurns(tell) {
  let last = threadMs();
  setInterval(() => {
    const now = threadMs();
    tell(now - last);
    last = now;
  }, 1);
}

function processMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** CPU of the main thread alone. */
function threadMs() {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
}
