/** Frame types (RFC 9113 section 6). */
export const FRAME_TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Frame flags (RFC 9113 section 6); `ack` shares its bit with `endStream`. */
export const FRAME_FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Bytes before every frame's payload. */
export const FRAME_HEADER_BYTES = 9;

/** Largest payload a peer must accept, and the largest we announce (RFC 9113 section 4.2). */
export const DEFAULT_MAX_FRAME_SIZE = 16_384;

/** What a client sends first (RFC 9113 section 3.4). */
export const CLIENT_PREFACE: Uint8Array = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Writes a frame header at `at` and returns where the payload goes. */
export function writeFrameHeader(
  out: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  return writeUint32(out, at + 5, streamId);
}

/** Writes a big-endian 32-bit number and returns the position behind it. */
export function writeUint32(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}

/** Reads a big-endian 32-bit number, unsigned. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Payload of GOAWAY: the last stream that will be answered, an error code, and a reason in ASCII. */
export function goAwayPayload(lastStreamId: number, code: number, reason: string): Buffer {
  const payload = Buffer.alloc(8 + reason.length);
  payload.write(reason, writeUint32(payload, writeUint32(payload, 0, lastStreamId), code), "latin1");
  return payload;
}
