import { connect, constants } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { deferred } from "../../base/deferred.ts";
import { FakeClock, settle } from "../../base/fake-clock.ts";
import type { HttpResponse } from "../http-exchange.ts";
import { ERROR_CODE } from "./error-code.ts";
import { FRAME_TYPE } from "./frame.ts";
import { encodeSettings, SETTING } from "./settings.ts";
import { type ContextChanges, frame, numberFrame, RawPeer, requestFields, serveLoopback } from "./test-peer.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function setUp(changes: ContextChanges) {
  const server = await serveLoopback(changes);
  closing.push(() => server.close());
  const peer = await RawPeer.connect(server.port);
  closing.push(() => peer.socket.destroy());
  return { server, peer };
}

type Pieces = AsyncGenerator<Uint8Array, void, undefined>;

const GET = requestFields("GET", "/");
const HEAD = requestFields("HEAD", "/");
const ends = ({ endStream }: { endStream: boolean }) => endStream;

function streamed(body: AsyncIterable<Uint8Array>): HttpResponse {
  return { status: 200, headers: [], body };
}

async function* pieces(...texts: string[]): Pieces {
  for (const text of texts) yield Buffer.from(text);
}

/** Pieces without end of 16 KiB; says how many it gave and when it was closed. */
function endless() {
  const state = { given: 0, closed: deferred<void>() };
  async function* give(): Pieces {
    try {
      for (;;) {
        state.given++;
        yield Buffer.alloc(16 * 1024);
      }
    } finally {
      state.closed.resolve();
    }
  }
  return { state, body: give() };
}

test("a streamed answer is DATA frames, and one without bytes that ends the stream", async () => {
  const { peer } = await setUp({ http: () => streamed(pieces("one", "", "two")) });
  peer.headers(1, GET, true);
  await peer.until(ends);
  const answer = peer.frames.filter(({ streamId }) => streamId === 1);
  expect(answer.map(({ kind, text, endStream }) => [kind, kind === "data" ? text : "", endStream])).toEqual([
    ["headers", "", false],
    ["data", "one", false],
    ["data", "two", false],
    ["data", "", true],
  ]);
  expect(answer[0]!.fields.map((field) => field.split(":")[0])).not.toContain("content-length");
});

test("one without pieces is whole too", async () => {
  const { peer } = await setUp({ http: () => streamed(pieces()) });
  peer.headers(1, GET, true);
  expect(await peer.until(ends)).toMatchObject({ kind: "data", text: "" });
});

test("pieces are sent when they are there", async () => {
  const gate = deferred<void>();
  const { peer } = await setUp({
    http: () =>
      streamed(
        (async function* () {
          yield Buffer.from("early");
          await gate.promise;
          yield Buffer.from("late");
        })(),
      ),
  });
  peer.headers(1, GET, true);
  await peer.until(({ text }) => text === "early");
  gate.resolve();
  await peer.until(({ text }) => text === "late");
});

test.each([1, 1000, 65_535])(
  "large and small pieces pass a window of %i bytes, many streams at once",
  async (initialWindowSize) => {
    const sizes = initialWindowSize === 1 ? [3, 1, 200] : [1, 100_000, 7, 16_384];
    const server = await serveLoopback({ http: () => streamed(pieces(...sizes.map((size) => "x".repeat(size)))) });
    closing.push(() => server.close());
    const session = connect(server.url, { settings: { initialWindowSize } });
    closing.push(() => session.destroy());
    const lengths = await Promise.all(
      Array.from({ length: 5 }, async () => {
        let length = 0;
        for await (const chunk of session.request({ ":path": "/" })) length += (chunk as Buffer).length;
        return length;
      }),
    );
    expect(lengths).toEqual(Array(5).fill(sizes.reduce((sum, size) => sum + size)));
  },
);

test("the body waits for the peer's window", async () => {
  const { state, body } = endless();
  const { peer } = await setUp({ http: () => streamed(body) });
  peer.headers(1, GET, true);
  await peer.until(({ kind }) => kind === "data");
  for (let round = 0; round < 5; round++) await peer.roundTrip();
  // 65,535 bytes of window: three pieces and a part of the fourth.
  expect(state.given).toBe(4);
  peer.write(numberFrame(FRAME_TYPE.windowUpdate, 0, 32 * 1024));
  peer.write(numberFrame(FRAME_TYPE.windowUpdate, 1, 32 * 1024));
  for (let round = 0; round < 5; round++) await peer.roundTrip();
  expect(state.given).toBe(6);
});

test("a body that fails resets the stream, and only it", async () => {
  const { server, peer } = await setUp({
    http: ({ target }) =>
      target === "/"
        ? streamed(
            (async function* () {
              yield Buffer.from("half");
              throw new Error("secret");
            })(),
          )
        : streamed(pieces("fine")),
  });
  peer.headers(1, GET, true);
  expect(await peer.until(({ kind }) => kind === "reset")).toMatchObject({ streamId: 1, value: ERROR_CODE.internalError });
  expect(peer.frames.some(({ text }) => text === "half")).toBe(true);
  peer.headers(3, requestFields("GET", "/other"), true);
  await peer.until(({ streamId, endStream }) => streamId === 3 && endStream);
  expect(server.reports).toEqual(["handler_fault: Error: secret"]);
});

