import { damagedPacking } from "./decoder.ts";
import type { UnpackedBytes } from "./unpacked-bytes.ts";

const STATES = 12;
const MOST_POSITIONS = 16;

/** Where each group of probabilities begins. */
const IS_MATCH = 0;
const IS_REP = IS_MATCH + STATES * MOST_POSITIONS;
const IS_REP0 = IS_REP + STATES;
const IS_REP1 = IS_REP0 + STATES;
const IS_REP2 = IS_REP1 + STATES;
const IS_REP0_LONG = IS_REP2 + STATES;
const SLOTS = IS_REP0_LONG + STATES * MOST_POSITIONS;
const SPECIAL = SLOTS + 4 * 64;
const ALIGN = SPECIAL + 128;
const MATCH_LENGTH = ALIGN + 16;
/** Of a coder of lengths: two choices, then the trees of short, middle and long ones. */
const LENGTH_LOW = 2;
const LENGTH_MIDDLE = LENGTH_LOW + MOST_POSITIONS * 8;
const LENGTH_HIGH = LENGTH_MIDDLE + MOST_POSITIONS * 8;
const LENGTH_SIZE = LENGTH_HIGH + 256;
const REP_LENGTH = MATCH_LENGTH + LENGTH_SIZE;
const LITERALS = REP_LENGTH + LENGTH_SIZE;

/** How literals and positions are taken into account. */
export interface LzmaProperties {
  readonly literalContext: number;
  readonly literalPosition: number;
  readonly position: number;
}

/** Properties in one byte; undefined for a byte that has none. */
export function lzmaProperties(byte: number): LzmaProperties | undefined {
  if (byte >= 9 * 5 * 5) return undefined;
  return { literalContext: byte % 9, literalPosition: Math.floor(byte / 9) % 5, position: Math.floor(byte / 45) };
}

/** Decodes LZMA: what LZMA2 and files of LZMA alone are made of. What was written before is the dictionary. */
export class LzmaDecoder {
  readonly #packing: string;
  readonly #input: Uint8Array;
  readonly #output: UnpackedBytes;
  /** The range and the code within it. */
  readonly #coder = new Uint32Array(2);
  #position = 0;
  #end = 0;
  #probabilities = new Uint16Array(LITERALS);
  #literalContext = 0;
  #literalPositions = 0;
  #positions = 0;
  #state = 0;
  readonly #distances = new Uint32Array(4);
  /** Where the dictionary begins, and its size. */
  #dictionaryStart = 0;
  readonly #dictionaryBytes: number;

  /** @param packing what errors call it */
  constructor(packing: string, input: Uint8Array, output: UnpackedBytes, dictionaryBytes: number) {
    this.#packing = packing;
    this.#input = input;
    this.#output = output;
    this.#dictionaryBytes = dictionaryBytes;
    this.resetDictionary();
  }

  /** Forgets what was written before. */
  resetDictionary(): void {
    this.#dictionaryStart = this.#output.length;
  }

