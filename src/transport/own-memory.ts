/** Smaller pieces are copied faster than anybody needs to know whose they are. */
const WORTH_MOVING_BYTES = 256 * 1024;

const owned = new WeakSet<ArrayBufferLike>();

/** Notes that nothing else looks into the memory of these bytes, so that whoever is given them may move them to another thread. */
export function noteOwnMemory(bytes: Uint8Array): void {
  if (bytes.length >= WORTH_MOVING_BYTES) owned.add(bytes.buffer);
}

/** Whether the memory of these bytes was noted as theirs alone. */
export function hasOwnMemory(bytes: Uint8Array): boolean {
  return bytes.length >= WORTH_MOVING_BYTES && owned.has(bytes.buffer);
}
