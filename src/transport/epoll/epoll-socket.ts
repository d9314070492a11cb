import { EventEmitter } from "node:events";
import { getSystemErrorName } from "node:util";
import type { PeerSocket } from "../peer-socket.ts";
import { EAGAIN, EINTR, READABLE, WRITABLE } from "./system-calls.ts";

/** More than this waiting makes {@link EpollSocket.write} ask for patience. */
const HIGH_WATER_BYTES = 16 * 1024;

/** What a socket needs of the poller that watches it. */
export interface SocketPoller {
  /** Watches for these events from now on; 0 for none. */
  watch(socket: EpollSocket, from: number, to: number): void;
  /** Whether writes wait for the end of the turn, when the poller calls {@link EpollSocket.sendPending}. */
  gathers(socket: EpollSocket): boolean;
  /** Reads what is there: the bytes, 0 when the peer has closed its side, or a negative errno. */
  receive(fd: number): Buffer | number;
  /** Some of the bytes received in this batch may be looked at after it. */
  keepReceived(): void;
  /** Sends what the system takes of the bytes from `start`, and returns how many, or a negative errno. */
  send(fd: number, bytes: Uint8Array, start: number): number;
  /** Sends the beginning of these pieces, from `start` in the first, in one call. */
  sendJoined(fd: number, pieces: readonly PendingWrite[], start: number): number;
  /** Reads what has arrived and drops it: closed with bytes unread, a TCP socket is reset and the peer can lose what was written last. */
  discardReceived(fd: number): void;
  shutdownWriting(fd: number): void;
  /** Lets go of the socket's descriptor. */
  release(socket: EpollSocket, reset: boolean): void;
}

/** Bytes that wait to be sent. */
export interface PendingWrite {
  readonly bytes: Uint8Array;
  readonly written: (() => void) | undefined;
}

/**
 * A connected socket that is read and written by system calls of its own, without Node's streams. Behaves as `net.Socket` does as
 * far as {@link PeerSocket} goes, but that a write which the system takes at once calls `written` before it returns and asks for no
 * patience, that a write after the end is ignored, and that nothing is heard of the peer, its end included, while paused.
 */
export class EpollSocket extends EventEmitter implements PeerSocket {
  allowHalfOpen = true;
  readonly fd: number;
  readonly remoteAddress: string | undefined;
  readonly #poller: SocketPoller;
  #interest = READABLE;
  #paused = false;
  #corks = 0;
  #peerEnded = false;
  /** Our side: open, closing once all is written, closed. */
  #writing: "open" | "ending" | "ended" = "open";
  #destroyWhenWritten = false;
  #destroyed = false;
  /** What {@link read} found and {@link deliver} tells. */
  #received: Buffer | number | undefined = undefined;
  #sendable = false;
  #spared = false;
  #needDrain = false;
  readonly #pending: PendingWrite[] = [];
  /** Bytes of the first pending write that are sent already. */
  #sentOfFirst = 0;
  #pendingBytes = 0;
  #sentBytes = 0;

  /** `fd` is the socket's from now on, and watched for {@link READABLE} already. */
  constructor(fd: number, poller: SocketPoller, remoteAddress?: string) {
    super();
    this.fd = fd;
    this.remoteAddress = remoteAddress;
    this.#poller = poller;
  }

  get writable(): boolean {
    return this.#writing === "open" && !this.#destroyed;
  }

  get writableLength(): number {
    return this.#pendingBytes;
  }

  get writableNeedDrain(): boolean {
    return this.#needDrain && this.writable;
  }

  get bytesWritten(): number {
    return this.#sentBytes + this.#pendingBytes;
  }

