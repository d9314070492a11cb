import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { FakeClock } from "../../../src/base/fake-clock.ts";
import type { ConnectionContext } from "../../../src/transport/connection.ts";
import type { GrpcMethod } from "../../../src/transport/grpc/method.ts";
import { createHttp2Connection } from "../../../src/transport/http2/connection.ts";
import { FrameParser } from "../../../src/transport/http2/frame-parser.ts";
import { DEFAULT_LIMITS } from "../../../src/transport/limits.ts";
import { type FuzzTarget, kindsOf, type Outcome, piecesOf } from "../target.ts";
import { HTTP2_WORDS } from "./http2-frames.ts";

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

const METHODS: ReadonlyMap<string, GrpcMethod> = new Map([
  ["/t.S/Echo", { kind: "unary", run: (message) => message }],
  ["/t.S/Later", { kind: "unary", run: async (message) => message }],
  [
    "/t.S/Chat",
    {
      kind: "streaming",
      async run(messages, send) {
        for await (const message of messages) await send(message);
      },
    },
  ],
]);

/** A whole HTTP/2 connection: whatever it is sent, it answers in well-formed frames and no handler fails. */
export const http2Connection: FuzzTarget = {
  name: "http2-connection",
  dictionary: [
    ...HTTP2_WORDS,
    "/t.S/Echo",
    "/t.S/Later",
    "/t.S/Chat",
    "application/grpc",
    "1S",
    Buffer.from([0, 0, 0, 0, 3, 97, 98, 99]),
  ],
  longest: 600,
  async run(input): Promise<Outcome> {
    let bug: Error | undefined;
    const context: ConnectionContext = {
      http: () => ({ status: 200, headers: [["content-type", "text/plain"]], body: Buffer.alloc(50) }),
      grpc: (path) => METHODS.get(path),
      limits: { ...DEFAULT_LIMITS, maxBodyBytes: 65_536, maxConcurrentStreams: 16 },
      clock: new FakeClock(),
      compressResponses: false,
      report: (_, detail) => {
        if (detail instanceof Error) bug = detail;
      },
    };
    const sink = new Sink();
    const [first = Buffer.alloc(0), ...rest] = piecesOf(input);
    const connection = createHttp2Connection(sink as unknown as Socket, first, context);
    for (const piece of rest) if (sink.writable) sink.emit("data", piece);
    // What a handler does asynchronously is a few microtasks deep, and answers are written when a turn ends.
    for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => process.nextTick(resolve));
    connection.destroy();
    if (bug !== undefined) throw bug;
    return outcomeOf(Buffer.concat(sink.chunks));
  },
};

function outcomeOf(answer: Buffer): Outcome {
  const parser = new FrameParser({ maxHeaderBlockBytes: 10_000, preface: false });
  const kinds: string[] = [];
  let refused = false;
  parser.push(answer);
  for (let event = parser.next(); event !== undefined; event = parser.next()) {
    if (event === "fault") throw new Error(`a broken frame was sent: ${parser.fault!.message}`);
    refused ||= event === "go-away";
    kinds.push(event === "go-away" ? parser.bytes.toString("latin1", parser.start + 4, parser.end).replace(/\d+/g, "0") : event);
    if (event === "reset") kinds.push(`reset ${parser.value}`);
  }
  if (parser.incomplete) throw new Error("half a frame was sent");
  return { accepted: !refused, shape: kindsOf(kinds) };
}
