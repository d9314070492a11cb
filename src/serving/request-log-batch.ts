/** Records gathered by a serving thread before they are sent; one that is longer is sent by itself. */
export const BATCH_BYTES = 64 * 1024;

/** Before each record: its stream's number and its length, both as little endian uint32. */
export const RECORD_HEADER_BYTES = 8;

/** Writes what comes before a record. */
export function writeRecordHeader(batch: Uint8Array, at: number, stream: number, length: number): void {
  const view = new DataView(batch.buffer, batch.byteOffset);
  view.setUint32(at, stream, true);
  view.setUint32(at + 4, length, true);
}

/** Calls `visit` with every record of a batch; a record is a view. */
export function forEachRecord(batch: Uint8Array, visit: (stream: number, record: Uint8Array) => void): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  for (let at = 0; at < batch.length; ) {
    const start = at + RECORD_HEADER_BYTES;
    const end = start + view.getUint32(at + 4, true);
    visit(view.getUint32(at, true), batch.subarray(start, end));
    at = end;
  }
}
