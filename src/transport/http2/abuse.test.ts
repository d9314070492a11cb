import { afterEach, describe, expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import type { HttpRequest } from "../http-exchange.ts";
import { ERROR_CODE } from "./error-code.ts";
import { FRAME_FLAG, FRAME_TYPE } from "./frame.ts";
import { encodeSettings, SETTING } from "./settings.ts";
import {
  type ContextChanges,
  frame,
  type LoopbackServer,
  numberFrame,
  RawPeer,
  requestFields,
  serveLoopback,
} from "./test-peer.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function setUp(changes: ContextChanges = {}, greet = true): Promise<{ server: LoopbackServer; peer: RawPeer }> {
  const server = await serveLoopback(changes);
  closing.push(() => server.close());
  const peer = await RawPeer.connect(server.port, greet);
  closing.push(() => peer.socket.destroy());
  return { server, peer };
}

const answer = (text: string) => ({ status: 200, headers: [], body: Buffer.from(text) });
const GET = requestFields("GET", "/");
const POST = requestFields("POST", "/");
const HEAD = requestFields("HEAD", "/");
const endOfConnection = ({ kind }: { kind: string }) => kind === "go-away";

/** Writes a flood in large pieces and waits for the server to have had enough. */
async function flood(peer: RawPeer, piece: Buffer, times: number): Promise<number> {
  for (let round = 0; round < times && !peer.frames.some(endOfConnection) && !peer.closed; round++) {
    peer.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return (await peer.until(endOfConnection)).value;
}

function repeated(bytes: Buffer, count: number): Buffer {
  return Buffer.concat(Array<Buffer>(count).fill(bytes));
}

describe("floods end with GOAWAY", () => {
  test("streams opened and reset at once", async () => {
    let started = 0;
    const { peer } = await setUp({
      http: () => {
        started++;
        return new Promise(() => undefined);
      },
      limits: { resetsPerSecond: 0 },
    });
    for (let id = 1; id < 2000 && !peer.closed; id += 2) {
      peer.headers(id, GET, true);
      peer.write(numberFrame(FRAME_TYPE.reset, id, ERROR_CODE.cancel));
    }
    expect((await peer.until(endOfConnection)).value).toBe(ERROR_CODE.enhanceYourCalm);
    expect(started).toBe(201);
  });

  test("streams that make the server reset them", async () => {
    const { peer } = await setUp({ http: () => new Promise(() => undefined), limits: { resetsPerSecond: 0 } });
    for (let id = 1; id < 2000 && !peer.closed; id += 2) {
      peer.headers(id, GET, true);
      peer.write(numberFrame(FRAME_TYPE.windowUpdate, id, 0));
    }
    expect((await peer.until(endOfConnection)).value).toBe(ERROR_CODE.enhanceYourCalm);
    expect(peer.frames.filter(({ kind }) => kind === "reset").length).toBeLessThanOrEqual(201);
  });

  const settings = frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.maxFrameSize, 16_384]]));
  test.each<[string, Buffer]>([
    ["SETTINGS", settings],
    ["SETTINGS acknowledgements", frame(FRAME_TYPE.settings, FRAME_FLAG.ack, 0)],
    ["PING", frame(FRAME_TYPE.ping, 0, 0, new Uint8Array(8))],
    ["PRIORITY", frame(FRAME_TYPE.priority, 0, 9, new Uint8Array(5))],
    ["unknown frames", frame(77, 0, 0)],
  ])("%s", async (_, one) => {
    const { peer } = await setUp();
    expect(await flood(peer, repeated(one, 1000), 20)).toBe(ERROR_CODE.enhanceYourCalm);
  });

  test("empty DATA, bare or padded", async () => {
    for (const empty of [frame(FRAME_TYPE.data, 0, 1), frame(FRAME_TYPE.data, FRAME_FLAG.padded, 1, Buffer.from([2, 0, 0]))]) {
      const { peer } = await setUp();
      peer.headers(1, POST, false);
      expect(await flood(peer, repeated(empty, 1000), 1000)).toBe(ERROR_CODE.enhanceYourCalm);
    }
  });

  test("CONTINUATION without end", async () => {
    const { peer } = await setUp();
    peer.write(frame(FRAME_TYPE.headers, 0, 1, Buffer.from([0x82])));
    const piece = frame(FRAME_TYPE.continuation, 0, 1, Buffer.alloc(1000, 0x82));
    expect(await flood(peer, piece, 1000)).toBe(ERROR_CODE.enhanceYourCalm);
  });

  test("a header block that unfolds to a thousand times its size", async () => {
    const { peer } = await setUp();
    peer.headers(1, requestFields("GET", "/", ["vary", "v".repeat(900)]), true);
    const block = Buffer.concat([Buffer.from([0x82, 0x86, 0x84]), Buffer.alloc(10_000, 0xbe)]);
    peer.write(frame(FRAME_TYPE.headers, FRAME_FLAG.endHeaders | FRAME_FLAG.endStream, 3, block));
    expect((await peer.until(endOfConnection)).value).toBe(ERROR_CODE.enhanceYourCalm);
  });

  test("a window that overflows", async () => {
    const { peer } = await setUp();
    peer.write(repeated(numberFrame(FRAME_TYPE.windowUpdate, 0, 0x7fffffff), 2));
    expect((await peer.until(endOfConnection)).value).toBe(ERROR_CODE.flowControlError);
  });
});

