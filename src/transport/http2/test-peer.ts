import type { AddressInfo } from "node:net";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { type Clock, systemClock } from "../../base/clock.ts";
import type { Connection, ConnectionContext } from "../connection.ts";
import { testAdoption } from "../epoll/test-adoption.ts";
import { DEFAULT_LIMITS, type TransportLimits } from "../limits.ts";
import type { PeerSocket } from "../peer-socket.ts";
import { createHttp2Connection } from "./connection.ts";
import {
  CLIENT_PREFACE,
  FRAME_FLAG,
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  readUint32,
  writeFrameHeader,
  writeUint32,
} from "./frame.ts";
import { FrameParser } from "./frame-parser.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { type HeaderFields, HpackEncoder } from "./hpack-encoder.ts";

/** A server on the loopback, for tests. */
export interface LoopbackServer {
  readonly port: number;
  readonly url: string;
  /** Connections in the order they came. */
  readonly connections: readonly Connection[];
  /** Events told to the context, in order. */
  readonly reports: readonly string[];
  close(): Promise<void>;
}

/** What a test changes of a context. */
export type ContextChanges = Partial<Omit<ConnectionContext, "limits" | "clock">> & {
  readonly limits?: Partial<TransportLimits>;
  readonly clock?: Clock;
};

/** Serves HTTP/2 on a free port of the loopback. */
export async function serveLoopback(changes: ContextChanges = {}): Promise<LoopbackServer> {
  const reports: string[] = [];
  const context: ConnectionContext = {
    http: () => ({ status: 404, headers: [], body: new Uint8Array(0) }),
    grpc: () => undefined,
    clock: systemClock,
    compressResponses: false,
    ...testAdoption(),
    report: (event, detail) =>
      void reports.push(detail === undefined ? event : `${event}: ${inspect(detail, { compact: true }).split("\n", 1)[0]!}`),
    ...changes,
    limits: { ...DEFAULT_LIMITS, ...changes.limits },
  };
  const connections: Connection[] = [];
  const sockets = new Set<PeerSocket>();
  const server = createServer({ pauseOnConnect: true }, (accepted) => {
    const adopted = context.adopt?.(accepted, context.gate && accepted.remoteAddress);
    if (adopted === undefined) accepted.resume();
    else adopted.allowHalfOpen = false;
    const socket = adopted ?? accepted;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    connections.push(createHttp2Connection(socket, Buffer.alloc(0), context));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections,
    reports,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A frame as a {@link RawPeer} saw it. */
export interface SeenFrame {
  readonly kind: string;
  readonly streamId: number;
  /** Error code of `reset` and `go-away`, increment of `window-update`. */
  readonly value: number;
  /** GOAWAY's last stream; else 0. */
  readonly lastStreamId: number;
  readonly endStream: boolean;
  readonly ack: boolean;
  /** DATA's bytes as latin1; GOAWAY's reason. */
  readonly text: string;
  readonly fields: readonly string[];
}

/** A client that says exactly what a test wants, frame by frame. */
export class RawPeer {
  readonly frames: SeenFrame[] = [];
  readonly socket: Socket;
  readonly encoder = new HpackEncoder();
  closed = false;
  readonly #decoder = new HpackDecoder();
  readonly #parser = new FrameParser({ maxHeaderBlockBytes: 1 << 20, preface: false });
  #changed: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Connects; with `greet`, sends the preface and acknowledges the server's settings. */
  static async connect(port: number, greet = true): Promise<RawPeer> {
    const socket = connectSocket({ port, host: "127.0.0.1", noDelay: true });
    const peer = new RawPeer(socket);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    if (greet) {
      peer.write(Buffer.concat([CLIENT_PREFACE, frame(FRAME_TYPE.settings, 0, 0)]));
      peer.write(frame(FRAME_TYPE.settings, FRAME_FLAG.ack, 0));
    }
    return peer;
  }

  write(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Sends a header block in one frame. */
  headers(streamId: number, fields: HeaderFields, end: boolean): void {
    const block = Buffer.alloc(this.encoder.bound(fields));
    const length = this.encoder.encode(fields, block, 0);
    const flags = FRAME_FLAG.endHeaders | (end ? FRAME_FLAG.endStream : 0);
    this.write(frame(FRAME_TYPE.headers, flags, streamId, block.subarray(0, length)));
  }

  /** The first frame that passes; fails when the connection closes without one. */
  async until(passes: (frame: SeenFrame) => boolean): Promise<SeenFrame> {
    for (;;) {
      const found = this.frames.find(passes);
      if (found !== undefined) return found;
      if (this.closed) throw new Error(`the connection closed; seen: ${JSON.stringify(this.frames)}`);
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  /** A PING's round trip: everything sent before has been read by the server. */
  async roundTrip(): Promise<void> {
    const token = String(this.frames.length).padStart(8, "_");
    this.write(frame(FRAME_TYPE.ping, 0, 0, Buffer.from(token)));
    await this.until(({ kind, ack, text }) => kind === "ping" && ack && text === token);
  }

  async untilClosed(): Promise<void> {
    while (!this.closed) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #read(bytes: Buffer): void {
    const parser = this.#parser;
    parser.push(bytes);
    for (let event = parser.next(); event !== undefined; event = parser.next()) {
      const { streamId, endStream, ack } = parser;
      let text = parser.bytes.toString("latin1", parser.start, parser.end);
      let value = parser.value;
      let lastStreamId = 0;
      let fields: string[] = [];
      if (event === "go-away") {
        lastStreamId = parser.value;
        value = readUint32(parser.bytes, parser.start + 4);
        text = text.slice(8);
      } else if (event === "headers") {
        const list = this.#decoder.decode(parser.bytes, parser.start, parser.end, { maxBytes: 1 << 20, maxCount: 1000 });
        if ("scope" in list) throw new Error(list.message);
        fields = list.names.map((name, index) => `${name}: ${list.values[index]!}`);
      }
      this.frames.push({ kind: event, streamId, value, lastStreamId, endStream, ack, text, fields });
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const resolve of waiting) resolve();
  }
}

/** A frame's bytes. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const out = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  out.set(payload, writeFrameHeader(out, 0, payload.length, type, flags, streamId));
  return out;
}

/** RST_STREAM or WINDOW_UPDATE. */
export function numberFrame(type: number, streamId: number, value: number): Buffer {
  const payload = new Uint8Array(4);
  writeUint32(payload, 0, value);
  return frame(type, 0, streamId, payload);
}

/** The fields of a plain request. */
export function requestFields(method: string, path: string, ...more: HeaderFields): HeaderFields {
  return [[":method", method], [":scheme", "http"], [":path", path], [":authority", "test"], ...more];
}
