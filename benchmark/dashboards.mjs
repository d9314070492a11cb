// What open dashboards cost: throughput and CPU a request of the one-op model with no event stream and with many, in turn on one server.
//
//   node benchmark/dashboards.mjs [--streams=1000] [--rounds=7] [--seconds=3] [--threads=2]
//
// Every stream is a connection of its own and a descriptor on both sides: see `ulimit -n`.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { installed, nodeHttp, wrk } from "./load-generators.mjs";
import { startServer } from "./measured-server.mjs";
import { figure, median, table } from "./measurements.mjs";
import { makeRows, restBody, restPath } from "./request-bodies.mjs";

const { values: options } = parseArgs({
  options: {
    streams: { type: "string", default: "1000" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
  },
});
const streams = Number(options.streams);
const seconds = Number(options.seconds);

const MODEL = "simplest";
const CONNECTIONS = 16;
const OPENED_AT_ONCE = 100;
/** Until what opening and closing streams has set off is over. */
const SETTLED_MS = 1500;
/** How long the streams alone are watched. */
const IDLE_SECONDS = 10;

const GET = "GET /dashboard/api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/** Opens event streams. `received` counts the messages of all. */
async function openStreams(port, count) {
  const sockets = [];
  const opened = { sockets, received: 0 };
  while (sockets.length < count) {
    const some = await Promise.all(
      Array.from({ length: Math.min(OPENED_AT_ONCE, count - sockets.length) }, async () => {
        const socket = connect(port, "127.0.0.1");
        await once(socket, "connect");
        socket.write(GET);
        const [head] = await once(socket, "data");
        if (!head.toString("latin1").startsWith("HTTP/1.1 200 "))
          throw new Error(`no stream but: ${head.toString().slice(0, 200)}`);
        socket.on("data", () => opened.received++);
        return socket;
      }),
    );
    sockets.push(...some);
  }
  await delay(SETTLED_MS);
  return opened;
}

async function closeStreams({ sockets }) {
  for (const socket of sockets) socket.destroy();
  await delay(SETTLED_MS);
}

const load = (await installed("wrk")) ? wrk : nodeHttp;
const folder = mkdtempSync(join(tmpdir(), "modelport-benchmark-"));
const server = await startServer([join(import.meta.dirname, "models", MODEL), `--threads=${options.threads}`]);
try {
  await server.until(async () => (await fetch(`http://127.0.0.1:${server.restPort}/readyz`)).ok);
  const target = {
    port: server.restPort,
    path: restPath(MODEL),
    body: restBody(makeRows(MODEL, 1)),
    connections: CONNECTIONS,
    folder,
  };
  const drive = async () => {
    const before = server.cpuSeconds();
    const { requests, failures } = await load({ ...target, seconds });
    if (failures > 0) throw new Error(`${failures} requests failed`);
    return { rate: requests / seconds, cpu: ((server.cpuSeconds() - before) / requests) * 1e6 };
  };
  const idle = async () => {
    const before = server.cpuSeconds();
    await delay(IDLE_SECONDS * 1000);
    return (server.cpuSeconds() - before) / IDLE_SECONDS;
  };

  await drive();
  const rounds = [];
  let opened;
  for (let round = 0; round < Number(options.rounds); round++) {
    // A, B, B, A: what changes slowly weighs on both alike, and the streams stay open for two measurements.
    const [first, second] = round % 2 === 0 ? [0, streams] : [streams, 0];
    const measured = new Map();
    for (const count of [first, second]) {
      if (count > 0) opened ??= await openStreams(server.restPort, streams);
      else if (opened !== undefined) {
        await closeStreams(opened);
        opened = undefined;
      }
      const before = opened?.received ?? 0;
      measured.set(count, { ...(await drive()), messages: ((opened?.received ?? 0) - before) / seconds });
    }
    rounds.push({ without: measured.get(0), among: measured.get(streams) });
  }
  if (opened !== undefined) await closeStreams(opened);
  const memory = server.residentMegabytes();
  const alone = await idle();
  opened = await openStreams(server.restPort, streams);
  const before = opened.received;
  const watched = await idle();
  const messages = (opened.received - before) / IDLE_SECONDS;
  const grown = server.residentMegabytes() - memory;
  await closeStreams(opened);

  console.log(
    `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.versions.node}, ${options.threads} serving threads, REST, ` +
      `${CONNECTIONS} connections; median of ${options.rounds} rounds; load average ${loadavg()[0].toFixed(2)}`,
  );
  const row = (name, of) => [
    name,
    figure(median(rounds.map((each) => of(each).rate))),
    figure(median(rounds.map((each) => of(each).cpu))),
  ];
  const ratio = (of) => median(rounds.map(({ without, among }) => of(among) / of(without))).toFixed(3);
  console.log(
    `\n${table(
      ["[streams]", "requests/s", "CPU µs a request"],
      [
        row("0", ({ without }) => without),
        row(String(streams), ({ among }) => among),
        ["ratio", ratio(({ rate }) => rate), ratio(({ cpu }) => cpu)],
      ],
    )}`,
  );
  console.log(`\nmessages a second under load: ${figure(median(rounds.map(({ among }) => among.messages)))}`);
  console.log(
    `without load: ${(alone * 1000).toFixed(1)} ms of CPU a second alone, ${(watched * 1000).toFixed(1)} with the streams, ` +
      `${figure(messages)} messages a second, ${(((watched - alone) / messages) * 1e6).toFixed(1)} µs each, ${grown.toFixed(0)} MB more`,
  );
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
