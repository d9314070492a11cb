// More requests than the built server can answer, sent on schedule whatever comes back (an open loop).
//
//   node benchmark/overload.mjs [--factor=5] [--seconds=60] [--rounds=3000] [--threads=2] [--protocol=rest|grpc] [--dist=DIR]
//                               [--max-connections=4000] [-- FLAGS OF THE SERVER]
//
// The model takes about a microsecond a round, so that the server's runs are most of the work and this client, one process on the same
// machine, is little of it. Where it may, the client gives itself a higher priority: what it measures should be the server's time.
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { cpus, getPriority, setPriority } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startServer } from "./measured-server.mjs";
import { GRPC_PATH, grpcRoundsBody } from "./request-bodies.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    factor: { type: "string", default: "5" },
    seconds: { type: "string", default: "60" },
    rounds: { type: "string", default: "3000" },
    threads: { type: "string", default: "2" },
    protocol: { type: "string", default: "rest" },
    dist: { type: "string" },
    "max-connections": { type: "string", default: "4000" },
  },
});
const rounds = Number(values.rounds);
const MOST_CONNECTIONS = Number(values["max-connections"]);
/** Callers of the closed loop that finds the peak: enough to keep every core busy, too few to be refused. */
const CLOSED_CALLERS = 32;
const CLOSED_SECONDS = 5;
/** Load before and after the overload, as a part of the peak. */
const CALM = 0.5;
const CALM_SECONDS = 5;
/** HTTP/2 connections of the gRPC client; each carries up to a hundred calls at a time. */
const GRPC_SESSIONS = 64;

const MODEL = join(import.meta.dirname, "../test/fixtures/onnx_runtime/rounds.onnx");
const body = JSON.stringify({ inputs: { n: rounds, x: [0.5] } });
const REQUEST = Buffer.from(
  `POST /v1/models/rounds:predict HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);

/** Keeps connections to the REST port, one request at a time on each. `send` gives "ok", "refused" or what else came. */
function restClient(port) {
  const free = [];
  let open = 0;
  const start = () =>
    new Promise((resolve, reject) => {
      open++;
      const socket = connect(port, "127.0.0.1", () => resolve(connection));
      const connection = { socket, answer: undefined, text: "" };
      socket.setNoDelay(true);
      socket.setEncoding("latin1");
      socket.on("data", (text) => {
        connection.text += text;
        const end = connection.text.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(connection.text)?.[1] ?? 0);
        if (connection.text.length < end + 4 + length) return;
        const status = connection.text.slice(9, 12);
        connection.text = "";
        free.push(connection);
        connection.answer(status === "200" ? "ok" : status === "429" ? "refused" : status);
      });
      socket.on("error", reject);
      socket.on("close", () => {
        open--;
        connection.answer?.("closed");
      });
    });
  return {
    async send() {
      const connection = free.pop() ?? (open < MOST_CONNECTIONS ? await start() : undefined);
      if (connection === undefined) return { outcome: "no connection left", began: performance.now() };
      const began = performance.now();
      const outcome = await new Promise((resolve) => {
        connection.answer = resolve;
        connection.socket.write(REQUEST);
      });
      return { outcome, began };
    },
    close() {
      for (const { socket } of free) socket.destroy();
    },
  };
}

/** The same over gRPC: calls in turn on a number of sessions. */
function grpcClient(port) {
  const sessions = Array.from({ length: GRPC_SESSIONS }, () => connectHttp2(`http://127.0.0.1:${port}`));
  const message = grpcRoundsBody(rounds);
  let next = 0;
  return {
    send() {
      const session = sessions[next++ % sessions.length];
      const began = performance.now();
      return new Promise((resolve) => {
        const stream = session.request({
          ":method": "POST",
          ":path": GRPC_PATH,
          "content-type": "application/grpc",
          te: "trailers",
        });
        let status = "none";
        stream.on("response", (fields) => (status = fields["grpc-status"] ?? status));
        stream.on("trailers", (fields) => (status = fields["grpc-status"] ?? status));
        stream.on("error", () => undefined);
        stream.on("close", () =>
          resolve({ outcome: status === "0" ? "ok" : status === "8" ? "refused" : `gRPC ${status}`, began }),
        );
        stream.resume();
        stream.end(message);
      });
    },
    close() {
      for (const session of sessions) session.destroy();
    },
  };
}

/** Seconds of CPU of the whole machine, of the server and of this process, so far. */
function cpuSeconds(server) {
  const machine = cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.nice, 0) / 1000;
  const { user, system } = process.cpuUsage();
  return { machine, server: server.cpuSeconds(), client: (user + system) / 1e6 };
}

/** Answers a second of callers that each wait for their answer. */
async function peak(client) {
  let answered = 0;
  const until = performance.now() + CLOSED_SECONDS * 1000;
  await Promise.all(
    Array.from({ length: CLOSED_CALLERS }, async () => {
      while (performance.now() < until) if ((await client.send()).outcome === "ok") answered++;
    }),
  );
  return answered / CLOSED_SECONDS;
}

