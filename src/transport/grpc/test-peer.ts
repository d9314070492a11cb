import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { type ContextChanges, type LoopbackServer, serveLoopback } from "../http2/test-peer.ts";
import type { GrpcMethod, StreamingMethod, UnaryMethod } from "./method.ts";

/** Methods on the loopback, and a session of Node's own HTTP/2 with them. */
export interface MethodServer {
  readonly server: LoopbackServer;
  readonly session: ClientHttp2Session;
  close(): Promise<void>;
}

export async function serveMethods(
  methods: Readonly<Record<string, GrpcMethod>>,
  changes: ContextChanges = {},
): Promise<MethodServer> {
  const server = await serveLoopback({ grpc: (path) => methods[path], ...changes });
  const session = connect(server.url);
  session.on("error", () => undefined);
  const close = async () => {
    session.destroy();
    await server.close();
  };
  return { server, session, close };
}

export const unary = (run: UnaryMethod["run"]): UnaryMethod => ({ kind: "unary", run });
export const streaming = (run: StreamingMethod["run"]): StreamingMethod => ({ kind: "streaming", run });

/** A message with its prefix. */
export function framed(message: Uint8Array, compressed = false): Buffer {
  const out = Buffer.alloc(5 + message.length);
  out[0] = compressed ? 1 : 0;
  out.writeUInt32BE(message.length, 1);
  out.set(message, 5);
  return out;
}

function messagesOf(bytes: Buffer): { compressed: boolean; bytes: Buffer }[] {
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 1);
    messages.push({ compressed: bytes[at] === 1, bytes: bytes.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return messages;
}

/** How a call went. */
export interface Outcome {
  readonly http: number;
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
  /** The last header block: of the head itself when {@link trailersOnly}. */
  readonly trailers: IncomingHttpHeaders;
  readonly messages: readonly string[];
  readonly raw: readonly { compressed: boolean; bytes: Buffer }[];
  /** Whether status and head came in one block. */
  readonly trailersOnly: boolean;
}

/** Begins a call whose request the test writes. */
export function start(
  session: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
): { readonly stream: ClientHttp2Stream; readonly outcome: Promise<Outcome> } {
  const stream = session.request(
    { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers },
    { endStream: false },
  );
  stream.on("error", () => undefined);
  const outcome = new Promise<Outcome>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | undefined;
    stream.on("response", (received) => {
      head = received;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const last = trailers ?? head;
      const raw = messagesOf(Buffer.concat(chunks));
      resolve({
        http: Number(head[":status"]),
        status: Number(last["grpc-status"]),
        text: decodeURIComponent(String(last["grpc-message"] ?? "")),
        headers: head,
        trailers: last,
        messages: raw.map(({ bytes }) => bytes.toString()),
        raw,
        trailersOnly: trailers === undefined,
      });
    });
    stream.on("close", () => reject(new Error(`the stream closed with ${stream.rstCode}`)));
  });
  outcome.catch(() => undefined);
  return { stream, outcome };
}

/** Makes a whole call. */
export function call(
  session: ClientHttp2Session,
  path: string,
  body: Uint8Array = framed(Buffer.from("request")),
  headers: OutgoingHttpHeaders = {},
): Promise<Outcome> {
  const { stream, outcome } = start(session, path, headers);
  stream.end(body);
  return outcome;
}
