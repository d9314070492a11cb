import { HUFFMAN_EMITS, HUFFMAN_FAILS, HUFFMAN_MAY_END, HUFFMAN_STEPS } from "./huffman-table.ts";

/** Most bytes that `size` Huffman-coded bytes can stand for (the shortest code has five bits). */
export function huffmanBound(size: number): number {
  return Math.floor((size * 8) / 5);
}

/**
 * Decodes `bytes[start, end)` into `out`, which holds {@link huffmanBound} bytes at least; returns the decoded length, or -1
 * when the string holds EOS or is padded wrongly (RFC 7541 section 5.2).
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let entry = HUFFMAN_MAY_END;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    entry = HUFFMAN_STEPS[((entry & 0xff) << 4) | (byte >>> 4)]!;
    if (entry >= HUFFMAN_FAILS) return -1;
    if ((entry & HUFFMAN_EMITS) !== 0) out[length++] = entry >>> 8;
    entry = HUFFMAN_STEPS[((entry & 0xff) << 4) | (byte & 15)]!;
    if (entry >= HUFFMAN_FAILS) return -1;
    if ((entry & HUFFMAN_EMITS) !== 0) out[length++] = entry >>> 8;
  }
  return (entry & HUFFMAN_MAY_END) === 0 ? -1 : length;
}
