import { murmur3, withWord } from "../text/murmur3.ts";

const SEED = 42;

/** A hash of a text as whole number with a sign. */
export type TextHash = (text: string) => number;

/**
 * The column, of `width`, of a text: by MurmurHash3 of its UTF-8 with Spark's seed. Spark 2 mixed in the last bytes one by one, each with
 * its sign, as only it does.
 */
export function columnHash(version: "spark-2" | "spark-3", width: number): TextHash {
  const tail = version === "spark-2" ? tailOfSpark2 : undefined;
  return (text) => {
    const hash = murmur3(Buffer.from(text, "utf8"), SEED, tail);
    return ((hash % width) + width) % width;
  };
}

function tailOfSpark2(hash: number, bytes: Buffer, end: number): number {
  let changed = hash;
  for (let at = end; at < bytes.length; at++) changed = withWord(changed, (bytes[at] << 24) >> 24);
  return changed;
}
