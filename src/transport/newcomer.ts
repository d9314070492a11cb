import type { Connection, ConnectionContext } from "./connection.ts";
import { ownBytes } from "./own-bytes.ts";
import type { PeerSocket } from "./peer-socket.ts";
import { type AnnouncedProtocol, sniffProtocol } from "./protocol-sniffer.ts";
import { type Swept, sweepOf } from "./sweep.ts";

/** Told once what the first bytes announced; they were read from the socket, which has no listeners of the newcomer's any more. */
export type Decided = (protocol: AnnouncedProtocol, first: Buffer) => void;

/** A socket whose protocol is not known yet. Calls `decided` once, or never when the socket closes before. */
export class Newcomer implements Connection, Swept {
  readonly #socket: PeerSocket;
  readonly #context: ConnectionContext;
  readonly #decided: Decided;
  readonly #onData = (bytes: Buffer): void => this.#take(bytes);
  readonly #onEnd = (): void => void this.#socket.destroy();
  readonly #onError = (reason: NodeJS.ErrnoException): void => this.#context.report("socket_error", reason.code);
  readonly #onClose = (): void => sweepOf(this.#context.clock).delete(this);
  #first: Buffer | undefined = undefined;
  #since: number;

  constructor(socket: PeerSocket, context: ConnectionContext, decided: Decided) {
    this.#socket = socket;
    this.#context = context;
    this.#decided = decided;
    this.#since = context.clock.now();
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    sweepOf(context.clock).add(this);
  }

  /** A peer that has sent nothing yet loses nothing by being closed. */
  drain(): void {
    if (this.#first === undefined) this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sweep(now: number): void {
    const { keepAliveTimeoutMs, headersTimeoutMs } = this.#context.limits;
    if (now - this.#since >= (this.#first === undefined ? keepAliveTimeoutMs : headersTimeoutMs)) this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    if (this.#first === undefined) this.#since = this.#context.clock.now();
    const first = this.#first === undefined ? bytes : Buffer.concat([this.#first, bytes]);
    const protocol = sniffProtocol(first);
    if (protocol === "undecided") {
      this.#first = ownBytes(first);
      return;
    }
    if (protocol === "neither") {
      this.#context.report("connection_refused", "neither HTTP/1 nor HTTP/2");
      this.#socket.destroy();
      return;
    }
    this.#onClose();
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("error", this.#onError);
    this.#socket.off("close", this.#onClose);
    this.#decided(protocol, first);
  }
}
