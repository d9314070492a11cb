import { EventEmitter } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../base/fake-clock.ts";
import type { ConnectionContext } from "./connection.ts";
import type { GrpcMethod } from "./grpc/method.ts";
import { createHttp1Connection } from "./http1/connection.ts";
import { createHttp2Connection } from "./http2/connection.ts";
import { CLIENT_PREFACE, FRAME_FLAG, FRAME_HEADER_BYTES, FRAME_TYPE, writeFrameHeader } from "./http2/frame.ts";
import { HpackEncoder } from "./http2/hpack-encoder.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { Newcomer } from "./newcomer.ts";
import { ownBytes } from "./own-bytes.ts";
import type { PeerSocket } from "./peer-socket.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What polled sockets receive into. */
const SLAB_BYTES = 64 * 1024;

/** A socket that takes everything and sends nothing by itself. */
class SilentSocket extends EventEmitter {
  allowHalfOpen = true;
  writable = true;
  writableLength = 0;
  writableNeedDrain = false;
  bytesWritten = 0;
  write(_bytes: Uint8Array, written?: () => void): boolean {
    written?.();
    return true;
  }
  isPaused = () => false;
  cork = () => undefined;
  uncork = () => undefined;
  pause = () => undefined;
  resume = () => undefined;
  setNoDelay = () => undefined;
  end = () => undefined;
  destroy = () => undefined;
  destroySoon = () => undefined;
  resetAndDestroy = () => undefined;
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  writeFrameHeader(head, 0, payload.length, type, flags, stream);
  return Buffer.concat([head, payload]);
}

/** Lets a socket receive bytes into a slab, which is all that is known of it afterwards. */
function receive(socket: EventEmitter, bytes: Buffer): WeakRef<ArrayBufferLike> {
  const slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  slab.set(bytes, 1000);
  socket.emit("data", slab.subarray(1000, 1000 + bytes.length));
  return new WeakRef(slab.buffer);
}

function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const pseudo = [":method", ":scheme", ":authority"].map((name, at) => [name, ["POST", "http", "a"][at]!] as const);
  const block = Buffer.alloc(500);
  return block.subarray(0, new HpackEncoder().encode([...pseudo, ...fields], block, 0));
}

const SETTINGS = Buffer.concat([
  CLIENT_PREFACE,
  frame(FRAME_TYPE.settings, 0, 0, Buffer.alloc(0)),
  frame(FRAME_TYPE.settings, FRAME_FLAG.ack, 0, Buffer.alloc(0)),
]);
const GRPC = headerBlock([
  [":path", "/s/unary"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
]);
const GRPC_STREAM = headerBlock([
  [":path", "/s/streaming"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
]);
const PUT = headerBlock([
  [":path", "/x"],
  ["content-length", "9"],
]);
const MESSAGE = Buffer.from([0, 0, 0, 0, 4, 1, 2, 3, 4]);
const { headers, data } = FRAME_TYPE;
const { endHeaders } = FRAME_FLAG;

type Begin = (socket: PeerSocket, context: ConnectionContext) => unknown;
const newcomer: Begin = (socket, context) => new Newcomer(socket, context, () => undefined);
const http1: Begin = (socket, context) => createHttp1Connection(socket, Buffer.alloc(0), context);
const http2: Begin = (socket, context) => createHttp2Connection(socket, Buffer.alloc(0), context);

/** By what a connection waits for: how it begins and what it has received. */
const CASES: Readonly<Record<string, readonly [begin: Begin, received: readonly Buffer[]]>> = {
  "its first bytes": [newcomer, [Buffer.from("PRI * HT")]],
  "the rest of an HTTP/1 head": [http1, [Buffer.from("POST / HTTP/1.1\r\nhos")]],
  "the rest of an HTTP/1 head that came in two pieces": [http1, [Buffer.from("POST / HT"), Buffer.from("TP/1.1\r\nhos")]],
  "the rest of an HTTP/1 body": [http1, [Buffer.from("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nbod")]],
  "the rest of a body in chunks": [http1, [Buffer.from("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\n")]],
  "an HTTP/2 request": [http2, [SETTINGS]],
  "an HTTP/2 request after another": [http2, [SETTINGS, frame(headers, endHeaders | FRAME_FLAG.endStream, 1, PUT)]],
  "the rest of an HTTP/2 header block": [http2, [SETTINGS, frame(headers, 0, 1, PUT)]],
  "the rest of an HTTP/2 frame": [http2, [SETTINGS, frame(headers, endHeaders, 1, PUT).subarray(0, 14)]],
  "the end of an HTTP/2 body": [http2, [SETTINGS, frame(headers, endHeaders, 1, PUT), frame(data, 0, 1, MESSAGE)]],
  "the end of a gRPC call": [http2, [SETTINGS, frame(headers, endHeaders, 1, GRPC), frame(data, 0, 1, MESSAGE)]],
  "the next message of a gRPC stream": [
    http2,
    [SETTINGS, frame(headers, endHeaders, 1, GRPC_STREAM), frame(data, 0, 1, MESSAGE)],
  ],
};

describe("a connection that waits for", () => {
  test.each(Object.entries(CASES))("%s keeps no buffer that others' bytes are in", async (_what, [begin, received]) => {
    const clock = new FakeClock();
    const methods: Record<string, GrpcMethod> = {
      "/s/unary": { kind: "unary", run: (message) => message },
      "/s/streaming": {
        kind: "streaming",
        // Takes no message for now.
        run: () => new Promise(() => undefined),
      },
    };
    const context: ConnectionContext = {
      http: () => ({ status: 200, headers: [], body: new Uint8Array(0) }),
      grpc: (path) => methods[path],
      limits: DEFAULT_LIMITS,
      clock,
      compressResponses: false,
      report: () => undefined,
    };
    const socket = new SilentSocket();
    const kept = begin(socket, context);
    const slabs = received.map((bytes) => receive(socket, bytes));
    await clock.advance(1500);
    collectGarbage();
    expect(slabs.map((slab) => slab.deref()?.byteLength)).toEqual(received.map(() => undefined));
    expect(kept).toBeDefined();
    expect(socket.listenerCount("data")).toBe(1);
  });
});

test("bytes that fill a good part of their buffer are not copied", () => {
  const buffer = Buffer.allocUnsafeSlow(1000);
  expect(ownBytes(buffer.subarray(100, 350)).buffer).toBe(buffer.buffer);
  const own = ownBytes(buffer.subarray(100, 349));
  expect(own.buffer.byteLength).toBe(249);
  expect(Buffer.compare(own, buffer.subarray(100, 349))).toBe(0);
});