/** Sends `rate` requests a second for so long; gives every one with when it was due, was sent and was answered. */
async function openLoop(client, rate, seconds) {
  const sent = [];
  const all = [];
  const start = performance.now();
  const total = Math.round(rate * seconds);
  while (all.length < total) {
    const now = performance.now();
    const due = Math.min(total, Math.floor(((now - start) / 1000) * rate));
    while (all.length < due) {
      const at = start + (all.length / rate) * 1000;
      all.push(client.send().then(({ outcome, began }) => sent.push({ at, began, ended: performance.now(), outcome })));
    }
    await delay(1);
  }
  const ended = performance.now();
  return { sent, ended, settled: Promise.all(all) };
}

function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.length === 0 ? "-" : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
}

function row(phase, rate, seconds, sent) {
  const ok = sent.filter(({ outcome }) => outcome === "ok");
  const refused = sent.filter(({ outcome }) => outcome === "refused");
  const late = ok.map(({ at, ended }) => ended - at);
  const refusal = refused.map(({ began, ended }) => ended - began);
  const others = new Map();
  for (const { outcome } of sent)
    if (outcome !== "ok" && outcome !== "refused") others.set(outcome, (others.get(outcome) ?? 0) + 1);
  return {
    phase,
    "sent/s": Math.round(rate),
    "answered/s": Math.round(ok.length / seconds),
    "refused/s": Math.round(refused.length / seconds),
    "answered p50, ms": quantile(late, 0.5),
    "p99, ms": quantile(late, 0.99),
    "refused p50, ms": quantile(refusal, 0.5),
    "p90, ms": quantile(refusal, 0.9),
    "refused p99, ms": quantile(refusal, 0.99),
    others: [...others].map(([outcome, count]) => `${outcome}: ${count}`).join(", "),
  };
}

const server = await startServer([MODEL, `--threads=${values.threads}`, "--log_level=error", ...positionals], {
  ...(values.dist !== undefined && { dist: values.dist }),
});
try {
  setPriority(getPriority() - 5);
} catch {
  console.log("(the client runs at the server's priority)");
}
try {
  await server.until(async () => (await fetch(`http://127.0.0.1:${server.restPort}/readyz`)).ok);
  const client = values.protocol === "grpc" ? grpcClient(server.grpcPort) : restClient(server.restPort);
  await peak(client);
  const cpuAtPeak = server.cpuSeconds();
  const capacity = await peak(client);
  const peakCost = (server.cpuSeconds() - cpuAtPeak) / (capacity * CLOSED_SECONDS);
  const rows = [];
  const calm = await openLoop(client, CALM * capacity, CALM_SECONDS);
  await calm.settled;
  rows.push(row("before", CALM * capacity, CALM_SECONDS, calm.sent));

  const clientDelay = monitorEventLoopDelay({ resolution: 1 });
  clientDelay.enable();
  const cpuBefore = cpuSeconds(server);
  const before = server.residentMegabytes();
  const factor = Number(values.factor);
  const seconds = Number(values.seconds);
  const over = await openLoop(client, factor * capacity, seconds);
  const after = server.residentMegabytes();
  clientDelay.disable();
  const cpuAfter = cpuSeconds(server);
  const recovering = await openLoop(client, CALM * capacity, CALM_SECONDS);
  await Promise.all([over.settled, recovering.settled]);
  rows.push(row(`${factor} times the peak`, factor * capacity, seconds, over.sent));
  rows.push(row("after", CALM * capacity, CALM_SECONDS, recovering.sent));
  server.mustRun();

  // Recovered: from then on every request is answered, and no later than twice the worst of before.
  const usual = 2 * Math.max(...calm.sent.map(({ at, ended }) => ended - at));
  const bad = recovering.sent.filter(({ at, ended, outcome }) => outcome !== "ok" || ended - at > usual);
  const recovered = Math.max(0, ...bad.map(({ at }) => at - over.ended));
  const goodput = over.sent.filter(({ outcome, ended }) => outcome === "ok" && ended <= over.ended).length / seconds;
  console.log(`${values.protocol}, runs of about ${rounds / 1000} ms, peak ${Math.round(capacity)} answers/s`);
  console.table(rows);
  console.log(`answers while overloaded: ${((100 * goodput) / capacity).toFixed(0)} % of the peak`);
  console.log(`as before (every request answered within ${usual.toFixed(0)} ms) after ${(recovered / 1000).toFixed(2)} s`);
  console.log(`memory ${before.toFixed(0)} -> ${after.toFixed(0)} MB`);
  const used = (who) => ((cpuAfter[who] - cpuBefore[who]) / seconds).toFixed(2);
  // Where other processes take turns with the server its share of the machine differs; what an answer costs does not.
  const cost = (cpuAfter.server - cpuBefore.server) / (goodput * seconds);
  console.log(
    `server CPU an answer, refusals included: ${(1e3 * peakCost).toFixed(2)} ms at the peak, ${(1e3 * cost).toFixed(2)} ms overloaded`,
  );
  const others = (used("machine") - used("server") - used("client")).toFixed(2);
  console.log(`cores in use while overloaded: server ${used("server")}, client ${used("client")}, other processes ${others}`);
  console.log(`the client's own lateness: p99 ${(clientDelay.percentile(99) / 1e6).toFixed(1)} ms`);
  client.close();
} finally {
  await server.stop();
}
