import type { Socket } from "node:net";
import type { Connection, ConnectionContext } from "../connection.ts";
import { FRAME_HEADER_BYTES, FRAME_TYPE, goAwayPayload, writeFrameHeader } from "../http2/frame.ts";
import { type Swept, sweepOf } from "../sweep.ts";

/** Time a peer has to read why it was turned away. */
const LINGER_MS = 1000;

/** INADEQUATE_SECURITY (RFC 9113, section 7). */
const INADEQUATE_SECURITY = 12;

const REASON = "this port takes connections with TLS only, as in https";

const HTTP1_ANSWER = http1Answer();
const HTTP2_ANSWER = Buffer.concat([
  frame(FRAME_TYPE.settings, Buffer.alloc(0)),
  frame(FRAME_TYPE.goAway, goAwayPayload(0, INADEQUATE_SECURITY, REASON)),
]);

/** Tells a peer in its own protocol that this port wants TLS, then closes the connection. What the peer sends is dropped. */
export class PlainRefusal implements Connection, Swept {
  readonly #socket: Socket;
  readonly #since: number;

  constructor(socket: Socket, protocol: "http1" | "http2", { clock }: ConnectionContext) {
    this.#socket = socket;
    this.#since = clock.now();
    socket.on("error", () => undefined);
    socket.on("close", () => sweepOf(clock).delete(this));
    socket.end(protocol === "http1" ? HTTP1_ANSWER : HTTP2_ANSWER);
    socket.resume();
    sweepOf(clock).add(this);
  }

  drain(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sweep(now: number): void {
    if (now - this.#since >= LINGER_MS) this.#socket.destroy();
  }
}

function http1Answer(): Buffer {
  const body = `{\n    "error": ${JSON.stringify(REASON)}\n}`;
  const head = [
    "HTTP/1.1 400 Bad Request",
    "content-type: application/json",
    `content-length: ${body.length}`,
    "connection: close",
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function frame(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  payload.copy(bytes, writeFrameHeader(bytes, 0, payload.length, type, 0, 0));
  return bytes;
}