  setProperties({ literalContext, literalPosition, position }: LzmaProperties): void {
    this.#literalContext = literalContext;
    this.#literalPositions = (1 << literalPosition) - 1;
    this.#positions = (1 << position) - 1;
    const size = LITERALS + (0x300 << (literalContext + literalPosition));
    if (this.#probabilities.length !== size) this.#probabilities = new Uint16Array(size);
  }

  /** As at the beginning, with the dictionary and the properties that there are. */
  resetState(): void {
    this.#probabilities.fill(1024);
    this.#state = 0;
    this.#distances.fill(0);
  }

  /** Begins with a part of the input. */
  begin(start: number, end: number): void {
    this.#position = start + 5;
    this.#end = end;
    if (this.#position > end || this.#input[start] !== 0) throw this.#damaged("a part has no beginning");
    this.#coder[0] = 0xffffffff;
    this.#coder[1] = 0;
    for (let i = start + 1; i < start + 5; i++) this.#coder[1] = (this.#coder[1] << 8) | this.#input[i];
  }

  /** Whether more of the input was read than there is. */
  get hasBrokenOff(): boolean {
    return this.#position > this.#end;
  }

  /** Where the input was read up to. @throws ServingError data-loss when that is no place where it can end */
  finish(): number {
    this.#normalize();
    if (this.#position > this.#end || this.#coder[1] !== 0) throw this.#damaged("a part does not end where it should");
    return this.#position;
  }

  /**
   * Decodes until the output has `target` bytes, or up to 272 more. Returns true when the data says that it ends here.
   * The output must have room for `target` bytes.
   */
  decode(target: number): boolean {
    const [output, distances] = [this.#output, this.#distances];
    const { data } = output;
    while (output.length < target) {
      if (this.hasBrokenOff) throw this.#damaged("it breaks off");
      const at = output.length - this.#dictionaryStart;
      const position = at & this.#positions;
      const state = this.#state;
      if (this.#bit(IS_MATCH + state * MOST_POSITIONS + position) === 0) {
        this.#literal(at, data);
        continue;
      }
      let length: number;
      if (this.#bit(IS_REP + state) === 0) {
        length = this.#length(MATCH_LENGTH, position);
        this.#state = state < 7 ? 7 : 10;
        distances.copyWithin(1, 0, 3);
        distances[0] = this.#distance(length);
        if (distances[0] === 0xffffffff) return true;
      } else {
        if (at === 0) throw this.#damaged("it repeats what is not there");
        if (this.#bit(IS_REP0 + state) === 0) {
          if (this.#bit(IS_REP0_LONG + state * MOST_POSITIONS + position) === 0) {
            this.#state = state < 7 ? 9 : 11;
            this.#copy(1);
            continue;
          }
        } else this.#recall(state);
        length = this.#length(REP_LENGTH, position);
        this.#state = state < 7 ? 8 : 11;
      }
      this.#copy(length + 2);
    }
    return false;
  }

  /** Brings the second, third or fourth last distance to the front. */
  #recall(state: number): void {
    const distances = this.#distances;
    const place = this.#bit(IS_REP1 + state) === 0 ? 1 : this.#bit(IS_REP2 + state) === 0 ? 2 : 3;
    const distance = distances[place];
    distances.copyWithin(1, 0, place);
    distances[0] = distance;
  }

  #literal(at: number, data: Uint8Array): void {
    const output = this.#output;
    const before = at === 0 ? 0 : data[output.length - 1];
    const context = ((at & this.#literalPositions) << this.#literalContext) + (before >>> (8 - this.#literalContext));
    const base = LITERALS + context * 0x300;
    let symbol = 1;
    if (this.#state >= 7) {
      this.#checkDistance();
      let matched = data[output.length - this.#distances[0] - 1];
      let offset = 0x100;
      while (symbol < 0x100 && offset !== 0) {
        matched <<= 1;
        const wanted = matched & offset;
        const bit = this.#bit(base + offset + wanted + symbol);
        symbol = (symbol << 1) | bit;
        offset = bit === 0 ? offset & ~matched : offset & matched;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    data[output.length++] = symbol;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #length(base: number, position: number): number {
    if (this.#bit(base) === 0) return this.#tree(base + LENGTH_LOW + position * 8, 3);
    if (this.#bit(base + 1) === 0) return 8 + this.#tree(base + LENGTH_MIDDLE + position * 8, 3);
    return 16 + this.#tree(base + LENGTH_HIGH, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(SLOTS + Math.min(length, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >>> 1) - 1;
    const distance = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) return distance + this.#reverseTree(SPECIAL + distance - slot, bits);
    return (distance + this.#direct(bits - 4) * 16 + this.#reverseTree(ALIGN, 4)) >>> 0;
  }

  #checkDistance(): void {
    const distance = this.#distances[0];
    if (distance >= this.#output.length - this.#dictionaryStart || distance >= this.#dictionaryBytes) {
      throw this.#damaged("it repeats what is not there");
    }
  }

  #copy(length: number): void {
    this.#checkDistance();
    const { data, length: start } = this.#output;
    const from = start - this.#distances[0] - 1;
    for (let i = 0; i < length; i++) data[start + i] = data[from + i];
    this.#output.length = start + length;
  }

  #normalize(): void {
    const coder = this.#coder;
    if (coder[0] < 0x1000000) {
      coder[0] <<= 8;
      // Bytes behind the end are zeros here; that there are none is found out afterwards.
      coder[1] = (coder[1] << 8) | this.#input[this.#position++];
    }
  }

  #bit(at: number): number {
    this.#normalize();
    const [coder, probabilities] = [this.#coder, this.#probabilities];
    const probability = probabilities[at];
    const bound = (coder[0] >>> 11) * probability;
    if (coder[1] < bound) {
      coder[0] = bound;
      probabilities[at] = probability + ((2048 - probability) >>> 5);
      return 0;
    }
    coder[0] -= bound;
    coder[1] -= bound;
    probabilities[at] = probability - (probability >>> 5);
    return 1;
  }

  #tree(base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.#bit(base + symbol);
    return symbol - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let [symbol, value] = [1, 0];
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #direct(bits: number): number {
    const coder = this.#coder;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.#normalize();
      coder[0] >>>= 1;
      const bit = coder[1] >= coder[0] ? 1 : 0;
      if (bit === 1) coder[1] -= coder[0];
      value = value * 2 + bit;
    }
    return value;
  }

  #damaged(why: string): Error {
    return damagedPacking(this.#packing, why);
  }
}
