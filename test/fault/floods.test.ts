import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ERROR_CODE } from "../../src/transport/http2/error-code.ts";
import { FRAME_FLAG, FRAME_TYPE } from "../../src/transport/http2/frame.ts";
import { encodeSettings, SETTING } from "../../src/transport/http2/settings.ts";
import { frame, numberFrame, RawPeer, requestFields } from "../../src/transport/http2/test-peer.ts";
import { GrpcClient } from "../support/grpc-client.ts";
import { growthDuring } from "../support/memory.ts";
import { grpcPredict, HALF_PLUS_TWO } from "../support/predict.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** What one peer may make the server take, all floods together run on one serving thread. */
const ROOM_MEBIBYTES = 32;

let server: RunningServer;
let other: GrpcClient;
let peer: RawPeer | undefined;

beforeAll(async () => {
  server = await startServer([HALF_PLUS_TWO, "--threads=1", "--log_level=warn"]);
  other = new GrpcClient(server.port);
  // The memory that any traffic takes is there before a flood is measured.
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 100 }, () => grpcPredict(other, "model")));
  }
});

afterEach(() => peer?.socket.destroy());

afterAll(async () => {
  other?.close();
  await server?.stop();
});

const GET = requestFields("GET", "/livez");
const POST = requestFields("POST", "/v1/models/model:predict");
const turn = () => new Promise((resolve) => setImmediate(resolve));
const repeated = (bytes: Buffer, count: number) => Buffer.concat(Array<Buffer>(count).fill(bytes));

/** A request's HEADERS in the static table alone, and its RST_STREAM: 27 bytes a stream. */
function openedAndReset(from: number, count: number): Buffer {
  const block = Buffer.from([0x82, 0x86, 0x84, 0x01, 0x01, 0x78]);
  const frames: Buffer[] = [];
  for (let id = from; id < from + 2 * count; id += 2) {
    frames.push(frame(FRAME_TYPE.headers, FRAME_FLAG.endHeaders | FRAME_FLAG.endStream, id, block));
    frames.push(numberFrame(FRAME_TYPE.reset, id, ERROR_CODE.cancel));
  }
  return Buffer.concat(frames);
}

interface Flood {
  /** What is sent before, once. */
  readonly begin?: (peer: RawPeer) => void;
  readonly piece: (round: number) => Buffer;
  readonly rounds: number;
  readonly ends: number;
}

const SETTINGS_FRAME = frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.maxFrameSize, 16_384]]));

const FLOODS: readonly (readonly [name: string, flood: Flood])[] = [
  [
    "100,000 streams opened and reset",
    { piece: (round) => openedAndReset(1 + round * 2000, 1000), rounds: 100, ends: ERROR_CODE.enhanceYourCalm },
  ],
  [
    "CONTINUATION without end",
    {
      begin: (to) => to.write(frame(FRAME_TYPE.headers, 0, 1, Buffer.from([0x82]))),
      piece: () => frame(FRAME_TYPE.continuation, 0, 1, Buffer.alloc(1000, 0x82)),
      rounds: 100_000,
      ends: ERROR_CODE.enhanceYourCalm,
    },
  ],
  [
    "empty CONTINUATION without end",
    {
      begin: (to) => to.write(frame(FRAME_TYPE.headers, 0, 1, Buffer.from([0x82]))),
      piece: () => repeated(frame(FRAME_TYPE.continuation, 0, 1), 1000),
      rounds: 100,
      ends: ERROR_CODE.enhanceYourCalm,
    },
  ],
  ["10,000 SETTINGS", { piece: () => repeated(SETTINGS_FRAME, 1000), rounds: 10, ends: ERROR_CODE.enhanceYourCalm }],
  [
    "10,000 PINGs",
    { piece: () => repeated(frame(FRAME_TYPE.ping, 0, 0, Buffer.alloc(8)), 1000), rounds: 10, ends: ERROR_CODE.enhanceYourCalm },
  ],
  [
    "10,000 PRIORITY frames",
    {
      piece: () => repeated(frame(FRAME_TYPE.priority, 0, 9, Buffer.alloc(5)), 1000),
      rounds: 10,
      ends: ERROR_CODE.enhanceYourCalm,
    },
  ],
  [
    "1,000,000 empty DATA frames",
    {
      begin: (to) => to.headers(1, POST, false),
      piece: () => repeated(frame(FRAME_TYPE.data, 0, 1), 10_000),
      rounds: 100,
      ends: ERROR_CODE.enhanceYourCalm,
    },
  ],
  [
    "a connection's window that overflows",
    {
      piece: () => repeated(numberFrame(FRAME_TYPE.windowUpdate, 0, 0x7fffffff), 2),
      rounds: 1,
      ends: ERROR_CODE.flowControlError,
    },
  ],
  [
    "header blocks that unfold to a thousand times their size",
    {
      // An entry of 1,000 bytes in the table, then three bytes and 10,000 references to it.
      begin: (to) => to.headers(1, requestFields("GET", "/", ["vary", "v".repeat(964)]), true),
      piece: (round) =>
        frame(
          FRAME_TYPE.headers,
          FRAME_FLAG.endHeaders | FRAME_FLAG.endStream,
          3 + 2 * round,
          Buffer.concat([Buffer.from([0x82, 0x86, 0x84]), Buffer.alloc(10_000, 0xbe)]),
        ),
      rounds: 1000,
      ends: ERROR_CODE.enhanceYourCalm,
    },
  ],
];

describe("ends with GOAWAY, little memory and everybody else served:", () => {
  test.each(FLOODS)("%s", async (_, { begin, piece, rounds, ends }) => {
    peer = await RawPeer.connect(server.port);
    const flooding = peer;
    await flooding.roundTrip();
    const ended = () => flooding.closed || flooding.frames.some(({ kind }) => kind === "go-away");
    let served = 0;
    const growth = await growthDuring(server, async () => {
      begin?.(flooding);
      for (let round = 0; round < rounds && !ended(); round++) {
        flooding.write(piece(round));
        if (round % 20 === 0) {
          const { status, values } = await grpcPredict(other, "model");
          expect([status.code, values]).toEqual([0, [2.5, 3]]);
          served++;
        }
        await turn();
      }
      const last = await flooding.until(({ kind }) => kind === "go-away");
      expect(last.value).toBe(ends);
    });
    expect(served).toBeGreaterThan(0);
    expect((await grpcPredict(other, "model")).values).toEqual([2.5, 3]);
    expect(growth).toBeLessThanOrEqual(ROOM_MEBIBYTES);
  });
});

test("20,000 requests that are answered and never read take little memory, and everybody else is served", async () => {
  peer = await RawPeer.connect(server.port);
  const deaf = peer;
  await deaf.roundTrip();
  deaf.socket.pause();
  const growth = await growthDuring(server, async () => {
    for (let from = 1; from < 40_000; from += 2000) {
      for (let id = from; id < from + 2000; id += 2) deaf.headers(id, GET, true);
      if (from % 4000 === 1) expect((await grpcPredict(other, "model")).values).toEqual([2.5, 3]);
      await turn();
    }
  });
  expect(growth).toBeLessThanOrEqual(ROOM_MEBIBYTES);
});
