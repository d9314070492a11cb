import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import { throwIfAborted } from "../abort.ts";
import { ServingError } from "../serving-error.ts";
import { damagedArchive, readZipDirectory, type ZipEntry, type ZipSource } from "./zip-directory.ts";

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;

/**
 * All files of a zip archive that is in memory, by name; those that are not compressed are views of it. Folders are left out.
 *
 * @param name what errors call the archive
 * @param mostBytes that all files may have together
 * @throws ServingError data-loss for an archive that is damaged, reaches out of its folder or has two files of one name;
 * resource-exhausted for more bytes; the signal's reason once it aborts
 */
export async function readZipBytes(
  name: string,
  bytes: Buffer,
  mostBytes: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readZipDirectory(name, sourceOf(bytes));
  const size = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (size > mostBytes) {
    throw new ServingError("resource-exhausted", `the files of the archive "${name}" have more than ${mostBytes} bytes together`);
  }
  const files = new Map<string, Buffer>();
  for (const entry of entries) {
    if (entry.name.endsWith("/")) continue;
    throwIfAborted(signal);
    if (files.has(entry.name)) throw damagedArchive(name, `it has two files of the name ${entry.name}`);
    files.set(entry.name, await contentOf(name, bytes, entry));
  }
  return files;
}

async function contentOf(archive: string, bytes: Buffer, entry: ZipEntry): Promise<Buffer> {
  const damaged = (what: string, cause?: unknown) => damagedArchive(archive, `${entry.name} ${what}`, cause);
  if (entry.offset + LOCAL_BYTES > bytes.length) throw damaged("lies behind its end");
  if (bytes.readUInt32LE(entry.offset) !== LOCAL) throw damaged("is not where it should be");
  const start = entry.offset + LOCAL_BYTES + bytes.readUInt16LE(entry.offset + 26) + bytes.readUInt16LE(entry.offset + 28);
  if (start + entry.compressedSize > bytes.length) throw damaged("lies behind its end");
  const packed = bytes.subarray(start, start + entry.compressedSize);
  let content = packed;
  if (!entry.stored) {
    try {
      content = await promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw)(packed, {
        maxOutputLength: Math.max(1, entry.size),
      });
    } catch (reason) {
      throw damaged(reason instanceof RangeError ? "is longer than announced" : "cannot be inflated", reason);
    }
  }
  if (content.length !== entry.size) throw damaged("has another size than announced");
  if (crc32(content) !== entry.crc) throw damaged("has another checksum than announced");
  return content;
}

function sourceOf(bytes: Buffer): ZipSource {
  return {
    async stat() {
      return { size: bytes.length };
    },
    async read(buffer, offset, length, position) {
      // Behind the end is nothing, as in a file.
      return { bytesRead: position < bytes.length ? bytes.copy(buffer, offset, position, position + length) : 0 };
    },
  };
}