test("DATA beyond a stream's window resets the stream", async () => {
  const { peer } = await setUp({
    grpc: () => ({ kind: "streaming", run: () => new Promise<void>(() => undefined) }),
    limits: { maxBodyBytes: 100_000 },
  });
  peer.headers(1, requestFields("POST", "/t.S/Slow", ["content-type", "application/grpc"], ["te", "trailers"]), false);
  peer.write(repeated(frame(FRAME_TYPE.data, 0, 1, new Uint8Array(16_384)), 11));
  expect((await peer.until(({ kind }) => kind === "reset")).value).toBe(ERROR_CODE.flowControlError);
});

test("PINGs that follow answers are free", async () => {
  const { peer } = await setUp({ http: () => answer("x"), limits: { controlBurst: 10, controlsPerSecond: 0 } });
  for (let id = 1; id < 200; id += 2) {
    peer.headers(id, GET, true);
    await peer.until(({ kind, streamId }) => kind === "data" && streamId === id);
    await peer.roundTrip();
  }
  expect(peer.frames.some(endOfConnection)).toBe(false);
});

test("bodies of unanswered requests are bounded", async () => {
  const { peer } = await setUp({ limits: { maxBodyBytes: 100_000 } });
  const piece = frame(FRAME_TYPE.data, 0, 1, new Uint8Array(16_384));
  for (let id = 1; id < 20; id += 2) {
    peer.headers(id, POST, false);
    for (let round = 0; round < 5; round++) {
      const of = Buffer.from(piece);
      of.writeUInt32BE(id, 5);
      peer.write(of);
    }
  }
  await peer.roundTrip();
  const refused = peer.frames.filter(({ kind, value }) => kind === "reset" && value === ERROR_CODE.enhanceYourCalm);
  expect(refused.length).toBeGreaterThanOrEqual(3);
  expect(refused.length).toBeLessThanOrEqual(7);
});

test("more streams than allowed are refused, and the others served", async () => {
  const waiting: ((text: string) => void)[] = [];
  const { peer } = await setUp({
    http: () => new Promise((resolve) => waiting.push((text) => resolve(answer(text)))),
    limits: { maxConcurrentStreams: 2 },
  });
  for (const id of [1, 3, 5]) peer.headers(id, GET, true);
  const refused = await peer.until(({ kind }) => kind === "reset");
  expect([refused.streamId, refused.value]).toEqual([5, ERROR_CODE.refusedStream]);
  for (const resolve of waiting) resolve("done");
  await peer.until(({ kind, streamId }) => kind === "data" && streamId === 3);
  peer.headers(7, GET, true);
  await peer.roundTrip();
  expect(waiting.length).toBe(3);
});

test("a client that opens no window gets its answers bounded, then refusals, then a reset", async () => {
  const clock = new FakeClock();
  const { peer } = await setUp({
    clock,
    http: () => answer("y".repeat(1000)),
    limits: { maxBodyBytes: 2500, writeTimeoutMs: 5000 },
  });
  peer.write(frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.initialWindowSize, 0]])));
  for (const id of [1, 3, 5, 7]) peer.headers(id, GET, true);
  const refused = await peer.until(({ kind }) => kind === "reset");
  expect([refused.streamId, refused.value]).toEqual([7, ERROR_CODE.refusedStream]);
  await clock.advance(6000);
  const given = await peer.until(({ kind, streamId }) => kind === "reset" && streamId === 1);
  expect(given.value).toBe(ERROR_CODE.cancel);
  peer.write(frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.initialWindowSize, 65_535]])));
  peer.headers(9, GET, true);
  expect((await peer.until(({ kind, streamId }) => kind === "data" && streamId === 9)).text.length).toBe(1000);
});

test("a client that asks and never reads is not read either, and has all its answers once it reads", async () => {
  const asked = 6000;
  let handled = 0;
  const { peer } = await setUp({
    http: () => {
      handled++;
      return { status: 200, headers: [["x-pad", "p".repeat(8000)]], body: new Uint8Array(0) };
    },
  });
  peer.socket.pause();
  for (let id = 1; id < 2 * asked; id += 2) peer.headers(id, HEAD, true);
  for (let turn = 0; turn < asked; turn++) await new Promise((resolve) => setImmediate(resolve));
  // Answers of header blocks alone are under no window: what the system and the connection hold is all there may be.
  expect(handled).toBeGreaterThan(100);
  expect(handled).toBeLessThan(asked / 2);
  peer.socket.resume();
  await peer.until(({ kind, streamId }) => kind === "headers" && streamId === 2 * asked - 1);
  expect(handled).toBe(asked);
});

