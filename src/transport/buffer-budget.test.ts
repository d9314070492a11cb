import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../base/deferred.ts";
import { settle } from "../base/fake-clock.ts";
import { BufferBudget } from "./buffer-budget.ts";
import type { GrpcMethod } from "./grpc/method.ts";
import type { HttpResponse } from "./http-exchange.ts";
import { startServer, type TestServer } from "./http1/raw-client.ts";
import { FRAME_FLAG, FRAME_TYPE } from "./http2/frame.ts";
import { encodeSettings, SETTING } from "./http2/settings.ts";
import { type ContextChanges, frame, type LoopbackServer, numberFrame, RawPeer, serveLoopback } from "./http2/test-peer.ts";

const LIMIT = 100_000;
const BODY = "x".repeat(20_000);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const ok = (text = "done"): HttpResponse => ({ status: 200, headers: [], body: Buffer.from(text) });

/** Lets the loop turn until `passes`; a test that waits for what never comes runs into its time limit. */
async function until(passes: () => boolean): Promise<void> {
  while (!passes()) await settle();
}

test("accounts add up, and what they give back is there again", () => {
  const budget = new BufferBudget(100);
  const [a, b] = [budget.account(), budget.account()];
  a.set(60);
  b.set(39);
  expect([budget.held, budget.exhausted]).toEqual([99, false]);
  b.set(40);
  expect(budget.exhausted).toBe(true);
  a.set(0);
  expect([budget.held, budget.exhausted]).toEqual([40, false]);
  b.set(0);
  expect(budget.held).toBe(0);
});

