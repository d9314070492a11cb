import type { Socket } from "node:net";
import type { Connection, ConnectionContext } from "../connection.ts";
import { type Swept, sweepOf } from "../sweep.ts";

/** A connection whose TLS handshake is under way; closed when that takes longer than the head of a request may. */
export class TlsHandshake implements Connection, Swept {
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #onClose = (): void => this.end();
  readonly #since: number;

  constructor(socket: Socket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#since = context.clock.now();
    socket.on("close", this.#onClose);
    sweepOf(context.clock).add(this);
  }

  /** A peer without a secured connection has asked for nothing yet. */
  drain(): void {
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sweep(now: number): void {
    if (now - this.#since < this.#context.limits.headersTimeoutMs) return;
    this.#socket.destroy(Object.assign(new Error("the TLS handshake took too long"), { code: "ERR_TLS_HANDSHAKE_TIMEOUT" }));
  }

  /** The handshake is over, for better or worse. */
  end(): void {
    this.#socket.off("close", this.#onClose);
    sweepOf(this.#context.clock).delete(this);
  }
}
