import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FakeClock } from "../../base/fake-clock.ts";
import type { ConnectionContext } from "../connection.ts";
import type { GrpcMethod } from "../grpc/method.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { createHttp2Connection } from "./connection.ts";
import { CLIENT_PREFACE, FRAME_FLAG, FRAME_TYPE } from "./frame.ts";
import { FrameParser } from "./frame-parser.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { encodeSettings, SETTING } from "./settings.ts";
import { frame, numberFrame, requestFields } from "./test-peer.ts";

/** A socket that takes everything at once. */
class Sink extends EventEmitter {
  readonly chunks: Uint8Array[] = [];
  readonly writableLength = 0;
  writable = true;
  write(bytes: Uint8Array): boolean {
    this.chunks.push(bytes);
    return true;
  }
  end(): void {
    this.writable = false;
  }
  destroy(): void {
    this.writable = false;
  }
  setNoDelay(): void {}
  cork(): void {}
  uncork(): void {}
}

const encoder = new HpackEncoder();

function headers(streamId: number, end: boolean, ...fields: Parameters<typeof requestFields>): Buffer {
  const list = requestFields(...fields);
  const out = Buffer.alloc(encoder.bound(list));
  const length = encoder.encode(list, out, 0);
  const flags = FRAME_FLAG.endHeaders | (end ? FRAME_FLAG.endStream : 0);
  return frame(FRAME_TYPE.headers, flags, streamId, out.subarray(0, length));
}

const GRPC = [
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["grpc-timeout", "1S"],
] as const;
const MESSAGE = Buffer.from([0, 0, 0, 0, 3, 97, 98, 99]);
const { data } = FRAME_TYPE;
const CONVERSATION = Buffer.concat([
  CLIENT_PREFACE,
  frame(FRAME_TYPE.settings, 0, 0, encodeSettings([[SETTING.initialWindowSize, 20]])),
  headers(1, true, "GET", "/v1"),
  headers(3, false, "POST", "/t.S/Echo", ...GRPC),
  frame(data, FRAME_FLAG.endStream, 3, MESSAGE),
  headers(5, false, "POST", "/t.S/Chat", ...GRPC),
  frame(data, 0, 5, Buffer.concat([MESSAGE, MESSAGE.subarray(0, 6)])),
  headers(7, false, "POST", "/upload", ["content-length", "8"]),
  frame(data, FRAME_FLAG.padded, 7, Buffer.from("\x02data\0\0", "latin1")),
  frame(data, FRAME_FLAG.endStream, 7, Buffer.from("data")),
  frame(data, FRAME_FLAG.endStream, 5, Buffer.concat([MESSAGE.subarray(6), MESSAGE])),
  headers(9, false, "POST", "/t.S/Later", ...GRPC),
  numberFrame(FRAME_TYPE.windowUpdate, 1, 100),
  numberFrame(FRAME_TYPE.windowUpdate, 0, 100),
  numberFrame(FRAME_TYPE.reset, 9, 8),
  frame(FRAME_TYPE.ping, 0, 0, Buffer.alloc(8)),
  frame(
    FRAME_TYPE.settings,
    0,
    0,
    encodeSettings([
      [SETTING.initialWindowSize, 65_535],
      [SETTING.headerTableSize, 0],
    ]),
  ),
  headers(11, true, "GET", "/v1"),
]);

const methods: Readonly<Record<string, GrpcMethod>> = {
  "/t.S/Echo": { kind: "unary", run: (message) => message },
  "/t.S/Later": { kind: "unary", run: async (message) => message },
  "/t.S/Chat": {
    kind: "streaming",
    async run(messages, send) {
      for await (const message of messages) await send(message);
    },
  },
};

test("20,000 mutated conversations end in frames, and never in a bug", async () => {
  const bugs: unknown[] = [];
  const context: ConnectionContext = {
    http: () => ({ status: 200, headers: [["content-type", "text/plain"]], body: Buffer.alloc(50) }),
    grpc: (path) => methods[path],
    limits: DEFAULT_LIMITS,
    clock: new FakeClock(),
    compressResponses: false,
    report: (_, detail) => void (detail instanceof Error && bugs.push(detail)),
  };
  const mutations = fc.sample(
    fc.record({ at: fc.nat(CONVERSATION.length - 1), byte: fc.nat(255), cut: fc.nat(CONVERSATION.length), drop: fc.nat(30) }),
    { numRuns: 20_000, seed: 11 },
  );
  let answered = 0;
  for (const [index, { at, byte, cut, drop }] of mutations.entries()) {
    const bytes = Buffer.from(CONVERSATION);
    bytes[at] = byte;
    const mutated = drop === 0 ? Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]) : bytes;
    const sink = new Sink();
    const connection = createHttp2Connection(sink as unknown as Socket, mutated.subarray(0, cut), context);
    sink.emit("data", mutated.subarray(cut));
    if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise<void>((resolve) => process.nextTick(resolve));
    connection.destroy();
    const parser = new FrameParser({ maxHeaderBlockBytes: 10_000, preface: false });
    parser.push(Buffer.concat(sink.chunks));
    for (let event = parser.next(); event !== undefined; event = parser.next()) {
      if (event === "fault") throw new Error(`we sent a broken frame: ${parser.fault!.message}`);
      if (event === "headers") answered++;
    }
    expect(parser.incomplete).toBe(false);
  }
  expect(bugs).toEqual([]);
  expect(answered).toBeGreaterThan(50_000);
});
