import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FRAME_TYPE } from "../../src/transport/http2/frame.ts";
import { encodeSettings, SETTING } from "../../src/transport/http2/settings.ts";
import { frame, RawPeer, requestFields } from "../../src/transport/http2/test-peer.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, logLines, type RunningServer, startServer } from "../support/server.ts";

const SLOW = 30;
/** Each costs the server a run of a quarter of a million numbers before it is slow. */
const DEAF = 4;
const IDLE = 500;
/** Its answer is 2.5 MB; a few of them are more than the system's buffers of a connection take in. */
const LARGE = gzipSync(`{"instances": [${"0.123,".repeat(249_999)}0.123]}`);
const LARGE_ANSWERS = 4;

const LIMITS = [
  ...["headers", "request", "write"].map((what) => `--${what}_timeout_seconds=1`),
  "--keep_alive_timeout_seconds=3",
];

let server: RunningServer;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = await startServer([HALF_PLUS_TWO, "--threads=1", "--log_level=debug", ...LIMITS]);
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await server?.stop();
});

/** Opens connections that send `bytes`. */
async function open(count: number, bytes: Uint8Array, reads = true): Promise<{ closed(): number; sockets: readonly Socket[] }> {
  let closed = 0;
  const opened = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(server.restPort, "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => closed++);
      if (reads) socket.resume();
      else socket.pause();
      await new Promise((resolve) => socket.once("connect", resolve));
      if (bytes.length > 0) socket.write(bytes);
      return socket;
    }),
  );
  return { closed: () => closed, sockets: opened };
}

/** Asks one after the other until it is told to stop; how many were answered, all of them well. */
function activeTraffic(): { stop(): Promise<number> } {
  let going = true;
  let answered = 0;
  const grpc = new GrpcClient(server.port);
  const loops = [
    async () => {
      const { status, text } = await rest(`${server.url}/v1/models/model:predict`, '{"instances": [1.0]}');
      expect([status, JSON.parse(text)]).toEqual([200, { predictions: [2.5] }]);
    },
    async () => expect((await grpcPredict(grpc, "model")).values).toEqual([2.5, 3]),
  ].map(async (ask) => {
    while (going) {
      await ask();
      answered++;
    }
  });
  return {
    stop: async () => {
      going = false;
      await Promise.all(loops);
      grpc.close();
      return answered;
    },
  };
}

const head = (fields: string) => Buffer.from(`POST /v1/models/model:predict HTTP/1.1\r\nhost: x\r\n${fields}`);

test("slow and idle peers of every kind are closed at their limits, and everybody else is served meanwhile", async () => {
  const active = activeTraffic();
  const slowHeaders = await open(SLOW, head("x-slow: "));
  const slowBodies = await open(SLOW, head('content-length: 1000\r\n\r\n{"instances"'));
  const slowChunks = await open(SLOW, head("transfer-encoding: chunked\r\n\r\n3e8\r\n{"));
  const slowPrefaces = await open(SLOW, Buffer.from("PRI * HT"));
  const silent = await open(IDLE / 2, Buffer.alloc(0));
  const kept = await open(IDLE / 2, Buffer.from("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"));
  const large = Buffer.concat([head(`content-encoding: gzip\r\ncontent-length: ${LARGE.length}\r\n\r\n`), LARGE]);
  await open(DEAF, Buffer.concat(Array<Buffer>(LARGE_ANSWERS).fill(large)), false);
  const shut = await Promise.all(
    Array.from({ length: SLOW }, async () => {
      const peer = await RawPeer.connect(server.port);
      sockets.push(peer.socket);
      peer.write(frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.initialWindowSize, 0]])));
      peer.headers(1, requestFields("GET", "/v1/models/model/metadata"), true);
      return peer;
    }),
  );
  // A byte now and then does not put the limits off.
  const drip = setInterval(() => {
    for (const { sockets: dripping } of [slowHeaders, slowBodies, slowChunks]) {
      for (const socket of dripping) if (socket.writable) socket.write("x");
    }
  }, 200);
  try {
    const all = [slowHeaders, slowBodies, slowChunks, slowPrefaces, silent, kept];
    const wanted = 4 * SLOW + IDLE;
    await eventually(() => all.reduce((sum, kind) => sum + kind.closed(), 0) === wanted);
    // A peer that does not read does not see its end either.
    await eventually(() => logLines(server).filter(({ msg }) => msg === "write_timeout").length >= DEAF + SLOW);
    // The stream whose answer is not taken is reset; the connection is closed as an idle one a limit later.
    for (const peer of shut) {
      expect(await peer.until(({ kind }) => kind === "reset")).toMatchObject({ streamId: 1 });
      await peer.untilClosed();
    }
  } finally {
    clearInterval(drip);
  }
  expect(await active.stop()).toBeGreaterThan(20);
});

test("of more connections than a thread takes the others are closed at once, and those it has are served", async () => {
  const small = await startServer([HALF_PLUS_TWO, "--threads=1", "--max_connections_per_thread=3", "--log_level=warn"]);
  try {
    const client = new GrpcClient(small.port);
    expect((await grpcPredict(client, "model")).values).toEqual([2.5, 3]);
    const opened = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(small.restPort, "127.0.0.1");
        sockets.push(socket);
        const state = { closed: false };
        socket.on("error", () => undefined);
        socket.on("close", () => (state.closed = true));
        socket.resume();
        await new Promise((resolve) => socket.once("connect", resolve));
        return state;
      }),
    );
    await eventually(() => opened.filter(({ closed }) => closed).length >= 18);
    expect((await grpcPredict(client, "model")).values).toEqual([2.5, 3]);
    client.close();
  } finally {
    await small.stop();
  }
});
