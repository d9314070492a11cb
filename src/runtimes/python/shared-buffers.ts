import { randomBytes } from "node:crypto";
import { close, open, readSync, rm, write, writeSync } from "node:fs";
import { promisify } from "node:util";

/** Where files are memory. */
const FOLDER = "/dev/shm";
/** Smaller and larger files are not worth it: large ones would hold up the thread while they are copied. */
const SMALLEST_BYTES = 256 * 1024;
const LARGEST_BYTES = 16 * 1024 * 1024;
/** Of one connection's files together. */
const MOST_BYTES = 64 * 1024 * 1024;
const ZEROS = Buffer.alloc(1024 * 1024);

const openFile = promisify(open);
const closeFile = promisify(close);
const writeFile = promisify(write);
const removeFile = promisify(rm);

/** A file of shared memory that both sides have open and that has no name any more. */
export interface SharedBuffer {
  /** Above 0. */
  readonly number: number;
  readonly size: number;
  readonly descriptor: number;
}

/** What a {@link SharedBuffers} needs of its connection. */
export interface SharedBuffersPeer {
  /** Asks the worker to open a file; {@link SharedBuffers.answered} is called with what became of it. */
  announce(number: number, path: string): void;
}

/**
 * Files of shared memory of one connection, each lent to one request at a time and used again. They are read and written by calls, not mapped:
 * that is the one copy that is needed anyway, and where memory is short a call fails and a mapping would end the process. A file is filled
 * before it is lent, so that its pages are there.
 *
 * A file is made when one is missing and ready some time later; until then, and where none can be made, nothing is lent.
 */
export class SharedBuffers {
  readonly #peer: SharedBuffersPeer;
  readonly #free: SharedBuffer[] = [];
  /** Files that the worker has not opened yet, by number. */
  readonly #announced = new Map<number, SharedBuffer & { readonly path: string }>();
  readonly #all = new Set<SharedBuffer>();
  #bytes = 0;
  #made = 0;
  /** Sizes that are being made: one at a time of each. */
  readonly #making = new Set<number>();
  #ended = false;

  constructor(peer: SharedBuffersPeer) {
    this.#peer = peer;
  }

  /** A file with room for `bytes`, to be given back; undefined when none is free. */
  lend(bytes: number): SharedBuffer | undefined {
    const size = Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    if (size > LARGEST_BYTES || this.#ended) return undefined;
    const at = this.#free.findIndex((each) => each.size === size);
    if (at >= 0) return this.#free.splice(at, 1)[0];
    if (!this.#making.has(size) && this.#bytes + size <= MOST_BYTES) {
      this.#making.add(size);
      this.#bytes += size;
      void this.#make(size);
    }
    return undefined;
  }

  /** Takes back what {@link lend} gave, once neither side uses it. */
  giveBack(buffer: SharedBuffer): void {
    if (!this.#ended) this.#free.push(buffer);
  }

  /** The worker has opened a file that was announced, or could not. */
  answered(number: number, opened: boolean): void {
    const buffer = this.#announced.get(number);
    if (buffer === undefined) return;
    this.#announced.delete(number);
    this.#making.delete(buffer.size);
    void removeFile(buffer.path, { force: true }).catch(() => undefined);
    if (opened) this.#free.push(buffer);
    // The worker lives in another world, where this path is another one: there is no use in trying again.
    else this.close();
  }

  /** Lets go of all files. Nothing is lent any more, and what is lent is not to be used. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const { path } of this.#announced.values()) void removeFile(path, { force: true }).catch(() => undefined);
    for (const { descriptor } of this.#all) close(descriptor, () => undefined);
    this.#all.clear();
    this.#free.length = 0;
  }

  async #make(size: number): Promise<void> {
    const path = `${FOLDER}/modelport-${process.pid}-${randomBytes(8).toString("hex")}`;
    let descriptor: number | undefined;
    try {
      descriptor = await openFile(path, "wx+", 0o600);
      for (let at = 0; at < size; )
        at += (await writeFile(descriptor, ZEROS, 0, Math.min(ZEROS.length, size - at), at)).bytesWritten;
      if (this.#ended) throw new Error("the connection has ended");
      const buffer = { number: ++this.#made, size, descriptor, path };
      this.#all.add(buffer);
      this.#announced.set(buffer.number, buffer);
      this.#peer.announce(buffer.number, path);
    } catch {
      // No such folder, or no room in it. The size stays among those being made: it is not tried again.
      this.#bytes -= size;
      if (descriptor !== undefined) await closeFile(descriptor).catch(() => undefined);
      await removeFile(path, { force: true }).catch(() => undefined);
    }
  }
}

/** Copies bytes into a file, at `offset`. @throws what the system says */
export function putBytes({ descriptor }: SharedBuffer, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
}

/** A copy of the first `length` bytes of a file, in memory of its own. @throws what the system says */
export function takeBytes({ descriptor }: SharedBuffer, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const read = readSync(descriptor, bytes, done, length - done, done);
    if (read === 0) throw new Error("shared memory was cut off");
    done += read;
  }
  return bytes;
}
