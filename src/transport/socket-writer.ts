import { Buffer } from "node:buffer";
import { type Deferred, deferred } from "../base/deferred.ts";
import type { PeerSocket } from "./peer-socket.ts";

/** Pieces up to this size together are joined into one buffer for one plain write. */
const JOINED_BYTES = 64 * 1024;

/** Gathers the bytes for a socket, writes them together, and knows when the peer no longer takes them in. */
export class SocketWriter {
  /** Bytes to write at the next {@link flush}, in order. */
  readonly out: Uint8Array[] = [];
  readonly #socket: PeerSocket;
  #full = false;
  /** Who waits for {@link full} to turn false. */
  #waiter: Deferred<void> | undefined = undefined;
  /** What had been written when {@link #markedAt} was taken; everything up to there is due within the write timeout. */
  #marked = 0;
  #markedAt = -1;

  /** `onDrain` is called when {@link full} turns false again. */
  constructor(socket: PeerSocket, onDrain: () => void) {
    this.#socket = socket;
    socket.on("drain", () => {
      this.#full = false;
      this.#waiter?.resolve();
      this.#waiter = undefined;
      onDrain();
    });
  }

  /** Whether the socket holds more than it should: produce no more until it drains. */
  get full(): boolean {
    return this.#full;
  }

  /** Resolves once the writer is no longer {@link full}, never when the socket closes before that; undefined when it is not full. */
  room(): Promise<void> | undefined {
    if (!this.#full) return undefined;
    this.#waiter ??= deferred<void>();
    return this.#waiter.promise;
  }

  /** Whether everything flushed has been handed to the operating system. */
  get empty(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** Writes what was gathered, in as few system calls as it can. */
  flush(): void {
    const { out } = this;
    if (out.length === 0) return;
    const socket = this.#socket;
    if (!socket.writable) {
      out.length = 0;
      return;
    }
    let room: boolean;
    if (out.length === 1) {
      room = socket.write(out.pop()!);
    } else {
      let total = 0;
      for (const bytes of out) total += bytes.length;
      if (total <= JOINED_BYTES) {
        room = socket.write(Buffer.concat(out, total));
      } else {
        socket.cork();
        for (const bytes of out) socket.write(bytes);
        socket.uncork();
        room = !socket.writableNeedDrain;
      }
    }
    if (out.length > 0) out.length = 0;
    if (!room && socket.writableLength > 0) this.#full = true;
  }

  /** Whether bytes written `timeoutMs` ago have still not been taken in; to be asked about once a second. */
  stalled(now: number, timeoutMs: number): boolean {
    const left = this.#socket.writableLength;
    if (left === 0) {
      this.#markedAt = -1;
      return false;
    }
    const written = this.#socket.bytesWritten;
    if (this.#markedAt < 0 || written - left >= this.#marked) {
      this.#marked = written;
      this.#markedAt = now;
      return false;
    }
    return now - this.#markedAt >= timeoutMs;
  }
}
