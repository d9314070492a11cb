const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** MurmurHash3 of 32 bits of some bytes, with seed 0, as a whole number with a sign. */
export function murmur3(bytes: Buffer): number {
  const { length } = bytes;
  const end = length & ~3;
  let hash = 0;
  for (let at = 0; at < end; at += 4) {
    hash ^= mixed(bytes.readInt32LE(at));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = length - 1; at >= end; at--) rest = (rest << 8) | bytes[at];
  if (length > end) hash ^= mixed(rest);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function mixed(word: number): number {
  const turned = Math.imul(word, C1);
  return Math.imul((turned << 15) | (turned >>> 17), C2);
}
