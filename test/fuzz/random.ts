/** A seeded source of numbers (sfc32, Chris Doty-Humphrey's small fast counting generator): one seed, one sequence. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Seeds with a whole number or with bytes. */
  constructor(seed: number | Uint8Array) {
    this.#a = typeof seed === "number" ? seed | 0 : hashOf(seed);
    this.#b = typeof seed === "number" ? Math.floor(seed / 2 ** 32) | 0 : seed.length;
    this.#c = 0x9e3779b9 | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 random bits, unsigned. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number of at least 0 and below `bound`; 0 when the bound is below 1. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound);
  }

  /** One of the items, of which there is at least one. */
  pick<Item>(items: ArrayLike<Item>): Item {
    return items[this.below(items.length)]!;
  }
}

function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 | 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
