import { basename } from "node:path";
import { ServingError } from "../serving-error.ts";

/** A file in a zip archive. */
export interface ZipEntry {
  /** `/`-separated, below the archive's root: never absolute, without `..` and backslashes. */
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  readonly compressedSize: number;
  readonly crc: number;
  readonly stored: boolean;
  /** Where its local header is. */
  readonly offset: number;
}

/** What an archive is read from: an open file, or what behaves like one. */
export interface ZipSource {
  stat(): Promise<{ readonly size: number }>;
  /** As a FileHandle's. */
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const END64_LOCATOR = 0x07064b50;
const END64_LOCATOR_BYTES = 20;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const ZIP64_EXTRA = 1;
/** A 32-bit field whose value is among the 64-bit ones. */
const ELSEWHERE = 0xffffffff;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;

/**
 * The files of the archive `file` by its central directory, zip64 too.
 * Rejects with a ServingError data-loss that names `path` when that is broken or has a name that leads out of the archive.
 */
export async function readZipDirectory(path: string, file: ZipSource): Promise<readonly ZipEntry[]> {
  return entriesOf(path, await readDirectoryBytes(path, file));
}

async function readDirectoryBytes(path: string, file: ZipSource): Promise<{ readonly bytes: Buffer; readonly count: number }> {
  const { size } = await file.stat();
  const tail = await readAt(path, file, Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES - END64_LOCATOR_BYTES), undefined);
  const at = endOf(path, tail);
  let count = tail.readUInt16LE(at + 10);
  let length = tail.readUInt32LE(at + 12);
  let offset = tail.readUInt32LE(at + 16);
  const locator = at - END64_LOCATOR_BYTES;
  if (locator >= 0 && tail.readUInt32LE(locator) === END64_LOCATOR) {
    const end64 = await readAt(path, file, wide(tail, locator + 8), END64_BYTES);
    if (end64.readUInt32LE(0) !== END64) throw damagedArchive(path, "its end is not where it should be");
    count = wide(end64, 32);
    length = wide(end64, 40);
    offset = wide(end64, 48);
  }
  if (offset + length > size) throw damagedArchive(path, "its list of files lies behind its end");
  return { bytes: await readAt(path, file, offset, length), count };
}

/** The end record is the last one whose comment reaches to the end of the file. */
function endOf(path: string, tail: Buffer): number {
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) === END && at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length) return at;
  }
  throw damagedArchive(path, "it has no end");
}

function entriesOf(path: string, { bytes, count }: { readonly bytes: Buffer; readonly count: number }): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + CENTRAL_BYTES > bytes.length || bytes.readUInt32LE(at) !== CENTRAL)
      throw damagedArchive(path, "its list of files is broken");
    const nameEnd = at + CENTRAL_BYTES + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    const next = extraEnd + bytes.readUInt16LE(at + 32);
    if (next > bytes.length) throw damagedArchive(path, "its list of files is broken");
    const name = bytes.toString("utf8", at + CENTRAL_BYTES, nameEnd);
    if (escapes(name)) throw damagedArchive(path, `it has a file of the name ${JSON.stringify(name)}, outside of its folder`);
    const method = bytes.readUInt16LE(at + 10);
    if ((method !== STORED && method !== DEFLATED) || (bytes.readUInt16LE(at + 8) & ENCRYPTED) !== 0) {
      throw damagedArchive(path, `${name} is packed in a way that is not known here`);
    }
    const [size, compressedSize, offset] = wideFields(path, bytes.subarray(nameEnd, extraEnd), [
      bytes.readUInt32LE(at + 24),
      bytes.readUInt32LE(at + 20),
      bytes.readUInt32LE(at + 42),
    ]);
    entries.push({
      name,
      size: size!,
      compressedSize: compressedSize!,
      offset: offset!,
      crc: bytes.readUInt32LE(at + 16),
      stored: method === STORED,
    });
    at = next;
  }
  return entries;
}

/** The fields with those of the zip64 extra in place of what did not fit; it has only the latter, in this order. */
function wideFields(path: string, extra: Buffer, fields: readonly number[]): number[] {
  if (!fields.includes(ELSEWHERE)) return [...fields];
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== ZIP64_EXTRA) continue;
    const values = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    let next = 0;
    return fields.map((field) => {
      if (field !== ELSEWHERE) return field;
      if (next + 8 > values.length) throw damagedArchive(path, "its list of files is broken");
      next += 8;
      return wide(values, next - 8);
    });
  }
  return [...fields];
}

function wide(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

function escapes(name: string): boolean {
  return name === "" || /^\/|\\|\0|^[A-Za-z]:/.test(name) || name.split("/").includes("..");
}

/** `length` bytes of the archive at `offset`, or all from there on. */
export async function readAt(path: string, file: ZipSource, offset: number, length: number | undefined): Promise<Buffer> {
  const bytes = Buffer.alloc(length ?? (await file.stat()).size - offset);
  await fill(path, file, offset, bytes);
  return bytes;
}

/** Reads as many bytes of the archive as there is room for. Rejects when it is cut off. */
export async function fill(path: string, file: ZipSource, offset: number, bytes: Buffer): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0) throw damagedArchive(path, "it is cut off");
    done += bytesRead;
  }
}

export function damagedArchive(path: string, why: string, cause?: unknown): ServingError {
  return new ServingError("data-loss", `the archive "${basename(path)}" is damaged: ${why}`, { cause });
}
