/** Bytes that a block unpacks to at most. */
const BLOCK_BYTES = 1 << 17;
const MAGIC = 0xfd2fb528;
const SKIPPED = 0x184d2a5;

/**
 * The most bytes that frames of Zstandard can unpack to, by what their headers say; at least what they do unpack to. Undefined for what
 * are no frames, or when a frame says that it is larger than its blocks can be.
 */
export function longestOfZstandard(input: Uint8Array): number | undefined {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let longest = 0;
  let at = 0;
  try {
    while (at < input.length) {
      const magic = view.getUint32(at, true);
      if (magic >>> 4 === SKIPPED) {
        at += 8 + view.getUint32(at + 4, true);
        continue;
      }
      if (magic !== MAGIC) return undefined;
      const about = view.getUint8(at + 4);
      const isSingle = (about & 32) !== 0;
      const lengthBytes = about >>> 6 === 0 ? (isSingle ? 1 : 0) : 1 << (about >>> 6);
      at += 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][about & 3];
      let said = 0;
      for (let i = 0; i < lengthBytes; i++) said += view.getUint8(at + i) * 256 ** i;
      at += lengthBytes;
      let made = 0;
      for (let isLast = false; !isLast; ) {
        const head = view.getUint8(at) + view.getUint8(at + 1) * 256 + view.getUint8(at + 2) * 65536;
        const kind = (head >>> 1) & 3;
        const size = head >>> 3;
        if (kind === 3 || size > BLOCK_BYTES) return undefined;
        isLast = (head & 1) === 1;
        made += kind === 2 ? BLOCK_BYTES : size;
        at += 3 + (kind === 1 ? 1 : size);
      }
      if (said > made) return undefined;
      longest += made;
      if ((about & 4) !== 0) at += 4;
    }
  } catch (reason) {
    if (reason instanceof RangeError) return undefined;
    throw reason;
  }
  return at === input.length ? longest : undefined;
}