test.each<[string, (peer: RawPeer) => void]>([
  ["resets the stream", (peer) => peer.write(numberFrame(FRAME_TYPE.reset, 1, constants.NGHTTP2_CANCEL))],
  ["closes the connection", (peer) => void peer.socket.destroy()],
])("a peer that %s closes the body", async (_, leave) => {
  const { state, body } = endless();
  let signal: AbortSignal | undefined;
  const { peer } = await setUp({
    http: (request) => {
      signal = request.signal;
      return streamed(body);
    },
  });
  peer.headers(1, GET, true);
  await peer.until(({ kind }) => kind === "data");
  leave(peer);
  await state.closed.promise;
  expect(signal?.aborted).toBe(true);
});

test("a peer that gives no window in time loses the stream", async () => {
  const clock = new FakeClock();
  const { state, body } = endless();
  const { server, peer } = await setUp({ http: () => streamed(body), clock, limits: { writeTimeoutMs: 5000 } });
  peer.headers(1, GET, true);
  await peer.until(({ kind }) => kind === "data");
  await peer.roundTrip();
  await clock.advance(8000);
  await state.closed.promise;
  expect((await peer.until(({ kind }) => kind === "reset")).streamId).toBe(1);
  expect(server.reports).toContain("write_timeout");
});

test("what has no body closes the stream's iterator unbegun: HEAD, 204, a broken header, a peer that left", async () => {
  let closed = 0;
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => Promise.reject(new Error("begun")),
    return: () => {
      closed++;
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  const body: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => iterator };
  const late = deferred<HttpResponse>();
  const { peer } = await setUp({
    http: ({ method, target }) => {
      if (target === "/late") return late.promise;
      if (method === "HEAD") return { status: 200, headers: [], body };
      return target === "/" ? { status: 204, headers: [], body } : { status: 200, headers: [["x", "a\nb"]], body };
    },
  });
  peer.headers(1, HEAD, true);
  expect((await peer.until(ends)).kind).toBe("headers");
  peer.headers(3, GET, true);
  await peer.until(({ streamId, endStream }) => streamId === 3 && endStream);
  peer.headers(5, requestFields("GET", "/broken"), true);
  expect((await peer.until(({ streamId }) => streamId === 5)).fields[0]).toBe(":status: 500");
  peer.headers(7, requestFields("GET", "/late"), true);
  peer.write(numberFrame(FRAME_TYPE.reset, 7, ERROR_CODE.cancel));
  await peer.roundTrip();
  expect(closed).toBe(3);
  late.resolve(streamed(body));
  await settle();
  expect(closed).toBe(4);
});

test("a drain waits for a streamed answer", async () => {
  const gate = deferred<void>();
  const { server, peer } = await setUp({
    http: () =>
      streamed(
        (async function* () {
          yield Buffer.from("early");
          await gate.promise;
          yield Buffer.from("late");
        })(),
      ),
  });
  peer.headers(1, GET, true);
  await peer.until(({ text }) => text === "early");
  server.connections[0]!.drain();
  await peer.until(({ kind }) => kind === "go-away");
  gate.resolve();
  await peer.until(({ text }) => text === "late");
  await peer.until(ends);
});

test("a streamed answer is not compressed", async () => {
  const { peer } = await setUp({ http: () => streamed(pieces("x".repeat(5000))), compressResponses: true });
  peer.headers(1, [...GET, ["accept-encoding", "gzip"]], true);
  await peer.until(ends);
  const head = peer.frames.find(({ kind }) => kind === "headers")!;
  expect(head.fields.join()).not.toContain("gzip");
});

test("one connection's requests leave turns to others, and are all answered", async () => {
  const turns: number[] = [];
  let inTurn = 0;
  const { peer } = await setUp({
    http: ({ body }) => {
      if (inTurn++ === 0) {
        setImmediate(() => {
          turns.push(inTurn);
          inTurn = 0;
        });
      }
      return { status: 200, headers: [], body: Uint8Array.from(body) };
    },
  });
  await peer.roundTrip();
  peer.socket.cork();
  for (let index = 0; index < 150; index++) {
    peer.headers(2 * index + 1, requestFields("POST", "/"), false);
    peer.write(frame(FRAME_TYPE.data, 1, 2 * index + 1, Buffer.from(`body ${index}`)));
  }
  peer.write(frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.maxFrameSize, 16_384]])));
  peer.socket.uncork();
  await peer.until(({ kind, streamId, endStream }) => kind === "data" && streamId === 299 && endStream);
  await peer.roundTrip();
  const bodies = peer.frames.filter(({ kind }) => kind === "data").map(({ text }) => text);
  expect(bodies).toEqual(Array.from({ length: 150 }, (_, index) => `body ${index}`));
  expect(Math.max(...turns)).toBeLessThanOrEqual(32);
  expect(turns.reduce((sum, count) => sum + count)).toBe(150);
});
