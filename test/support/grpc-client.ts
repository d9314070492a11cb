import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

/** How a call ended. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** A small gRPC client over Node's own HTTP/2: a peer for the server that shares no code with it. */
export class GrpcClient {
  readonly #session: ClientHttp2Session;

  /** To a port of this machine, with TLS or without, or to a socket file. */
  constructor(endpoint: number | { readonly path: string } | ({ readonly port: number } & ConnectionOptions)) {
    if (typeof endpoint === "number") this.#session = connect(`http://127.0.0.1:${endpoint}`);
    else if ("port" in endpoint) this.#session = connect(`https://localhost:${endpoint.port}`, endpoint);
    else this.#session = connect("http://localhost", { createConnection: () => connectSocket(endpoint.path!) });
    this.#session.on("error", () => {});
  }

  /** Sends raw bytes as the one request message; resolves with the messages that came back and the status. */
  async raw(
    path: string,
    message: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<{ messages: Uint8Array[]; status: GrpcStatus }> {
    const frame = Buffer.alloc(5 + message.length);
    frame.writeUInt32BE(message.length, 1);
    frame.set(message, 5);
    return await this.body(path, frame, headers);
  }

  /** Sends a body as it is, which should be the request message with its prefix. */
  async body(
    path: string,
    body: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<{ messages: Uint8Array[]; status: GrpcStatus }> {
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    const chunks: Buffer[] = [];
    let fields: Record<string, string | string[] | number | undefined> = {};
    stream.on("response", (received) => (fields = { ...fields, ...received }));
    stream.on("trailers", (received) => (fields = { ...fields, ...received }));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise<void>((resolve, reject) => {
      stream.on("close", resolve);
      stream.on("error", reject);
    });
    stream.end(body);
    await ended;
    const status = {
      code: Number(fields["grpc-status"] ?? -1),
      message: decodeURIComponent([fields["grpc-message"] ?? ""].flat().join()),
    };
    return { messages: split(Buffer.concat(chunks)), status };
  }

  /** A unary call; rejects with the status when it is not OK. */
  async call<In extends DescMessage, Out extends DescMessage>(
    path: string,
    input: In,
    request: MessageShape<In>,
    output: Out,
  ): Promise<MessageShape<Out>> {
    const { messages, status } = await this.raw(path, toBinary(input, request));
    if (status.code !== 0) throw Object.assign(new Error(status.message), { code: status.code });
    return fromBinary(output, messages[0]);
  }

  close(): void {
    this.#session.close();
  }
}

function split(body: Buffer): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const length = body.readUInt32BE(at + 1);
    messages.push(body.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return messages;
}
