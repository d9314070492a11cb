import { type BinTrees, type CategoryStatistic, hashSlot } from "../../../model/tabular/catboost-operations.ts";

/** CatBoost's own: a hash goes on to `(hash + value * it) * it`, modulo 2^64. */
const FACTOR_LOW = 0x4954cb65;
const FACTOR_HIGH = 0x4906ba49;
const FACTOR_LOW_16 = FACTOR_LOW & 0xffff;
const FACTOR_HIGH_16 = FACTOR_LOW >>> 16;

/** What a model is asked: rows of numbers, and rows of hashes of categories. */
export interface BinnedRows {
  readonly numbers: ArrayLike<number>;
  readonly numberColumns: number;
  readonly hashes: ArrayLike<number>;
  readonly hashColumns: number;
}

/** Makes bins of some rows: those of a column lie side by side, `stride` bytes from those of the next column. */
export class RowBins {
  readonly bins: Uint8Array;
  readonly #model: BinTrees;
  /** Bytes from a column to the next. */
  readonly stride: number;
  readonly #low: Int32Array;
  readonly #high: Int32Array;

  /** @param stride the most rows there are */
  constructor(model: BinTrees, stride: number) {
    this.#model = model;
    this.stride = stride;
    this.bins = new Uint8Array(model.bins * stride);
    this.#low = new Int32Array(stride);
    this.#high = new Int32Array(stride);
  }

  /** Makes the bins of `count` rows from `start` on. */
  fill(rows: BinnedRows, start: number, count: number): void {
    this.#fillNumbers(rows, start, count);
    this.#fillCategories(rows, start, count);
    for (const statistic of this.#model.statistics) this.#fillStatistic(statistic, rows, start, count);
  }

  #fillNumbers({ numbers, numberColumns }: BinnedRows, start: number, count: number): void {
    const { columns, starts, lengths, nanIsMost, borders } = this.#model.numbers;
    const { bins } = this;
    for (let bin = 0; bin < columns.length; bin++) {
      const first = starts[bin]!;
      const most = lengths[bin]!;
      const column = columns[bin]!;
      const missing = nanIsMost[bin] === 1 ? most : 0;
      const at = bin * this.stride;
      for (let row = 0; row < count; row++) {
        const value = numbers[(start + row) * numberColumns + column]!;
        // Which half a border is in is reckoned and not asked: a branch is guessed wrong every other time, and takes twice as long.
        let from = first;
        for (let left = most; left > 1; ) {
          const half = left >> 1;
          from += -Number(value > borders[from + half - 1]!) & half;
          left -= half;
        }
        const below = from - first + Number(value > borders[from]!);
        bins[at + row] = Number.isNaN(value) ? missing : below;
      }
    }
  }

  #fillCategories({ hashes, hashColumns }: BinnedRows, start: number, count: number): void {
    const { columns, starts, lengths, values } = this.#model.categories;
    const first = this.#model.numbers.columns.length;
    for (let bin = 0; bin < columns.length; bin++) {
      const column = columns[bin]!;
      const from = starts[bin]!;
      const length = lengths[bin]!;
      const at = (first + bin) * this.stride;
      for (let row = 0; row < count; row++) {
        const hash = hashes[(start + row) * hashColumns + column]!;
        let place = 0;
        while (place < length && values[from + place] !== hash) place++;
        this.bins[at + row] = place < length ? place + 1 : 0;
      }
    }
  }

  #fillStatistic(statistic: CategoryStatistic, rows: BinnedRows, start: number, count: number): void {
    const { table, firstBin, bins: width, values } = statistic;
    this.#hash(statistic, rows, start, count);
    const mask = table.places.length - 1;
    for (let row = 0; row < count; row++) {
      const low = this.#low[row]!;
      const high = this.#high[row]!;
      let slot = hashSlot(low, high, mask + 1);
      let place = table.places[slot]!;
      while (place >= 0 && (table.low[slot] !== low || table.high[slot] !== high)) {
        slot = (slot + 1) & mask;
        place = table.places[slot]!;
      }
      const from = (place < 0 ? table.count : place) * width;
      for (let bin = 0; bin < width; bin++) this.bins[(firstBin + bin) * this.stride + row] = values[from + bin]!;
    }
  }

  #hash({ columns, splits }: CategoryStatistic, { hashes, hashColumns }: BinnedRows, start: number, count: number): void {
    const { columns: ofSplit, leasts, flips } = this.#model.splits;
    this.#low.fill(0, 0, count);
    this.#high.fill(0, 0, count);
    for (const column of columns) {
      for (let row = 0; row < count; row++) {
        const hash = hashes[(start + row) * hashColumns + column]!;
        this.#mix(row, hash, hash >> 31);
      }
    }
    for (const split of splits) {
      const at = ofSplit[split]! * this.stride;
      for (let row = 0; row < count; row++) {
        this.#mix(row, (this.bins[at + row]! ^ flips[split]!) >= leasts[split]! ? 1 : 0, 0);
      }
    }
  }

  /** Puts a 64-bit value, in halves, into the hash of a row. */
  #mix(row: number, low: number, high: number): void {
    const ownLow = this.#low[row]!;
    const productLow = Math.imul(low, FACTOR_LOW);
    const sumLow = (ownLow + productLow) | 0;
    const carry = sumLow >>> 0 < ownLow >>> 0 ? 1 : 0;
    const sumHigh = (this.#high[row]! + productHigh(low, high) + carry) | 0;
    this.#low[row] = Math.imul(sumLow, FACTOR_LOW);
    this.#high[row] = productHigh(sumLow, sumHigh);
  }
}

/** The high half of a 64-bit value times the factor, modulo 2^64. */
function productHigh(low: number, high: number): number {
  const low16 = low & 0xffff;
  const high16 = low >>> 16;
  const lowest = low16 * FACTOR_LOW_16;
  const one = high16 * FACTOR_LOW_16 + (lowest >>> 16);
  const other = low16 * FACTOR_HIGH_16 + (one & 0xffff);
  const carried = high16 * FACTOR_HIGH_16 + (one >>> 16) + (other >>> 16);
  return (carried + Math.imul(low, FACTOR_HIGH) + Math.imul(high, FACTOR_LOW)) | 0;
}