describe("HTTP/1.1", () => {
  /** A server whose answers the test gives. */
  async function serve(limit = LIMIT) {
    const buffers = new BufferBudget(limit);
    const waiting: ((answer: HttpResponse) => void)[] = [];
    const server: TestServer = await startServer(
      ({ target }) => {
        if (target === "/now") return ok();
        const answer = deferred<HttpResponse>();
        waiting.push((given) => answer.resolve(given));
        return answer.promise;
      },
      { buffers },
    );
    closers.push(() => server.close());
    return { server, buffers, waiting };
  }

  const post = (target: string, body: string, length = body.length) =>
    `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n${body}`;

  test("what a request keeps is counted while it waits, and given back with its answer", async () => {
    const { server, buffers, waiting } = await serve();
    const client = await server.client();
    await client.send(post("/later", BODY) + post("/later", BODY));
    await until(() => waiting.length === 2);
    await until(() => buffers.held === 2 * BODY.length);
    waiting[1]!(ok("y".repeat(1000)));
    // What was asked is let go with the answer, though that waits for its turn.
    await until(() => buffers.held === BODY.length + 1000);
    waiting[0]!(ok());
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([200, 200]);
    await until(() => buffers.held === 0);
  });

  test.each<[string, string]>([
    ["with a length", post("/later", BODY.slice(0, 9000), BODY.length)],
    ["in chunks", `POST /later HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2328\r\n${BODY.slice(0, 9000)}\r\n`],
  ])("a body that comes slowly, %s, is counted as it comes and given back when its sender leaves", async (_, text) => {
    const { server, buffers } = await serve();
    const client = await server.client();
    await client.send(text);
    await until(() => buffers.held === 9000);
    client.socket.destroy();
    await until(() => buffers.held === 0);
  });

  test("a body refused in the middle, by its time limit, is given back", async () => {
    const { server, buffers } = await serve();
    const client = await server.client();
    await client.send(post("/later", BODY.slice(0, 9000), BODY.length));
    await until(() => buffers.held === 9000);
    await server.clock.advance(62_000);
    expect((await client.answers(1))[0]!.status).toBe(408);
    await until(() => buffers.held === 0);
  });

  test("a sender that leaves before its answer gives back what waited", async () => {
    const { server, buffers, waiting } = await serve();
    const client = await server.client();
    await client.send(post("/later", BODY));
    await until(() => buffers.held === BODY.length);
    client.socket.resetAndDestroy();
    await until(() => buffers.held === 0);
    waiting[0]!(ok());
    await settle();
    expect(buffers.held).toBe(0);
  });

  test("an answer that is not read is counted until the connection is gone", async () => {
    const { server, buffers, waiting } = await serve(1e9);
    const client = await server.client();
    client.socket.pause();
    await client.send(post("/later", "{}"));
    await until(() => waiting.length === 1);
    waiting[0]!({ status: 200, headers: [], body: Buffer.alloc(32 * 1024 * 1024) });
    await until(() => buffers.held > 8 * 1024 * 1024);
    client.socket.destroy();
    await until(() => buffers.held === 0);
  });

  test("once it is spent, large bodies are refused, small requests answered, and what waits is answered", async () => {
    const { server, buffers, waiting } = await serve();
    const holder = await server.client();
    await holder.send(post("/later", BODY).repeat(5));
    await until(() => buffers.exhausted);
    const other = await server.client();
    await other.send(post("/now", BODY));
    const [refused] = await other.answers(1);
    expect([refused!.status, refused!.headers.get("retry-after"), refused!.body.includes("try again later")]).toEqual([
      503,
      "1",
      true,
    ]);
    await other.send(post("/now", "{}"));
    expect((await other.answers(1))[0]!.status).toBe(200);
    const slow = await server.client();
    await slow.send(post("/now", BODY.slice(0, 5000), BODY.length));
    expect((await slow.answers(1))[0]!.status).toBe(503);
    await slow.end();
    await until(() => waiting.length === 5);
    for (const answer of waiting) answer(ok());
    expect((await holder.answers(5)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await until(() => buffers.held === 0);
    await other.send(post("/now", BODY));
    expect((await other.answers(1))[0]!.status).toBe(200);
  });

  test("once it is spent, a connection that waits for answers is not read, and goes on after them", async () => {
    const { server, buffers, waiting } = await serve();
    const client = await server.client();
    await client.send(post("/later", BODY).repeat(4) + post("/later", "y".repeat(40_000)));
    await until(() => buffers.exhausted);
    const started = waiting.length;
    await client.send(post("/later", "{}").repeat(3));
    await settle();
    expect(waiting.length).toBe(started);
    for (let answered = 0; answered < 8; answered++) {
      await until(() => waiting.length > answered);
      waiting[answered]!(ok());
    }
    expect((await client.answers(8)).every(({ status }) => status === 200)).toBe(true);
    await until(() => buffers.held === 0);
  });
});

describe("HTTP/2", () => {
  const POST = (path: string) =>
    [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", path],
      [":authority", "x"],
    ] as const;
  const CALL = [...POST("/a.B/Hold"), ["content-type", "application/grpc"], ["te", "trailers"]] as const;

  async function serve(limit = LIMIT, changes: ContextChanges = {}) {
    const buffers = new BufferBudget(limit);
    const waiting: ((answer: HttpResponse) => void)[] = [];
    const hold: GrpcMethod = { kind: "unary", run: () => new Promise(() => undefined) };
    const server: LoopbackServer = await serveLoopback({
      buffers,
      http: ({ target }) => {
        if (target === "/now") return ok();
        const answer = deferred<HttpResponse>();
        waiting.push((given) => answer.resolve(given));
        return answer.promise;
      },
      grpc: () => hold,
      ...changes,
    });
    closers.push(() => server.close());
    const connect = async () => {
      const peer = await RawPeer.connect(server.port);
      closers.push(() => void peer.socket.destroy());
      return peer;
    };
    return { buffers, waiting, connect };
  }

  function send(peer: RawPeer, id: number, bytes: number, end: boolean): void {
    for (let left = bytes; left > 0; left -= 16_384) {
      const last = left <= 16_384;
      peer.write(frame(FRAME_TYPE.data, end && last ? FRAME_FLAG.endStream : 0, id, new Uint8Array(Math.min(left, 16_384))));
    }
  }

  test("what a request keeps is counted while it waits, and given back with its answer", async () => {
    const { buffers, waiting, connect } = await serve();
    const peer = await connect();
    peer.headers(1, POST("/later"), false);
    send(peer, 1, 30_000, true);
    await until(() => waiting.length === 1 && buffers.held === 30_000);
    waiting[0]!(ok());
    await until(() => buffers.held === 0);
  });

  test.each<[string, (peer: RawPeer) => void]>([
    ["resets its stream", (peer) => peer.write(numberFrame(FRAME_TYPE.reset, 1, 8))],
    ["leaves", (peer) => void peer.socket.destroy()],
    ["breaks the protocol", (peer) => peer.write(frame(FRAME_TYPE.settings, FRAME_FLAG.ack, 0, new Uint8Array(3)))],
  ])("a peer that %s gives back what it sent, whole or not", async (_, leave) => {
    for (const end of [true, false]) {
      const { buffers, connect } = await serve();
      const peer = await connect();
      peer.headers(1, POST("/later"), false);
      send(peer, 1, 30_000, end);
      await until(() => buffers.held === 30_000);
      leave(peer);
      await until(() => buffers.held === 0);
    }
  });

  test("an answer for which the peer has no window is counted until the peer leaves", async () => {
    const { buffers, waiting, connect } = await serve();
    const peer = await connect();
    peer.write(frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.initialWindowSize, 0]])));
    peer.headers(1, POST("/later"), true);
    await until(() => waiting.length === 1);
    waiting[0]!(ok("y".repeat(50_000)));
    await until(() => buffers.held === 50_000);
    peer.socket.destroy();
    await until(() => buffers.held === 0);
  });

  test("once it is spent, large bodies are refused over both APIs and small requests are answered", async () => {
    const { buffers, waiting, connect } = await serve();
    const holder = await connect();
    holder.headers(1, POST("/later"), false);
    send(holder, 1, LIMIT, true);
    await until(() => buffers.exhausted);
    const peer = await connect();
    peer.headers(1, POST("/now"), false);
    send(peer, 1, 8000, false);
    const refused = await peer.until(({ kind, streamId }) => kind === "headers" && streamId === 1);
    expect(refused.fields).toEqual(expect.arrayContaining([":status: 503", "retry-after: 1"]));
    peer.headers(3, CALL, false);
    send(peer, 3, 8000, false);
    const status = await peer.until(({ kind, streamId }) => kind === "headers" && streamId === 3);
    expect(status.fields).toContain("grpc-status: 8");
    peer.headers(5, POST("/now"), false);
    send(peer, 5, 100, true);
    expect((await peer.until(({ kind, streamId }) => kind === "headers" && streamId === 5)).fields).toContain(":status: 200");
    waiting[0]!(ok());
    await until(() => buffers.held === 0);
    peer.headers(7, POST("/now"), false);
    send(peer, 7, 8000, true);
    expect((await peer.until(({ kind, streamId }) => kind === "headers" && streamId === 7)).fields).toContain(":status: 200");
  });
});
