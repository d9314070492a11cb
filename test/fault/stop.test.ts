import { Agent, request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { FRAME_FLAG, FRAME_TYPE } from "../../src/transport/http2/frame.ts";
import { frame, RawPeer, requestFields } from "../../src/transport/http2/test-peer.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { floats, grpcPredict, HALF_PLUS_TWO, integer, ROUNDS } from "../support/predict.ts";
import { rest } from "../support/rest.ts";
import { eventually, type RunningServer, startServer } from "../support/server.ts";

/** No figure of speed: a stop that waits for something it should not wait for takes far longer. */
const SOON_MS = 5000;

let server: RunningServer | undefined;
const closing: (() => void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) close();
  server?.process.kill("SIGKILL");
  await server?.stop();
  server = undefined;
});

/** One request on a connection that is kept alive. */
function ask(
  agent: Agent,
  port: number,
  path: string,
  body?: string,
): Promise<{ status: number; connection: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, port, host: "127.0.0.1", path, method: body === undefined ? "GET" : "POST" }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection, text }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function keptAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  closing.push(() => agent.destroy());
  return agent;
}

const rounds = (n: number) => JSON.stringify({ inputs: { n, x: [0.5] } });

/** How many requests the server is at. */
async function inFlight(url: string): Promise<number> {
  const { text } = await rest(`${url}/monitoring/prometheus/metrics`);
  return [...text.matchAll(/requests_in_flight\{[^}]*\} (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

describe("a stop under load", () => {
  test("answers every request it has taken, over HTTP/1 and HTTP/2, and takes no more", async () => {
    const running = await startServer([ROUNDS, "--threads=2"]);
    server = running;
    const { port, restPort, url } = running;
    const grpc = Array.from({ length: 2 }, () => new GrpcClient(port));
    for (const client of grpc) closing.push(() => client.close());
    const agents = Array.from({ length: 4 }, keptAlive);
    const idle = keptAlive();
    // A first long run teaches each connection's thread that runs are long; the connections are open before the stop.
    const warm = [
      ...grpc.map(async (client) => (await grpcPredict(client, "rounds", { n: integer(100_000), x: floats(0.5) })).status.code),
      ...agents.map(async (agent) => (await ask(agent, restPort, "/v1/models/rounds:predict", rounds(100_000))).status),
    ];
    expect(await Promise.all(warm)).toEqual([0, 0, 200, 200, 200, 200]);
    expect((await ask(idle, restPort, "/readyz")).status).toBe(200);

    const overGrpc = grpc.flatMap((client) =>
      Array.from({ length: 3 }, () => grpcPredict(client, "rounds", { n: integer(400_000), x: floats(0.5) })),
    );
    const overRest = agents.map((agent) => ask(agent, restPort, "/v1/models/rounds:predict", rounds(400_000)));
    await eventually(async () => (await inFlight(url)) >= 8);
    const began = Date.now();
    const exited = running.stop("SIGTERM");

    // At once: whoever asks for readiness is told no, or finds nobody there any more.
    await eventually(async () => {
      const status = await rest(`${url}/readyz`, undefined, { headers: { connection: "close" } }).then(
        (answer) => answer.status,
        () => "refused",
      );
      return status === 503 || status === "refused";
    });
    for (const { status, values } of await Promise.all(overGrpc)) expect([status.code, values.length]).toEqual([0, 1]);
    for (const answer of await Promise.all(overRest)) {
      expect([answer.status, answer.connection?.toLowerCase()]).toEqual([200, "close"]);
      expect(JSON.parse(answer.text)).toEqual({ outputs: [expect.any(Number)] });
    }
    expect(await exited).toBe(0);
    expect(Date.now() - began).toBeLessThan(30_000);
  });

  test("loses no answer of callers that send one request after the other", async () => {
    const running = await startServer([HALF_PLUS_TWO, "--threads=2"]);
    server = running;
    let answered = 0;
    const outcomes = Array.from({ length: 8 }, async () => {
      const agent = keptAlive();
      for (;;) {
        const outcome = await ask(agent, running.restPort, "/v1/models/model:predict", '{"instances": [1.0]}').catch(
          (reason: NodeJS.ErrnoException) => reason.code,
        );
        // After "Connection: close" this agent connects anew, and must be refused: a request that was sent is answered.
        if (typeof outcome !== "object") return outcome;
        if (outcome.status !== 200) return `${outcome.status} ${outcome.text}`;
        answered++;
      }
    });
    await eventually(() => answered > 200);
    expect(await running.stop("SIGTERM")).toBe(0);
    for (const last of await Promise.all(outcomes)) expect(last).toMatch(/^(?:ECONNREFUSED|ECONNRESET)$/);
  });
});

test("a stop tells an HTTP/2 client the last stream it will answer, and answers it", async () => {
  const running = await startServer([ROUNDS, "--threads=1"]);
  server = running;
  const grpc = new GrpcClient(running.port);
  closing.push(() => grpc.close());
  expect((await grpcPredict(grpc, "rounds", { n: integer(100_000), x: floats(0.5) })).status.code).toBe(0);
  const peer = await RawPeer.connect(running.port);
  closing.push(() => peer.socket.destroy());
  const body = Buffer.from(rounds(400_000));
  for (const id of [1, 3]) {
    peer.headers(id, requestFields("POST", "/v1/models/rounds:predict"), false);
    peer.write(frame(FRAME_TYPE.data, FRAME_FLAG.endStream, id, body));
  }
  await eventually(async () => (await inFlight(running.url)) >= 2);
  const exited = running.stop("SIGTERM");
  const warning = await peer.until(({ kind, ack }) => kind === "ping" && !ack);
  peer.write(frame(FRAME_TYPE.ping, FRAME_FLAG.ack, 0, Buffer.from(warning.text, "latin1")));
  await peer.untilClosed();
  const goAways = peer.frames.filter(({ kind }) => kind === "go-away");
  expect(goAways.map(({ value, lastStreamId }) => [value, lastStreamId])).toEqual([
    [0, 2 ** 31 - 1],
    [0, 3],
  ]);
  for (const id of [1, 3]) {
    const of = peer.frames.filter(({ streamId }) => streamId === id);
    expect(of[0]?.fields).toContain(":status: 200");
    expect(of.at(-1)?.endStream).toBe(true);
  }
  expect(await exited).toBe(0);
});

describe("a stop without load", () => {
  test("does not wait for connections that are open and idle", async () => {
    const running = await startServer([HALF_PLUS_TWO]);
    server = running;
    const agent = keptAlive();
    expect((await ask(agent, running.restPort, "/livez")).status).toBe(200);
    const session: ClientHttp2Session = connect(`http://127.0.0.1:${running.port}`);
    closing.push(() => session.destroy());
    session.on("error", () => {});
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    const silent: Socket = connectSocket(running.port, "127.0.0.1");
    closing.push(() => silent.destroy());
    await new Promise((resolve) => silent.once("connect", resolve));
    const told = new Promise<number>((resolve) => session.once("goaway", resolve));

    const began = Date.now();
    expect(await running.stop("SIGTERM")).toBe(0);
    expect(Date.now() - began).toBeLessThan(SOON_MS);
    expect(await told).toBe(0);
  });

  test("waits no longer than it was told to for a request that never ends", async () => {
    const running = await startServer([HALF_PLUS_TWO, "--drain_timeout_seconds=1"]);
    server = running;
    const held: Socket = connectSocket(running.restPort, "127.0.0.1");
    closing.push(() => held.destroy());
    held.on("error", () => {});
    held.write('POST /v1/models/model:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"inst');
    const ended = new Promise((resolve) => held.once("close", resolve));
    expect((await rest(`${running.url}/livez`)).status).toBe(200);
    const began = Date.now();
    expect(await running.stop("SIGINT")).toBe(0);
    expect(Date.now() - began).toBeLessThan(SOON_MS);
    await ended;
  });
});

test("a second signal ends the process at once with code 1, although a model run cannot be interrupted", async () => {
  const running = await startServer([ROUNDS, "--threads=1"]);
  server = running;
  const agent = keptAlive();
  await ask(agent, running.restPort, "/v1/models/rounds:predict", rounds(100_000));
  // About half a minute.
  const lost = ask(agent, running.restPort, "/v1/models/rounds:predict", rounds(20_000_000)).catch(
    (reason: NodeJS.ErrnoException) => reason.code,
  );
  await eventually(async () => (await inFlight(running.url)) >= 1);
  const began = Date.now();
  const exited = running.stop("SIGTERM");
  await eventually(() => running.stderr().includes('"msg":"stopping"'));
  running.process.kill("SIGTERM");
  expect(await exited).toBe(1);
  expect(Date.now() - began).toBeLessThan(SOON_MS);
  expect(await lost).toBe("ECONNRESET");
});
