import type { FileHandle } from "node:fs/promises";

const WINDOW_BYTES = 64 * 1024;
/** Node reads no more than 2 GiB at once. */
const MOST_AT_ONCE = 2 ** 30;

/** A part of a file in memory, moved along with the reader; what is skipped is never read. */
export class FileWindow {
  readonly size: number;
  readonly #file: FileHandle;
  readonly #bytes = new Uint8Array(WINDOW_BYTES);
  #start = 0;
  #length = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Whether the bytes at `position` are here, `count` of them or as many as the file has. `count` is at most 64 KiB. */
  holds(position: number, count: number): boolean {
    return position >= this.#start && Math.min(position + count, this.size) <= this.#start + this.#length;
  }

  /** Moves the window to begin at `position`. A file that has become shorter is seen as zeros. */
  async move(position: number): Promise<void> {
    this.#start = position;
    this.#length = Math.min(WINDOW_BYTES, this.size - position);
    this.#bytes.fill(0, await this.#fill(this.#bytes, this.#length, position));
  }

  /** A copy of any bytes of the file; the window stays. A file that has become shorter is seen as zeros. */
  async read(start: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - start);
    await this.#fill(bytes, bytes.length, start);
    return bytes;
  }

  /** The byte at a position that the window holds. */
  at(position: number): number {
    return this.#bytes[position - this.#start];
  }

  /** A copy of bytes that the window holds. */
  slice(start: number, end: number): Uint8Array {
    return this.#bytes.slice(start - this.#start, end - this.#start);
  }

  /** Reads up to `length` bytes at `position`; how many there were. */
  async #fill(bytes: Uint8Array, length: number, position: number): Promise<number> {
    let read = 0;
    while (read < length) {
      const { bytesRead } = await this.#file.read(bytes, read, Math.min(length - read, MOST_AT_ONCE), position + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return read;
  }
}
