import { ServingError } from "../../../base/serving-error.ts";
import type { Matrix, Texts } from "../matrix.ts";

const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;
const K3 = 0xc949d7c7509e6557n;
const K_MUL = 0x9ddfea08eb382d69n;

/** Texts whose hashes are remembered by one model, and how long they may be: hashing takes some 3 us, and categories come again. */
const MOST_TEXTS = 1 << 16;
const LONGEST_TEXT = 256;

/**
 * Makes hashes of texts, as {@link textHash} does.
 * @param what names of columns, for errors
 */
export function textHashes(what: readonly string[]): (texts: Texts) => Matrix {
  const known = new Map<string, number>();
  return ({ rows, width, texts }) => {
    const hashes = new Int32Array(rows * width);
    for (let i = 0; i < hashes.length; i++) {
      const text = texts[i];
      if (text === null || text === undefined) throw missing(what[i % width] ?? `${i % width}`);
      let hash = known.get(text);
      if (hash === undefined) {
        hash = textHash(text);
        if (known.size === MOST_TEXTS) known.clear();
        if (text.length <= LONGEST_TEXT) known.set(text, hash);
      }
      hashes[i] = hash;
    }
    return { rows, width, data: hashes };
  };
}

function missing(name: string): ServingError {
  return new ServingError(
    "invalid-argument",
    `column "${name.slice(0, 100)}" has a missing value, which the model does not take: send the text that stood for it in training`,
  );
}

/** The low half, as an int32, of CityHash64 in its first version, of a text's UTF-8: what CatBoost knows categories by. */
export function textHash(text: string): number {
  return Number(BigInt.asIntN(32, cityHash(Buffer.from(text, "utf8"))));
}

/** CityHash64 in its first version. */
export function cityHash(bytes: Buffer): bigint {
  const { length } = bytes;
  if (length <= 16) return hashTo16(bytes, length);
  if (length <= 32) return hashTo32(bytes, length);
  return length <= 64 ? hashTo64(bytes, length) : hashLong(bytes, length);
}

function hashTo16(bytes: Buffer, length: number): bigint {
  if (length > 8) {
    const a = word(bytes, 0);
    const b = word(bytes, length - 8);
    return hashPair(a, rotated(u64(b + BigInt(length)), length)) ^ b;
  }
  if (length >= 4) {
    const a = BigInt(bytes.readUInt32LE(0));
    return hashPair(u64(BigInt(length) + (a << 3n)), BigInt(bytes.readUInt32LE(length - 4)));
  }
  if (length === 0) return K2;
  const y = BigInt(bytes[0] + (bytes[length >> 1] << 8));
  const z = BigInt(length + (bytes[length - 1] << 2));
  return u64(mixed(u64(y * K2) ^ u64(z * K3)) * K2);
}

function hashTo32(bytes: Buffer, length: number): bigint {
  const a = u64(word(bytes, 0) * K1);
  const b = word(bytes, 8);
  const c = u64(word(bytes, length - 8) * K2);
  const d = u64(word(bytes, length - 16) * K0);
  return hashPair(u64(rotated(u64(a - b), 43) + rotated(c, 30) + d), u64(a + rotated(b ^ K3, 20) - c + BigInt(length)));
}

function hashTo64(bytes: Buffer, length: number): bigint {
  const first = u64(word(bytes, 0) + u64(BigInt(length) + word(bytes, length - 16)) * K0);
  const [vf, vs] = hashHalf(first, word(bytes, 24), word(bytes, 8), word(bytes, 16));
  const second = u64(word(bytes, 16) + word(bytes, length - 32));
  const [wf, ws] = hashHalf(second, word(bytes, length - 8), word(bytes, length - 24), word(bytes, length - 16));
  const r = mixed(u64(u64(vf + ws) * K2 + u64(wf + vs) * K0));
  return u64(mixed(u64(r * K0 + vs)) * K2);
}

function hashHalf(start: bigint, z: bigint, second: bigint, third: bigint): readonly [bigint, bigint] {
  const b = rotated(u64(start + z), 52);
  let c = rotated(start, 37);
  let a = u64(start + second);
  c = u64(c + rotated(a, 7));
  a = u64(a + third);
  return [u64(a + z), u64(b + rotated(a, 31) + c)];
}

function hashLong(bytes: Buffer, length: number): bigint {
  let x = word(bytes, 0);
  let y = word(bytes, length - 16) ^ K1;
  let z = word(bytes, length - 56) ^ K0;
  let [v1, v2] = hashFour(bytes, length - 64, BigInt(length), y);
  let [w1, w2] = hashFour(bytes, length - 32, u64(BigInt(length) * K1), K0);
  z = u64(z + mixed(v2) * K1);
  x = u64(rotated(u64(z + x), 39) * K1);
  y = u64(rotated(y, 33) * K1);
  const end = Math.floor((length - 1) / 64) * 64;
  for (let at = 0; at < end; at += 64) {
    x = u64(rotated(u64(x + y + v1 + word(bytes, at + 16)), 37) * K1);
    y = u64(rotated(u64(y + v2 + word(bytes, at + 48)), 42) * K1);
    x ^= w2;
    y ^= v1;
    z = rotated(z ^ w1, 33);
    [v1, v2] = hashFour(bytes, at, u64(v2 * K1), u64(x + w1));
    [w1, w2] = hashFour(bytes, at + 32, u64(z + w2), y);
    [x, z] = [z, x];
  }
  return hashPair(u64(hashPair(v1, w1) + mixed(y) * K1 + z), u64(hashPair(v2, w2) + x));
}

/** Two hashes of the 32 bytes from `at` on. */
function hashFour(bytes: Buffer, at: number, seed: bigint, other: bigint): [bigint, bigint] {
  const last = word(bytes, at + 24);
  const begin = u64(seed + word(bytes, at));
  const turned = rotated(u64(other + begin + last), 21);
  const sum = u64(begin + word(bytes, at + 8) + word(bytes, at + 16));
  return [u64(sum + last), u64(turned + rotated(sum, 44) + begin)];
}

function hashPair(low: bigint, high: bigint): bigint {
  let a = u64((low ^ high) * K_MUL);
  a ^= a >> 47n;
  let b = u64((high ^ a) * K_MUL);
  b ^= b >> 47n;
  return u64(b * K_MUL);
}

function mixed(value: bigint): bigint {
  return value ^ (value >> 47n);
}

function rotated(value: bigint, by: number): bigint {
  return (value >> BigInt(by)) | u64(value << BigInt(64 - by));
}

function word(bytes: Buffer, at: number): bigint {
  return bytes.readBigUInt64LE(at);
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
