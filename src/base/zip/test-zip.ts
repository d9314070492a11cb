import { crc32, deflateRawSync } from "node:zlib";

/** A file to pack. */
export interface ZipMember {
  readonly name: string;
  readonly content: string | Buffer;
  /** Packed as it is. */
  readonly stored?: boolean;
  /** Sizes and offset in 64 bits. */
  readonly zip64?: boolean;
}

const FULL = 0xffffffff;

/** Packs files into a zip archive, plainly and in memory. */
export function zip(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, stored = false, zip64 = false } of members) {
    const bytes = Buffer.from(content);
    const packed = stored ? bytes : deflateRawSync(bytes);
    const title = Buffer.from(name);
    const method = stored ? 0 : 8;
    // Local headers have an extra field here that the directory has not, as many archives do.
    const local = Buffer.alloc(30 + title.length + 4);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(title.length, 26);
    local.writeUInt16LE(4, 28);
    title.copy(local, 30);
    local.writeUInt16LE(0xcafe, 30 + title.length);
    const extra = Buffer.alloc(zip64 ? 28 : 0);
    if (zip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      for (const [index, value] of [bytes.length, packed.length, offset].entries())
        extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(crc32(bytes), 16);
    central.writeUInt32LE(zip64 ? FULL : packed.length, 20);
    central.writeUInt32LE(zip64 ? FULL : bytes.length, 24);
    central.writeUInt16LE(title.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(zip64 ? FULL : offset, 42);
    directory.push(central, title, extra);
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const wide = members.some(({ zip64 }) => zip64);
  return Buffer.concat([
    ...parts,
    list,
    ...(wide ? [end64(members.length, list.length, offset)] : []),
    end(members.length, list.length, offset, wide),
  ]);
}

function end(count: number, length: number, offset: number, wide: boolean): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(wide ? 0xffff : count, 10);
  record.writeUInt32LE(wide ? FULL : length, 12);
  record.writeUInt32LE(wide ? FULL : offset, 16);
  return record;
}

function end64(count: number, length: number, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(length), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + length), 64);
  return record;
}
