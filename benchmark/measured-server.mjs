// Starts the built server, or the floor beside it, and reads what it costs from /proc (Linux; elsewhere the figures are missing).
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const root = join(import.meta.dirname, "..");
const TICKS_PER_SECOND = process.platform === "linux" ? Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" })) : 100;
const START_LIMIT_MS = 30_000;

/** A port of 127.0.0.1 that nobody listens on now. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Starts `modelport serve ARGS` on ports of its own. It may not answer yet.
 * @param dist the build to start; the project's own when left out.
 * @param oneCore keeps the whole process on one core, by taskset.
 */
export async function startServer(args, { dist = join(root, "dist"), oneCore = false } = {}) {
  const main = join(dist, "cli/main.js");
  if (!existsSync(main)) throw new Error(`there is no built server in ${dist}: run \`npm run build\` first`);
  const [grpcPort, restPort] = [await freePort(), await freePort()];
  const command = [process.execPath, main, "serve", ...args, `--port=${grpcPort}`, `--rest_api_port=${restPort}`];
  const [program, ...rest] = oneCore ? ["taskset", "-c", firstCore(), ...command] : command;
  return startProcess(program, rest, process.env, grpcPort, restPort);
}

/** The first core this process may run on. */
function firstCore() {
  return /Cpus_allowed_list:\s+(\d+)/.exec(readProc("self", "status") ?? "")?.[1] ?? "0";
}

/** Starts the floor: a server that takes `PORT THREADS`, serves MODELS/NAME.onnx and speaks REST and gRPC on that port. */
export async function startFloor(program, models, threads) {
  const port = await freePort();
  const env = { ...process.env, MODELS: models, ORT_DYLIB_PATH: process.env.ORT_DYLIB_PATH ?? packagedLibrary() };
  return startProcess(program, [String(port), String(threads)], env, port, port);
}

/** The ONNX Runtime that this project serves with. */
function packagedLibrary() {
  const bin = join(root, "node_modules/onnxruntime-node/bin/napi-v6", process.platform, process.arch);
  const name = existsSync(bin) ? readdirSync(bin).find((file) => file.startsWith("libonnxruntime.")) : undefined;
  if (name === undefined) throw new Error("there is no ONNX Runtime for the floor: name one in ORT_DYLIB_PATH");
  return join(bin, name);
}

async function startProcess(command, args, env, grpcPort, restPort) {
  const startedAt = performance.now();
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output = (output + text).slice(-4_000)));
  await once(child, "spawn");
  const exited = once(child, "exit");
  const ended = () => child.exitCode !== null || child.signalCode !== null;

  return {
    grpcPort,
    restPort,
    startedAt,
    /** Seconds of CPU, user and system, of all its threads so far; NaN where there is no /proc. */
    cpuSeconds() {
      const stat = readProc(child.pid, "stat");
      if (stat === undefined) return Number.NaN;
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    /** Resident memory in MB (10^6 bytes); NaN where there is no /proc. */
    residentMegabytes() {
      const line = /VmRSS:\s+(\d+) kB/.exec(readProc(child.pid, "status") ?? "");
      return line === null ? Number.NaN : (Number(line[1]) * 1_024) / 1e6;
    },
    /** Throws with the server's output when it has ended. */
    mustRun() {
      if (ended()) throw new Error(`the server ended by itself; its last words:\n${output}`);
    },
    /** Asks until `ask` gives true; throws with the server's output when it ends or takes too long. */
    async until(ask) {
      while (!(await ask().catch(() => false))) {
        if (ended() || performance.now() - startedAt > START_LIMIT_MS) {
          throw new Error(`the server does not answer as it should; its last words:\n${output}`);
        }
        await delay(2);
      }
    },
    /** Whether the gRPC port takes connections. */
    async accepts() {
      const socket = connect(grpcPort, "127.0.0.1");
      try {
        await once(socket, "connect");
        return true;
      } finally {
        socket.destroy();
      }
    },
    async stop() {
      const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
      child.kill("SIGTERM");
      await exited;
      clearTimeout(limit);
    },
  };
}

function readProc(pid, file) {
  const path = `/proc/${pid}/${file}`;
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