  write(bytes: Uint8Array, written?: () => void): boolean {
    if (!this.writable) return false;
    if (this.#corks === 0 && this.#pending.length === 0 && !this.#poller.gathers(this)) {
      const sent = this.#poller.send(this.fd, bytes, 0);
      if (sent === bytes.length) {
        this.#sentBytes += sent;
        written?.();
        return true;
      }
      if (sent < 0 && this.#failed(sent)) return false;
      this.#sentOfFirst = Math.max(0, sent);
      this.#sentBytes += this.#sentOfFirst;
      this.#pendingBytes = bytes.length - this.#sentOfFirst;
      this.#pending.push({ bytes, written });
      this.#watch();
    } else {
      this.#pending.push({ bytes, written });
      this.#pendingBytes += bytes.length;
    }
    if (this.#pendingBytes < HIGH_WATER_BYTES) return true;
    this.#needDrain = true;
    return false;
  }

  cork(): void {
    this.#corks++;
  }

  uncork(): void {
    if (this.#corks === 0 || --this.#corks > 0) return;
    if (this.#pending.length > 0 && !this.#poller.gathers(this)) this.sendPending();
  }

  spare(): void {
    this.#spared = true;
  }

  pause(): void {
    this.#paused = true;
    this.#watch();
  }

  resume(): void {
    this.#paused = false;
    this.#watch();
    if (this.#received !== undefined) process.nextTick(() => this.deliver());
  }

  isPaused(): boolean {
    return this.#paused;
  }

  /** Set on every accepted socket before it came here. */
  setNoDelay(): void {}

  end(): void {
    if (this.#writing !== "open") return;
    this.#writing = "ending";
    if (this.#corks > 0) {
      this.#corks = 1;
      this.uncork();
    }
    this.#afterWriting();
  }

  destroySoon(): void {
    this.#destroyWhenWritten = true;
    if (this.#writing === "ended") this.destroy();
    else this.end();
  }

  destroy(): void {
    this.#release(false);
  }

  resetAndDestroy(): void {
    this.#release(true);
  }

  /** Takes in what these events announce, without telling anybody yet: {@link deliver} does. */
  read(events: number): void {
    this.#sendable = (events & WRITABLE) !== 0;
    // An error or a hang-up counts as readable too: reading tells which it is.
    if ((events & ~WRITABLE) === 0 || this.#received !== undefined) return;
    if (!this.#paused && !this.#peerEnded) this.#received = this.#poller.receive(this.fd);
    // Only a write can tell what the hang-up means; without one the event would come again and again.
    else if (this.#pending.length > 0) this.#sendable = true;
    else this.#watchFor(0);
  }

  /** Tells what {@link read} found; to a socket that was paused since, once it is resumed. */
  deliver(): void {
    if (this.#destroyed) return;
    if (this.#sendable) {
      this.#sendable = false;
      this.sendPending();
    }
    const received = this.#received;
    if (received === undefined || this.#destroyed) return;
    if (this.#paused) {
      this.#poller.keepReceived();
      return;
    }
    this.#received = undefined;
    if (typeof received !== "number") {
      this.#spared = false;
      this.emit("data", received);
      if (!this.#spared) this.#poller.keepReceived();
    } else if (received === 0) this.#end();
    else this.#failed(received);
  }

  /** Sends what waits, as far as the system takes it. */
  sendPending(): void {
    const pending = this.#pending;
    while (pending.length > 0 && this.#corks === 0 && !this.#destroyed) {
      const sent =
        pending.length === 1
          ? this.#poller.send(this.fd, pending[0]!.bytes, this.#sentOfFirst)
          : this.#poller.sendJoined(this.fd, pending, this.#sentOfFirst);
      if (sent < 0) {
        if (!this.#failed(sent)) this.#watch();
        return;
      }
      this.#take(sent);
    }
    if (this.#destroyed) return;
    this.#watch();
    if (pending.length > 0) return;
    this.#afterWriting();
    // Never within a call of the writer's own.
    if (this.#needDrain) process.nextTick(() => this.#drained());
  }

  #drained(): void {
    if (!this.#needDrain || this.#pending.length > 0 || !this.writable) return;
    this.#needDrain = false;
    this.emit("drain");
  }

  #end(): void {
    this.#peerEnded = true;
    this.#watch();
    this.emit("end");
    if (this.#destroyed) return;
    if (this.#writing === "ended") this.destroy();
    else if (!this.allowHalfOpen) this.end();
  }

  /** Counts bytes as sent and tells those whose last byte that was. */
  #take(sent: number): void {
    this.#sentBytes += sent;
    this.#pendingBytes -= sent;
    this.#sentOfFirst += sent;
    const pending = this.#pending;
    let done = 0;
    while (done < pending.length && this.#sentOfFirst >= pending[done]!.bytes.length) {
      this.#sentOfFirst -= pending[done++]!.bytes.length;
    }
    // None is told before all are out: it may write more, and what it writes may be sent before it returns.
    if (done === 1) pending.shift()!.written?.();
    else if (done > 1) for (const { written } of pending.splice(0, done)) written?.();
  }

  #afterWriting(): void {
    if (this.#writing !== "ending" || this.#pending.length > 0 || this.#destroyed) return;
    this.#writing = "ended";
    if (this.#destroyWhenWritten || this.#peerEnded) {
      this.#poller.discardReceived(this.fd);
      this.destroy();
    } else this.#poller.shutdownWriting(this.fd);
  }

  /** Whether the errno is one that ends the socket; a call that would only have to wait does not. */
  #failed(errno: number): boolean {
    if (errno === -EAGAIN || errno === -EINTR) return false;
    if (this.#destroyed) return true;
    const code = getSystemErrorName(errno);
    const reason = Object.assign(new Error(`socket ${code}`), { code, errno });
    this.#release(false, reason);
    return true;
  }

  /** Follows what the socket waits for now. */
  #watch(): void {
    if (this.#destroyed) return;
    const wanted =
      (this.#paused || this.#peerEnded ? 0 : READABLE) | (this.#pending.length > 0 && this.#corks === 0 ? WRITABLE : 0);
    if (wanted !== this.#interest) this.#watchFor(wanted);
  }

  #watchFor(events: number): void {
    const before = this.#interest;
    this.#interest = events;
    this.#poller.watch(this, before, events);
  }

  #release(reset: boolean, reason?: Error): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#writing = "ended";
    this.#poller.release(this, reset);
    this.#pending.length = 0;
    this.#pendingBytes = 0;
    this.#received = undefined;
    // As Node has it: never within the call that closed.
    process.nextTick(() => {
      try {
        if (reason !== undefined) this.emit("error", reason);
      } finally {
        this.emit("close");
      }
    });
  }
}
