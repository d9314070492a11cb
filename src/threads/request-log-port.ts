import type { MessagePort } from "node:worker_threads";
import type { RequestLogChannel } from "../serving/request-log.ts";
import type { RequestLogNotice } from "./request-logs.ts";

/** A serving thread's way to the thread that writes request logs. */
export class RequestLogPort implements RequestLogChannel {
  readonly pending: Int32Array;
  readonly #port: MessagePort;

  constructor({ pending, port }: RequestLogNotice) {
    this.pending = new Int32Array(pending);
    this.#port = port;
  }

  send(batch: Uint8Array<ArrayBuffer>): void {
    this.#port.postMessage(batch, [batch.buffer]);
  }

  /** What was sent arrives still. */
  close(): void {
    this.#port.close();
  }
}
