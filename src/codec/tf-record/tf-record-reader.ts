import { ServingError } from "../../base/serving-error.ts";
import { maskedCrc32c } from "./crc32c.ts";
import { TF_RECORD_FOOTER_BYTES, TF_RECORD_HEADER_BYTES } from "./tf-record-writer.ts";

/** Longest record that is taken, by default: four times the default limit of a request. */
const LONGEST_RECORD_BYTES = 256 * 1024 * 1024;

/**
 * Reads the records of a TFRecord file from chunks of any size, keeping no more of them than the record that is being read.
 *
 * `next` gives what is complete, `undefined` when more chunks are needed; `end` says that there are none. Both throw ServingError
 * data-loss, with the place of the record in the file, for a checksum that is wrong and for a record that is too long or cut off.
 * After an error nothing more can be read.
 */
export class TfRecordReader {
  readonly #longest: number;
  /** Chunks that were not read to their end; the first one from {@link #offset} on. */
  readonly #chunks: Uint8Array[] = [];
  #offset = 0;
  #available = 0;
  /** Data bytes of the record whose header was read. */
  #length: number | undefined;
  /** Where in the file the record begins that is read next. */
  #place = 0;

  /** @param longestRecordBytes the most data bytes of one record; 256 MiB by default. */
  constructor(longestRecordBytes = LONGEST_RECORD_BYTES) {
    this.#longest = longestRecordBytes;
  }

  /** Gives the next bytes of the file. They are kept and must not change until they were read. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#available += chunk.length;
  }

  /** The data of the next record: a view of a chunk, or a copy where the record lies in several. */
  next(): Uint8Array | undefined {
    const length = this.#length ?? this.#readHeader();
    if (length === undefined || this.#available < length + TF_RECORD_FOOTER_BYTES) return undefined;
    const bytes = this.#take(length + TF_RECORD_FOOTER_BYTES);
    if (maskedCrc32c(bytes, 0, length) !== uint32(bytes, length)) throw this.#corrupted();
    this.#length = undefined;
    this.#place += TF_RECORD_HEADER_BYTES + length + TF_RECORD_FOOTER_BYTES;
    return bytes.subarray(0, length);
  }

  /** To be called after the last chunk, once {@link next} gives nothing more. */
  end(): void {
    if (this.#available > 0 || this.#length !== undefined) throw fault(`truncated record at ${this.#place}`);
  }

  #readHeader(): number | undefined {
    if (this.#available < TF_RECORD_HEADER_BYTES) return undefined;
    const header = this.#take(TF_RECORD_HEADER_BYTES);
    if (maskedCrc32c(header, 0, 8) !== uint32(header, 8)) throw this.#corrupted();
    const length = uint32(header, 0) + uint32(header, 4) * 0x1_0000_0000;
    if (length > this.#longest) {
      throw fault(`the record at ${this.#place} has ${length} bytes, the most that is read is ${this.#longest}`);
    }
    this.#length = length;
    return length;
  }

  /** The next `count` bytes, of which there are so many. */
  #take(count: number): Uint8Array {
    const first = this.#chunks[0];
    this.#available -= count;
    if (first.length - this.#offset >= count) {
      const bytes = first.subarray(this.#offset, this.#offset + count);
      this.#skip(count);
      return bytes;
    }
    const bytes = new Uint8Array(count);
    let filled = 0;
    // Read from the front without shifting: a record may lie in very many chunks.
    let read = 0;
    while (filled < count) {
      const chunk = this.#chunks[read];
      const part = Math.min(count - filled, chunk.length - this.#offset);
      bytes.set(chunk.subarray(this.#offset, this.#offset + part), filled);
      filled += part;
      this.#offset += part;
      if (this.#offset < chunk.length) break;
      this.#offset = 0;
      read++;
    }
    this.#chunks.splice(0, read);
    return bytes;
  }

  #skip(count: number): void {
    this.#offset += count;
    if (this.#offset < this.#chunks[0].length) return;
    this.#chunks.shift();
    this.#offset = 0;
  }

  #corrupted(): ServingError {
    return fault(`corrupted record at ${this.#place}`);
  }
}

function fault(what: string): ServingError {
  return new ServingError("data-loss", `${what}. Please verify your warmup data is in TFRecord format.`);
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}
