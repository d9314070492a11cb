import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable, Transform, type TransformCallback, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { abortError } from "../abort.ts";
import type { ServingError } from "../serving-error.ts";
import { damagedArchive, fill, readAt, readZipDirectory, type ZipEntry } from "./zip-directory.ts";

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** Large enough that 680 MB unpacked cost few turns of the event loop. */
const CHUNK_BYTES = 1 << 18;
/** Checked without letting others have their turn: some milliseconds. */
const CHECK_BYTES = 1 << 22;

/**
 * A zip archive that is open to be unpacked, one file at a time, in constant memory and with the inflating on another thread: a server that
 * answers requests meanwhile is not held up.
 *
 * Everything rejects with a ServingError data-loss that names the archive when it is cut off, damaged or reaches out of its folder.
 */
export class ZipArchive {
  readonly path: string;
  readonly entries: readonly ZipEntry[];

  private constructor(path: string, entries: readonly ZipEntry[]) {
    this.path = path;
    this.entries = entries;
  }

  static async open(path: string): Promise<ZipArchive> {
    const file = await open(path);
    try {
      return new ZipArchive(path, await readZipDirectory(path, file));
    } finally {
      await file.close();
    }
  }

  /** The content of a file, in memory of its own. */
  async read(entry: ZipEntry, signal: AbortSignal): Promise<Buffer> {
    if (entry.stored) return await this.#readStored(entry, signal);
    const pieces: Buffer[] = [];
    const to = new Writable({
      write(piece: Buffer, _encoding, done) {
        pieces.push(piece);
        done();
      },
    });
    await this.#unpack(
      entry,
      () => to,
      signal,
      () => undefined,
    );
    return Buffer.concat(pieces);
  }

  /** What is not packed needs no stream, which would hold it twice. */
  async #readStored(entry: ZipEntry, signal: AbortSignal): Promise<Buffer> {
    if (entry.size !== entry.compressedSize) throw damagedArchive(this.path, `${entry.name} has another size than announced`);
    const start = await this.#contentOffset(entry);
    const file = await open(this.path);
    try {
      const bytes = Buffer.from(new ArrayBuffer(entry.size));
      let crc = 0;
      for (let at = 0; at < bytes.length; at += CHECK_BYTES) {
        if (signal.aborted) throw abortError(signal);
        const part = bytes.subarray(at, at + CHECK_BYTES);
        await fill(this.path, file, start + at, part);
        crc = crc32(part, crc);
      }
      if (crc !== entry.crc) throw damagedArchive(this.path, `${entry.name} has another checksum than announced`);
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** Writes a file to `path`, which must not exist yet; `progress` hears of each piece's bytes. */
  async extract(entry: ZipEntry, path: string, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    await this.#unpack(entry, () => createWriteStream(path, { flags: "wx", highWaterMark: CHUNK_BYTES }), signal, progress);
  }

  async #unpack(
    entry: ZipEntry,
    openTarget: () => Writable,
    signal: AbortSignal,
    progress: (bytes: number) => void,
  ): Promise<void> {
    try {
      const start = await this.#contentOffset(entry);
      const end = start + entry.compressedSize - 1;
      // An empty range cannot be asked for.
      const from = end < start ? Readable.from([]) : createReadStream(this.path, { start, end, highWaterMark: CHUNK_BYTES });
      const check = new ContentCheck(this.path, entry, progress);
      // Not opened before: a stream whose error nobody waits for ends the process.
      const to = openTarget();
      if (entry.stored) await pipeline(from, check, to, { signal });
      else await pipeline(from, createInflateRaw({ chunkSize: CHUNK_BYTES }), check, to, { signal });
    } catch (reason) {
      if (signal.aborted) throw abortError(signal);
      const code = (reason as NodeJS.ErrnoException).code ?? "";
      throw code.startsWith("Z_") ? damagedArchive(this.path, `${entry.name} cannot be inflated`, reason) : reason;
    }
  }

  /** A local header may differ in length from what the central directory says of the entry. */
  async #contentOffset(entry: ZipEntry): Promise<number> {
    const file = await open(this.path);
    try {
      const { size } = await file.stat();
      if (entry.offset + entry.compressedSize > size) throw damagedArchive(this.path, `${entry.name} lies behind its end`);
      const header = await readAt(this.path, file, entry.offset, LOCAL_BYTES);
      if (header.readUInt32LE(0) !== LOCAL) throw damagedArchive(this.path, `${entry.name} is not where it should be`);
      return entry.offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
    } finally {
      await file.close();
    }
  }
}

/** Lets through what has the size and the checksum that were announced. */
class ContentCheck extends Transform {
  readonly #path: string;
  readonly #entry: ZipEntry;
  readonly #progress: (bytes: number) => void;
  #size = 0;
  #crc = 0;

  constructor(path: string, entry: ZipEntry, progress: (bytes: number) => void) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#path = path;
    this.#entry = entry;
    this.#progress = progress;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#size += chunk.length;
    this.#crc = crc32(chunk, this.#crc);
    if (this.#size > this.#entry.size) done(this.#fault("is longer than announced"));
    else {
      this.#progress(chunk.length);
      done(null, chunk);
    }
  }

  override _flush(done: TransformCallback): void {
    if (this.#size !== this.#entry.size) done(this.#fault("is shorter than announced"));
    else done(this.#crc === this.#entry.crc ? null : this.#fault("has another checksum than announced"));
  }

  #fault(what: string): ServingError {
    return damagedArchive(this.#path, `${this.#entry.name} ${what}`);
  }
}
