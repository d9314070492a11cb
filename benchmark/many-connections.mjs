// Many connections at once against the built server: what idle ones cost, and whether slow ones harm others. Linux.
//
//   node benchmark/many-connections.mjs [--idle=10000] [--slow=1000] [--seconds=5] [--threads=1]
//
// Every connection is a descriptor on both sides: see `ulimit -n`. One row a kind of connection.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startServer } from "./measured-server.mjs";

const { values } = parseArgs({
  options: {
    idle: { type: "string", default: "10000" },
    slow: { type: "string", default: "1000" },
    seconds: { type: "string", default: "5" },
    threads: { type: "string", default: "1" },
  },
});
const idle = Number(values.idle);
const slow = Number(values.slow);
const seconds = Number(values.seconds);

const ACTIVE = 100;
/** Between two requests of an active connection: far from saturation, where only the queue would be measured. */
const PACE_MS = 50;
/** Connections opened at once, below the server's backlog. */
const OPENED_AT_ONCE = 200;
const SPARE_DESCRIPTORS = 300;
const SLOW_LIMITS = ["headers", "request", "write", "keep_alive"].map((what) => `--${what}_timeout_seconds=3`);

const MODEL = join(import.meta.dirname, "models/simplest");
const PATH = "/v1/models/simplest:predict";
const post = (body) => Buffer.from(`POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
const SMALL = post('{"instances": [[1.0]]}');
/** An answer that is about 4 MB; three are more than the system's buffers of a connection take in. */
const LARGE = post(`{"instances": [${Array(300_000).fill("[1e9]").join()}]}`);

const frame = (type, flags, stream, payload) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
/** A setting of RFC 9113, 6.5.1. */
const setting = (id, value) => Buffer.from([0, id, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
const INITIAL_WINDOW_SIZE = 4;
const literal = (text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
/** `:method GET`, `:scheme http`, `:path` and `:authority`, by the static table where it has them. */
const getBlock = (path) => Buffer.concat([Buffer.from([0x82, 0x86, 0x04]), literal(path), Buffer.from([0x01]), literal("x")]);
const http2 = (path, settings = Buffer.alloc(0)) =>
  Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(4, 0, 0, settings),
    frame(4, 1, 0, Buffer.alloc(0)),
    frame(1, 5, 1, getBlock(path)),
  ]);

/** What an idle connection does before it is idle. `answered` ends the answer it waits for. */
const IDLE_KINDS = {
  "nothing sent": {},
  "HTTP/1.1, one request": { bytes: SMALL, answered: (text) => text.includes("predictions") },
  "HTTP/2, one request": {
    bytes: http2("/livez"),
    answered: (text) => text.includes("alive") || text.includes("\x00\x01\x00\x00\x00\x01"),
  },
};

/** What a slow connection does: `start` once, then `every` each second. `reads` says whether it takes in what comes. */
const SLOW_KINDS = {
  "1 byte of a header a second": { start: Buffer.from("GET / HTTP/1.1\r\nhost: "), every: Buffer.from("x"), reads: true },
  "1 byte of a body a second": { start: SMALL.subarray(0, -10), every: Buffer.from(" "), reads: true },
  // Each costs the server a large run before it is slow: a twentieth of the others' number.
  "HTTP/1.1 that does not read": { start: Buffer.concat([LARGE, LARGE, LARGE]), reads: false, share: 0.05 },
  "HTTP/2 with a window of 0": { start: http2("/v1/models/simplest/metadata", setting(INITIAL_WINDOW_SIZE, 0)), reads: true },
};

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Opens connections of a kind, a few at a time. */
async function openMany(port, count, begin) {
  const sockets = [];
  while (sockets.length < count) {
    const some = await Promise.all(Array.from({ length: Math.min(OPENED_AT_ONCE, count - sockets.length) }, () => open(port)));
    for (const socket of some) socket.on("error", () => undefined);
    await Promise.all(some.map(begin));
    sockets.push(...some);
  }
  return sockets;
}

/** {@link ACTIVE} connections, each asking at its pace: milliseconds of every answer, sorted, and how many went wrong. */
async function activeLoad(port, forSeconds) {
  const latencies = [];
  let failures = 0;
  const until = performance.now() + forSeconds * 1000;
  await Promise.all(
    Array.from({ length: ACTIVE }, async (_, index) => {
      const socket = await open(port);
      socket.setNoDelay(true);
      let received = () => undefined;
      socket.on("data", (bytes) => received(bytes));
      socket.on("close", () => received(undefined));
      socket.on("error", () => undefined);
      await delay((index / ACTIVE) * PACE_MS);
      while (performance.now() < until) {
        const began = performance.now();
        socket.write(SMALL);
        const bytes = await new Promise((resolve) => (received = resolve));
        if (bytes === undefined) {
          failures++;
          return;
        }
        latencies.push(performance.now() - began);
        if (!bytes.toString("latin1").includes("200 OK")) failures++;
        await delay(PACE_MS - Math.min(PACE_MS, performance.now() - began));
      }
      socket.destroy();
    }),
  );
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor(latencies.length * share)].toFixed(2);
  return { requests: latencies.length, failures, p50: at(0.5), p99: at(0.99) };
}

/** As the server counts them, the one that asks included. A peer that does not read cannot tell. */
async function openConnections(port) {
  await delay(2000);
  const text = await (await fetch(`http://127.0.0.1:${port}/monitoring/prometheus/metrics`)).text();
  return Number(/open_connections\{\} (\d+)/.exec(text)[1]);
}

