const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** Mixes the bytes behind the last whole word, those from `end` on, into a hash. */
export type MurmurTail = (hash: number, bytes: Buffer, end: number) => number;

/** MurmurHash3 of 32 bits of some bytes, as a whole number with a sign. @param tail by default the algorithm's own */
export function murmur3(bytes: Buffer, seed = 0, tail: MurmurTail = wholeTail): number {
  const { length } = bytes;
  const end = length & ~3;
  let hash = seed;
  for (let at = 0; at < end; at += 4) hash = withWord(hash, bytes.readInt32LE(at));
  hash = tail(hash, bytes, end) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** A hash with one more word in it. */
export function withWord(hash: number, word: number): number {
  const changed = hash ^ mixed(word);
  return (Math.imul((changed << 13) | (changed >>> 19), 5) + 0xe6546b64) | 0;
}

function wholeTail(hash: number, bytes: Buffer, end: number): number {
  let rest = 0;
  for (let at = bytes.length - 1; at >= end; at--) rest = (rest << 8) | bytes[at];
  return hash ^ mixed(rest);
}

function mixed(word: number): number {
  const turned = Math.imul(word, C1);
  return Math.imul((turned << 15) | (turned >>> 17), C2);
}
