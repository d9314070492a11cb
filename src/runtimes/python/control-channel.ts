import type { Duplex } from "node:stream";

/** What a worker says to the control side. */
export type FromWorker =
  | {
      readonly kind: "hello";
      readonly protocol: number;
      readonly python: string;
      readonly torch: string | null;
      readonly numpy: string | null;
    }
  | { readonly kind: "progress"; readonly step: string }
  | { readonly kind: "loaded"; readonly signatures: unknown }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "serving" }
  | { readonly kind: "pong"; readonly number: number; readonly runningMs: number | null };

/** Longest message: a model of thousands of columns has signatures of some hundred KB. */
const MOST_BYTES = 16 * 1024 * 1024;
const LENGTH_BYTES = 4;

/** JSON messages over a worker's control socket, each behind its length. */
export class ControlChannel {
  readonly #socket: Duplex;
  #received: Buffer = Buffer.alloc(0);

  /** `failed` is called when what comes is no message: nothing can be understood any more. */
  constructor(socket: Duplex, onMessage: (message: FromWorker) => void, failed: () => void) {
    this.#socket = socket;
    // The end of the process says what there is to say.
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      try {
        for (let message = this.#next(); message !== undefined; message = this.#next()) onMessage(message);
      } catch {
        this.#received = Buffer.alloc(0);
        socket.destroy();
        failed();
      }
    });
  }

  /** Sends a message; one to a worker that is gone is lost. */
  send(message: { readonly kind: string }): void {
    if (!this.#socket.writable) return;
    const text = Buffer.from(JSON.stringify(message));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(text.length);
    this.#socket.write(Buffer.concat([length, text]));
  }

  #next(): FromWorker | undefined {
    const received = this.#received;
    if (received.length < LENGTH_BYTES) return undefined;
    const end = LENGTH_BYTES + received.readUInt32LE(0);
    if (end > MOST_BYTES) throw new Error("a message of a worker is too long");
    if (received.length < end) return undefined;
    this.#received = received.subarray(end);
    const message = JSON.parse(received.toString("utf8", LENGTH_BYTES, end)) as FromWorker;
    if (typeof message?.kind !== "string") throw new Error("a message of a worker has no kind");
    return message;
  }
}
