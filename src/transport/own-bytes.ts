import { Buffer } from "node:buffer";

/** Bytes that are a smaller part of their buffer than this are copied. */
const LEAST_PART = 1 / 4;

/**
 * The bytes, copied when they are a small part of the buffer that they keep in memory: for what is kept for longer than it
 * takes to answer. Received bytes share their buffer with those of other connections.
 */
export function ownBytes<T extends Uint8Array>(bytes: T): T | Buffer {
  const { length } = bytes;
  if (length >= bytes.buffer.byteLength * LEAST_PART) return bytes;
  const own = Buffer.allocUnsafeSlow(length);
  own.set(bytes);
  return own;
}
