import { malformed } from "./malformed.ts";

/** Names (of inputs, models, signatures) come again with every request: each slot keeps the last one that hashed to it. */
const SLOTS = 512;
const LONGEST = 64;
const names: string[] = Array.from({ length: SLOTS }, () => "");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The UTF-8 string in `bytes[start, end)`. Short ASCII strings seen before are given back as the same string object,
 * with no allocation.
 * @throws ServingError invalid-argument when the bytes are not UTF-8.
 */
export function readName(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return "";
  if (length > LONGEST) return decode(bytes, start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const known = names[slot];
  // A character of `known` is ASCII or it equals no byte: what is kept is checked to be ASCII.
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  const name = decode(bytes, start, end);
  if (isAscii(bytes, start, end)) names[slot] = name;
  return name;
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    throw malformed("a string is not UTF-8");
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] > 0x7f) return false;
  return true;
}
