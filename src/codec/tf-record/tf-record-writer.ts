import { maskedCrc32c } from "./crc32c.ts";

/** Bytes of a record before its data: the length, and the checksum of the length. */
export const TF_RECORD_HEADER_BYTES = 12;
/** Bytes of a record after its data: the data's checksum. */
export const TF_RECORD_FOOTER_BYTES = 4;

/**
 * One record of a TFRecord file: the data's length as a little endian uint64, the masked CRC-32C of those eight bytes, the data, and
 * the masked CRC-32C of the data. A file is such records one after the other.
 */
export function encodeTfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(TF_RECORD_HEADER_BYTES + data.length + TF_RECORD_FOOTER_BYTES);
  record.set(data, TF_RECORD_HEADER_BYTES);
  frameTfRecord(record, 0, data.length);
  return record;
}

/** Frames `length` bytes of data that lie in `bytes` already, {@link TF_RECORD_HEADER_BYTES} after `start`. Gives the record's end. */
export function frameTfRecord(bytes: Uint8Array, start: number, length: number): number {
  const data = start + TF_RECORD_HEADER_BYTES;
  writeUint32(bytes, start, length >>> 0);
  writeUint32(bytes, start + 4, Math.floor(length / 0x1_0000_0000));
  writeUint32(bytes, start + 8, maskedCrc32c(bytes, start, start + 8));
  writeUint32(bytes, data + length, maskedCrc32c(bytes, data, data + length));
  return data + length + TF_RECORD_FOOTER_BYTES;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
