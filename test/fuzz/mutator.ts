import type { Random } from "./random.ts";

const BYTES = [0, 1, 9, 10, 13, 32, 34, 44, 45, 48, 58, 92, 0x7e, 0x7f, 0x80, 0x81, 0xc0, 0xfe, 0xff];

/** Numbers at which something often turns over: bytes, lengths, 32 and 64 bits, what a double holds. */
const INTEGERS = [
  0n,
  1n,
  2n,
  5n,
  9n,
  16n,
  100n,
  127n,
  128n,
  255n,
  256n,
  16_383n,
  16_384n,
  16_385n,
  65_535n,
  65_536n,
  2n ** 21n,
  2n ** 24n - 1n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

const NUMBER_TEXTS = [
  ...INTEGERS.map(String),
  ...INTEGERS.map((value) => value.toString(16)),
  "-1",
  "-0",
  "00",
  "+1",
  "1.5",
  "0.1",
  "1e5",
  "1e-5",
  "1E+308",
  "1e309",
  "5e-324",
  "2.2250738585072014e-308",
  "-9223372036854775809",
  "18446744073709551616",
  "99999999999999999999999",
  "0.30000001192092896",
  "9007199254740993",
];

const LONGEST_RUN = 64;

/** Makes inputs that are almost right out of ones that were. */
export class Mutator {
  readonly #random: Random;
  readonly #dictionary: readonly Buffer[];
  readonly #longest: number;
  readonly #changes: readonly ((bytes: Buffer, other: Buffer) => Buffer)[];

  /** `dictionary`: pieces that mean something to the parser; `longest`: bytes of the longest input made. */
  constructor(random: Random, dictionary: readonly (string | Uint8Array)[], longest: number) {
    this.#random = random;
    this.#dictionary = dictionary.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "latin1") : Buffer.from(piece)));
    this.#longest = longest;
    this.#changes = [
      (bytes) => this.#flip(bytes),
      (bytes) => this.#set(bytes),
      (bytes) => this.#delete(bytes),
      (bytes) => this.#repeat(bytes),
      (bytes) => bytes.subarray(0, random.below(bytes.length)),
      (bytes) => this.#integer(bytes),
      (bytes) => this.#integer(bytes),
      (bytes) => this.#numberText(bytes),
      (bytes, other) => this.#splice(bytes, other),
      (bytes, other) => this.#insert(bytes, this.#block(other)),
      (bytes) => this.#insert(bytes, this.#word()),
      (bytes) => this.#overwrite(bytes, this.#word()),
      (bytes) => this.#move(bytes),
    ];
  }

  /** A changed copy of `bytes`, which may take parts of `other`. */
  mutate(bytes: Buffer, other: Buffer): Buffer {
    const random = this.#random;
    let result: Buffer = Buffer.from(bytes);
    do result = random.pick(this.#changes)(result, other);
    while (random.below(2) > 0);
    // A copy, so that a parser reads inputs at the same place in their memory each time.
    return Buffer.from(result.subarray(0, this.#longest));
  }

  #flip(bytes: Buffer): Buffer {
    if (bytes.length > 0) bytes[this.#random.below(bytes.length)]! ^= 1 << this.#random.below(8);
    return bytes;
  }

  #set(bytes: Buffer): Buffer {
    const random = this.#random;
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(2) === 0 ? random.pick(BYTES) : random.below(256);
    return bytes;
  }

  #delete(bytes: Buffer): Buffer {
    const at = this.#random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + this.#size(bytes.length - at))]);
  }

  #repeat(bytes: Buffer): Buffer {
    const block = this.#block(bytes);
    const times = this.#random.below(8) === 0 ? this.#random.below(LONGEST_RUN) : 1;
    const room = Math.floor(this.#longest / Math.max(1, block.length));
    return this.#insert(bytes, Buffer.concat(Array<Buffer>(Math.min(times, room)).fill(block)));
  }

  #splice(bytes: Buffer, other: Buffer): Buffer {
    const random = this.#random;
    return Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))]);
  }

  #move(bytes: Buffer): Buffer {
    const block = this.#block(bytes);
    return this.#insert(this.#delete(bytes), block);
  }

  /** A length, an index or a number at a limit, in one of the ways that formats write them. */
  #integer(bytes: Buffer): Buffer {
    const random = this.#random;
    const value = random.below(4) === 0 ? BigInt(random.below(bytes.length + 16)) : random.pick(INTEGERS);
    const kind = random.below(7);
    if (kind < 3) return kind === 0 ? this.#insert(bytes, varint(value)) : this.#overwrite(bytes, varint(value));
    const size = [2, 3, 4, 8][kind - 3]!;
    const written = Buffer.alloc(8);
    written.writeBigUInt64BE(value);
    const big = written.subarray(8 - size);
    return this.#overwrite(bytes, random.below(2) === 0 ? big : Buffer.from(big).reverse());
  }

  /** Puts another number in the place of one that is written in digits. */
  #numberText(bytes: Buffer): Buffer {
    const text = Buffer.from(this.#random.pick(NUMBER_TEXTS), "latin1");
    let start = this.#random.below(bytes.length);
    while (start < bytes.length && !isDigit(bytes[start]!)) start++;
    if (start >= bytes.length) return this.#insert(bytes, text);
    let end = start;
    while (end < bytes.length && isDigit(bytes[end]!)) end++;
    return Buffer.concat([bytes.subarray(0, start), text, bytes.subarray(end)]);
  }

  #insert(bytes: Buffer, piece: Buffer): Buffer {
    const at = this.#random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  }

  #overwrite(bytes: Buffer, piece: Buffer): Buffer {
    piece.copy(bytes, this.#random.below(bytes.length));
    return bytes;
  }

  #word(): Buffer {
    const random = this.#random;
    if (this.#dictionary.length > 0 && random.below(4) > 0) return random.pick(this.#dictionary);
    return Buffer.from(Array.from({ length: 1 + random.below(4) }, () => random.below(256)));
  }

  #block(bytes: Buffer): Buffer {
    const at = this.#random.below(bytes.length);
    return Buffer.from(bytes.subarray(at, at + this.#size(bytes.length - at)));
  }

  /** Mostly short, now and then anything. */
  #size(most: number): number {
    const random = this.#random;
    return Math.min(most, 1 + random.below(random.below(3) === 0 ? most : 12));
  }
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return Buffer.from([...bytes, Number(value)]);
}