test("an answer follows the windows byte for byte", async () => {
  const { peer } = await setUp({ http: () => answer("abcdefgh") });
  peer.write(frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.initialWindowSize, 3]])));
  peer.headers(1, GET, true);
  await peer.until(({ kind }) => kind === "data");
  await peer.roundTrip();
  peer.write(frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.initialWindowSize, 1]])));
  peer.write(numberFrame(FRAME_TYPE.windowUpdate, 1, 2));
  await peer.roundTrip();
  peer.write(numberFrame(FRAME_TYPE.windowUpdate, 1, 1));
  await peer.roundTrip();
  peer.write(numberFrame(FRAME_TYPE.windowUpdate, 1, 100));
  await peer.until(({ endStream }) => endStream);
  expect(peer.frames.filter(({ kind }) => kind === "data").map(({ text }) => text)).toEqual(["abc", "d", "efgh"]);
});

describe("a peer that does not get on", () => {
  const limits = { headersTimeoutMs: 2000, requestTimeoutMs: 4000, keepAliveTimeoutMs: 8000 };

  test.each<[string, Buffer]>([
    ["its preface", Buffer.from("PRI * HTTP")],
    ["a frame", Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from([0, 0, 0])])],
  ])("with %s is sent away", async (_, bytes) => {
    const clock = new FakeClock();
    const { server, peer } = await setUp({ clock, limits }, false);
    peer.write(bytes);
    await peer.until(({ kind }) => kind === "settings");
    await clock.advance(4000);
    await peer.untilClosed();
    expect(server.reports.length).toBeGreaterThan(0);
  });

  test("with acknowledging SETTINGS is sent away", async () => {
    const clock = new FakeClock();
    const { peer } = await setUp({ clock, limits }, false);
    peer.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(FRAME_TYPE.settings, 0, 0)]));
    await peer.until(({ kind, ack }) => kind === "settings" && ack);
    await clock.advance(3000);
    expect((await peer.until(endOfConnection)).value).toBe(ERROR_CODE.settingsTimeout);
  });

  test("with its request's body is answered 408, the others go on", async () => {
    const clock = new FakeClock();
    const { peer } = await setUp({ clock, limits, http: ({ body }: HttpRequest) => answer(String(body.length)) });
    peer.headers(1, POST, false);
    await peer.roundTrip();
    await clock.advance(5000);
    const head = await peer.until(({ kind, streamId }) => kind === "headers" && streamId === 1);
    expect(head.fields[0]).toBe(":status: 408");
    await peer.until(({ kind, value }) => kind === "reset" && value === ERROR_CODE.noError);
    peer.write(frame(FRAME_TYPE.data, FRAME_FLAG.endStream, 1, Buffer.from("late")));
    peer.headers(3, GET, true);
    expect((await peer.until(({ kind, streamId }) => kind === "data" && streamId === 3)).text).toBe("0");
  });

  test("and asks nothing any more is sent away politely", async () => {
    const clock = new FakeClock();
    const { peer } = await setUp({ clock, limits, http: () => answer("x") });
    peer.headers(1, GET, true);
    await peer.until(({ kind }) => kind === "data");
    await clock.advance(6000);
    await peer.roundTrip();
    expect(peer.frames.some(endOfConnection)).toBe(false);
    await clock.advance(5000);
    expect((await peer.until(endOfConnection)).value).toBe(ERROR_CODE.noError);
    await clock.advance(4000);
    await peer.untilClosed();
  });
});

test("a drain takes streams that were on their way, names the last, and ignores later ones", async () => {
  const waiting: (() => void)[] = [];
  const { server, peer } = await setUp({ http: () => new Promise((resolve) => waiting.push(() => resolve(answer("z")))) });
  peer.headers(1, GET, true);
  await peer.roundTrip();
  server.connections[0]!.drain();
  const ping = await peer.until(({ kind, ack }) => kind === "ping" && !ack);
  peer.headers(3, GET, true);
  peer.write(frame(FRAME_TYPE.ping, FRAME_FLAG.ack, 0, Buffer.from(ping.text)));
  peer.headers(5, GET, true);
  await peer.roundTrip();
  expect(peer.frames.filter(endOfConnection).length).toBe(2);
  expect(waiting.length).toBe(2);
  for (const resolve of waiting) resolve();
  await peer.untilClosed();
  expect(peer.frames.filter(({ kind }) => kind === "data").map(({ streamId }) => streamId)).toEqual([1, 3]);
});

test("a preface in single bytes is taken", async () => {
  const { peer } = await setUp({ http: () => answer("ok") }, false);
  for (const byte of Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(FRAME_TYPE.settings, 0, 0)])) {
    peer.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  peer.headers(1, GET, true);
  expect((await peer.until(({ kind }) => kind === "data")).text).toBe("ok");
});

test("answers made in one turn leave in one write", async () => {
  const { peer } = await setUp({ http: () => answer("w") });
  let reads = 0;
  await peer.until(({ kind, ack }) => kind === "settings" && ack);
  peer.socket.on("data", () => reads++);
  peer.socket.cork();
  for (let id = 1; id < 41; id += 2) peer.headers(id, GET, true);
  peer.socket.uncork();
  await peer.until(({ kind, streamId }) => kind === "data" && streamId === 39);
  expect(reads).toBe(1);
});
