import { gzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import type { Clock } from "../../base/clock.ts";
import { settle } from "../../base/fake-clock.ts";
import { FRAME_FLAG, FRAME_TYPE } from "../http2/frame.ts";
import type { HeaderFields } from "../http2/hpack-encoder.ts";
import { frame, type LoopbackServer, numberFrame, RawPeer, requestFields, serveLoopback } from "../http2/test-peer.ts";
import { framed } from "./test-peer.ts";

const PLAIN = framed(Buffer.from("work"));
const ZIPPED = framed(gzipSync("work"), true);
/** Large enough to be inflated on another thread. */
const ZIPPED_LARGE = framed(
  gzipSync(Buffer.from(Array.from({ length: 10_000 }, (_, index) => ((index * 7919) % 251) ^ (index >> 3)))),
  true,
);
const CANCEL = 8;

let server: LoopbackServer | undefined;
let peer: RawPeer | undefined;
afterEach(async () => {
  peer?.socket.destroy();
  await server?.close();
});

/**
 * Sends a call in one piece of input and says what came of it. Time passes by `elapsesMs` as soon as the input that was there has been
 * read: after a plain message has run, and before one that waits to be inflated.
 */
async function outcome(parts: {
  readonly kind: "unary" | "streaming";
  readonly fields: HeaderFields;
  readonly body: Uint8Array;
  readonly ends?: boolean;
  readonly cancels?: boolean;
  readonly elapsesMs?: number;
}): Promise<{ runs: number; status: string | undefined }> {
  const { kind, fields, body, ends = true, cancels = false, elapsesMs = 0 } = parts;
  let runs = 0;
  let now = 0;
  const clock: Clock = { now: () => now, after: () => ({ cancel: () => undefined }) };
  const unary = (message: Uint8Array) => {
    runs++;
    return message;
  };
  const streaming = async () => void runs++;
  server = await serveLoopback({
    clock,
    grpc: () => {
      queueMicrotask(() => (now += elapsesMs));
      return kind === "unary" ? { kind, run: unary } : { kind, run: streaming };
    },
  });
  peer = await RawPeer.connect(server.port);
  await peer.roundTrip();
  peer.socket.cork();
  peer.headers(1, requestFields("POST", "/t.S/Work", ["content-type", "application/grpc"], ...fields), false);
  peer.write(frame(FRAME_TYPE.data, ends ? FRAME_FLAG.endStream : 0, 1, body));
  if (cancels) peer.write(numberFrame(FRAME_TYPE.reset, 1, CANCEL));
  peer.socket.uncork();
  await peer.roundTrip();
  const answered = (each: { kind: string; streamId: number; endStream: boolean }) => each.streamId === 1 && each.endStream;
  if (!cancels) await peer.until(answered);
  else await settle();
  const last = peer.frames.find(answered);
  return { runs, status: last?.fields.find((field) => field.startsWith("grpc-status"))?.slice("grpc-status: ".length) };
}

const GZIP = ["grpc-encoding", "gzip"] as const;
const ONE_MS = ["grpc-timeout", "1m"] as const;

test.each<[string, Parameters<typeof outcome>[0]]>([
  ["a unary call has expired", { kind: "unary", fields: [["grpc-timeout", "0m"]], body: PLAIN }],
  ["a streaming call has expired", { kind: "streaming", fields: [["grpc-timeout", "0m"]], body: PLAIN }],
  ["1 ms passes while a message is inflated", { kind: "unary", fields: [GZIP, ONE_MS], body: ZIPPED, elapsesMs: 1 }],
  ["1 ms passes while a large message is inflated", { kind: "unary", fields: [GZIP, ONE_MS], body: ZIPPED_LARGE, elapsesMs: 1 }],
  ["1 ms passes before a streaming method begins", { kind: "streaming", fields: [ONE_MS], body: PLAIN, elapsesMs: 1 }],
])("no work is started when %s", async (_, parts) => {
  expect(await outcome(parts)).toEqual({ runs: 0, status: "4" });
});

test.each<[string, Parameters<typeof outcome>[0]]>([
  ["before its message has ended", { kind: "unary", fields: [], body: PLAIN, ends: false, cancels: true }],
  ["while its message is inflated", { kind: "unary", fields: [GZIP], body: ZIPPED, cancels: true }],
  ["while its large message is inflated", { kind: "unary", fields: [GZIP], body: ZIPPED_LARGE, cancels: true }],
  ["in the turn it came", { kind: "streaming", fields: [], body: PLAIN, cancels: true }],
])("no work is started when a call is cancelled %s", async (_, parts) => {
  expect(await outcome(parts)).toEqual({ runs: 0, status: undefined });
});

test.each<[string, Parameters<typeof outcome>[0]]>([
  ["plain", { kind: "unary", fields: [ONE_MS], body: PLAIN, elapsesMs: 1 }],
  ["compressed", { kind: "unary", fields: [GZIP, ["grpc-timeout", "2m"]], body: ZIPPED, elapsesMs: 1 }],
  ["large and compressed", { kind: "unary", fields: [GZIP, ["grpc-timeout", "2m"]], body: ZIPPED_LARGE, elapsesMs: 1 }],
  ["streaming", { kind: "streaming", fields: [["grpc-timeout", "2m"]], body: PLAIN, elapsesMs: 1 }],
])("a call in time does its work, however near its deadline (%s)", async (_, parts) => {
  expect(await outcome(parts)).toEqual({ runs: 1, status: "0" });
});
