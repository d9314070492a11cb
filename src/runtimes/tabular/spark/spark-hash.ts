const SEED = 42;
const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** A hash of a text as whole number with a sign. */
export type TextHash = (text: string) => number;

/**
 * The column, of `width`, of a text: by MurmurHash3 of its UTF-8 with Spark's seed. Spark 2 mixed in the last bytes one by one, each with
 * its sign, as only it does.
 */
export function columnHash(version: "spark-2" | "spark-3", width: number): TextHash {
  const tail = version === "spark-2" ? tailOfSpark2 : tailOfMurmur3;
  return (text) => {
    const bytes = Buffer.from(text, "utf8");
    const { length } = bytes;
    const end = length & ~3;
    let hash = SEED;
    for (let at = 0; at < end; at += 4) hash = withWord(hash, bytes.readInt32LE(at));
    hash = tail(hash, bytes, end) ^ length;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    return ((hash % width) + width) % width;
  };
}

function tailOfMurmur3(hash: number, bytes: Buffer, end: number): number {
  let rest = 0;
  for (let at = bytes.length - 1; at >= end; at--) rest = (rest << 8) | bytes[at];
  return hash ^ mixed(rest);
}

function tailOfSpark2(hash: number, bytes: Buffer, end: number): number {
  for (let at = end; at < bytes.length; at++) hash = withWord(hash, (bytes[at] << 24) >> 24);
  return hash;
}

function withWord(hash: number, word: number): number {
  const changed = hash ^ mixed(word);
  return (Math.imul((changed << 13) | (changed >>> 19), 5) + 0xe6546b64) | 0;
}

function mixed(word: number): number {
  const turned = Math.imul(word, C1);
  return Math.imul((turned << 15) | (turned >>> 17), C2);
}
