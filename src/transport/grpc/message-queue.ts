import { type Deferred, deferred } from "../../base/deferred.ts";
import type { ServingError } from "../../base/serving-error.ts";
import { ownBytes } from "../own-bytes.ts";
import type { FramedMessage } from "./message-reader.ts";

/** A call's messages on their way to a streaming method. One reader at a time. */
export class MessageQueue {
  readonly #messages: FramedMessage[] = [];
  #closed = false;
  #error: ServingError | undefined = undefined;
  #awaited: Deferred<void> | undefined = undefined;

  push(message: FramedMessage): void {
    this.#messages.push(message);
    this.#wake();
  }

  /** Lets go of the buffers of which the messages are a small part. */
  compact(): void {
    const messages = this.#messages;
    for (let at = 0; at < messages.length; at++) {
      const { compressed, bytes } = messages[at]!;
      messages[at] = { compressed, bytes: ownBytes(bytes) };
    }
  }

  /** No more messages come; those queued are still read. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The call is gone: the reader is told at once, what is queued is dropped. */
  fail(error: ServingError): void {
    this.#messages.length = 0;
    this.#closed = true;
    this.#error = error;
    this.#wake();
  }

  /** The next message; undefined at the end. Rejects when the call is gone. */
  async take(): Promise<FramedMessage | undefined> {
    while (this.#messages.length === 0 && !this.#closed) {
      this.#awaited ??= deferred<void>();
      await this.#awaited.promise;
    }
    if (this.#error !== undefined) throw this.#error;
    return this.#messages.shift();
  }

  #wake(): void {
    this.#awaited?.resolve();
    this.#awaited = undefined;
  }
}
