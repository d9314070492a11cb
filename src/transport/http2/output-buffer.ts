import { Buffer } from "node:buffer";
import type { PeerSocket } from "../peer-socket.ts";

const FIRST_SLAB_BYTES = 1024;
const LARGEST_SLAB_BYTES = 16 * 1024;
const EMPTY = Buffer.alloc(0);

/**
 * Gathers what one turn of the event loop has to say to a peer, so that it leaves in one write. Bytes are written into a slab
 * that is never reused: the socket may still hold it. Large payloads are put in by reference.
 */
export class OutputBuffer {
  /** Where to write, from the position {@link reserve} returned. */
  slab: Buffer = EMPTY;
  #written = 0;
  #at = 0;
  #slabBytes = FIRST_SLAB_BYTES;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  /** Writes the socket has finished, and what {@link stalled} saw of them when. */
  #writes = 0;
  #seenWrites = -1;
  #seenAt = 0;
  readonly #countWrite = (): void => void this.#writes++;

  /** Bytes waiting for {@link flush}. */
  get size(): number {
    return this.#partBytes + this.#at - this.#written;
  }

  /** Makes room for `size` bytes in `slab` and returns where it begins. */
  reserve(size: number): number {
    if (this.slab.length - this.#at < size) {
      this.#close();
      if (this.slab.length > 0) this.#slabBytes = Math.min(this.#slabBytes * 2, LARGEST_SLAB_BYTES);
      this.slab = Buffer.allocUnsafeSlow(Math.max(size, this.#slabBytes));
      this.#written = 0;
      this.#at = 0;
    }
    return this.#at;
  }

  /** Ends a reservation: bytes up to `end` were written. */
  commit(end: number): void {
    this.#at = end;
  }

  /** Puts in bytes that stay unchanged until they are sent. */
  append(bytes: Uint8Array): void {
    this.#close();
    this.#parts.push(bytes);
    this.#partBytes += bytes.length;
  }

  /** Hands everything to the socket. */
  flush(socket: PeerSocket): void {
    this.#close();
    const parts = this.#parts;
    if (parts.length === 0) return;
    this.#parts = [];
    this.#partBytes = 0;
    if (parts.length === 1) {
      socket.write(parts[0]!, this.#countWrite);
      return;
    }
    socket.cork();
    for (const part of parts) socket.write(part, this.#countWrite);
    socket.uncork();
  }

  /** Whether bytes wait and the peer has taken in nothing for `timeoutMs`; to be asked about once a second. */
  stalled(socket: PeerSocket, now: number, timeoutMs: number): boolean {
    if (socket.writableLength === 0 || this.#writes !== this.#seenWrites) {
      this.#seenWrites = this.#writes;
      this.#seenAt = now;
      return false;
    }
    return now - this.#seenAt >= timeoutMs;
  }

  /** Gives up the slab of a connection that has become idle. */
  shrink(): void {
    if (this.size > 0) return;
    this.slab = EMPTY;
    this.#written = 0;
    this.#at = 0;
    this.#slabBytes = FIRST_SLAB_BYTES;
  }

  #close(): void {
    if (this.#at === this.#written) return;
    this.#parts.push(this.slab.subarray(this.#written, this.#at));
    this.#partBytes += this.#at - this.#written;
    this.#written = this.#at;
  }
}