async function withServer(flags, use) {
  const server = await startServer([MODEL, `--threads=${values.threads}`, "--log_level=warn", ...flags]);
  try {
    await server.until(async () => (await fetch(`http://127.0.0.1:${server.restPort}/readyz`)).ok);
    await activeLoad(server.restPort, 2);
    return await use(server);
  } finally {
    await server.stop();
  }
}

async function measureIdle(kind) {
  const { bytes, answered } = IDLE_KINDS[kind];
  return withServer(["--keep_alive_timeout_seconds=600"], async (server) => {
    const alone = await activeLoad(server.restPort, seconds);
    const before = server.residentMegabytes();
    const sockets = await openMany(server.restPort, idle, async (socket) => {
      if (bytes === undefined) return;
      socket.write(bytes);
      let text = "";
      while (!answered(text)) text += (await once(socket, "data"))[0].toString("latin1");
    });
    // Idle connections give up their buffers when they are next looked at.
    await delay(2500);
    const opened = server.residentMegabytes();
    const among = await activeLoad(server.restPort, seconds);
    server.mustRun();
    const open = sockets.filter((socket) => !socket.destroyed).length;
    for (const socket of sockets) socket.destroy();
    return {
      kind,
      open,
      "KB each": (((opened - before) * 1000) / idle).toFixed(1),
      "p99 alone, ms": alone.p99,
      "p99 among them, ms": among.p99,
      requests: among.requests,
      failures: alone.failures + among.failures,
    };
  });
}

async function measureSlow(kind) {
  const { start, every, reads, share = 1 } = SLOW_KINDS[kind];
  const count = Math.ceil(slow * share);
  return withServer(SLOW_LIMITS, async (server) => {
    const alone = await activeLoad(server.restPort, seconds);
    const before = server.residentMegabytes();
    const sockets = await openMany(server.restPort, count, (socket) => {
      if (reads) socket.resume();
      else socket.pause();
      socket.write(start);
    });
    const drip = setInterval(() => {
      for (const socket of sockets) if (every !== undefined && socket.writable) socket.write(every);
    }, 1000);
    const among = await activeLoad(server.restPort, 10);
    clearInterval(drip);
    const left = Math.max(0, (await openConnections(server.restPort)) - 1);
    const after = server.residentMegabytes();
    server.mustRun();
    for (const socket of sockets) socket.destroy();
    return {
      kind,
      opened: count,
      "closed within 12 s": count - left,
      "memory, MB": `${before.toFixed(0)} -> ${after.toFixed(0)}`,
      "p99 alone, ms": alone.p99,
      "p99 among them, ms": among.p99,
      requests: among.requests,
      failures: alone.failures + among.failures,
    };
  });
}

const descriptors = Number(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }));
const needed = Math.max(idle, slow) + ACTIVE + SPARE_DESCRIPTORS;
if (descriptors < needed) {
  console.error(
    `this needs ${needed} descriptors and has ${descriptors}: raise \`ulimit -n\`, or ask for fewer with --idle and --slow`,
  );
  process.exit(1);
}
if (idle > 0) {
  console.log(`${idle} idle connections of each kind, ${ACTIVE} active`);
  const rows = [];
  for (const kind of Object.keys(IDLE_KINDS)) rows.push(await measureIdle(kind));
  console.table(rows);
}
if (slow > 0) {
  console.log(`${slow} slow connections of each kind, ${ACTIVE} active; limits ${SLOW_LIMITS.join(" ")}`);
  const rows = [];
  for (const kind of Object.keys(SLOW_KINDS)) rows.push(await measureSlow(kind));
  console.table(rows);
}
