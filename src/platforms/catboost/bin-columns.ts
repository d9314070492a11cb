import type { BinSplits, CategoryBins, CategoryStatistic, NumberBins } from "../../model/tabular/catboost-operations.ts";
import { MOST_BIN } from "../../model/tabular/catboost-operations.ts";
import { sharedBytes, sharedIntegers, sharedSingles } from "../shared-arrays.ts";
import { type CatboostModel, damaged, type StatisticFeature, uncovered } from "./catboost-model.ts";
import { hashTable, statisticBins } from "./statistic-bins.ts";
import type { Turns } from "./turns.ts";

/** Columns of bins: each takes 128 bytes of every serving thread. */
const MOST_COLUMNS = 2 ** 18;
/** Bytes of all bins of statistics: many statistics of one large table could be far more than the file has. */
const MOST_STATISTIC_BYTES = 2 ** 30;

/** Where features are in the matrix of numbers, and in that of hashes, by their index. */
export interface FeatureColumns {
  readonly numbers: ReadonlyMap<number, number>;
  readonly categories: ReadonlyMap<number, number>;
}

/** What is compared in a model: bins, and in the order in which its file counts them, the splits. */
export interface BinColumns {
  readonly numbers: NumberBins;
  readonly categories: CategoryBins;
  readonly statistics: readonly CategoryStatistic[];
  readonly bins: number;
  readonly splits: BinSplits;
}

/**
 * Lays out the bins of a model over shared memory. All indexes are checked.
 * @param file what errors call it
 * @throws ServingError data-loss for a model that does not fit together, unimplemented for one that is too large
 */
export async function binColumns(model: CatboostModel, columns: FeatureColumns, file: string, turns: Turns): Promise<BinColumns> {
  const layout = new Layout(columns, file);
  for (const feature of model.numbers) {
    layout.addNumber(feature.index, feature.borders, feature.nanIsMost);
    await turns.after(feature.borders.length);
  }
  for (const { category, values } of model.oneHots) {
    layout.addCategory(category, values);
    await turns.after(values.length);
  }
  return layout.finish(await layout.addStatistics(model, turns));
}

class Layout {
  readonly #columns: FeatureColumns;
  readonly #file: string;
  readonly #numbers = newParts();
  readonly #nanIsMost: number[] = [];
  readonly #borders: number[] = [];
  readonly #categories = newParts();
  readonly #values: number[] = [];
  readonly #splits = { columns: [] as number[], leasts: [] as number[], flips: [] as number[] };
  /** Splits by `index>border` and `category=value`. */
  readonly #known = new Map<string, number>();
  #bins = 0;

  constructor(columns: FeatureColumns, file: string) {
    this.#columns = columns;
    this.#file = file;
  }

  addNumber(index: number, borders: ArrayLike<number>, nanIsMost: boolean): void {
    const column = this.#columns.numbers.get(index)!;
    this.#checkBorders(borders, `number ${index}`);
    for (let start = 0; start < borders.length; start += MOST_BIN) {
      const length = Math.min(MOST_BIN, borders.length - start);
      addPart(this.#numbers, column, this.#borders.length, length);
      this.#nanIsMost.push(nanIsMost ? 1 : 0);
      for (let i = 0; i < length; i++) {
        const border = Math.fround(borders[start + i]!);
        this.#borders.push(border);
        this.#addSplit(i + 1, 0, `${index}>${border}`);
      }
      this.#nextBin();
    }
  }

  addCategory(index: number, values: ArrayLike<number>): void {
    const column = this.#categoryColumn(index);
    for (let start = 0; start < values.length; start += MOST_BIN) {
      const length = Math.min(MOST_BIN, values.length - start);
      addPart(this.#categories, column, this.#values.length, length);
      for (let i = 0; i < length; i++) {
        const value = values[start + i]!;
        this.#values.push(value);
        this.#addSplit(MOST_BIN, MOST_BIN ^ (i + 1), `${index}=${value}`);
      }
      this.#nextBin();
    }
  }

  /** Statistics of one table share what is found in it, so that their bins lie side by side; their splits come in the file's order. */
  async addStatistics(model: CatboostModel, turns: Turns): Promise<readonly CategoryStatistic[]> {
    const groups = new Map<string, StatisticFeature[]>();
    for (const feature of model.statistics) {
      this.#checkBorders(feature.borders, `statistic of ${feature.type}`);
      const group = groups.get(feature.table);
      if (group === undefined) groups.set(feature.table, [feature]);
      else group.push(feature);
    }
    const firstBins = new Map<StatisticFeature, number>();
    const statistics: CategoryStatistic[] = [];
    let bytes = 0;
    for (const [key, features] of groups) {
      const table = model.tables.get(key);
      if (table === undefined) throw damaged(this.#file, `has no table for a statistic of ${features[0]!.type}`);
      const firstBin = this.#bins;
      for (const feature of features) {
        firstBins.set(feature, this.#bins);
        for (let start = 0; start < feature.borders.length; start += MOST_BIN) this.#nextBin();
      }
      const width = this.#bins - firstBin;
      bytes += (table.low.length + 1) * width;
      if (bytes > MOST_STATISTIC_BYTES) throw uncovered(this.#file, "has statistics of categories of more than 1 GiB");
      statistics.push({
        ...this.#combination(features[0]!),
        table: hashTable(table, this.#file),
        firstBin,
        bins: width,
        values: await statisticBins(table, features, width, this.#file, turns),
      });
      await turns.after(table.low.length);
    }
    for (const feature of model.statistics) this.#addStatisticSplits(feature, firstBins.get(feature)!);
    return statistics;
  }

  finish(statistics: readonly CategoryStatistic[]): BinColumns {
    const { columns, leasts, flips } = this.#splits;
    return {
      numbers: { ...sharedParts(this.#numbers), nanIsMost: sharedBytes(this.#nanIsMost), borders: sharedSingles(this.#borders) },
      categories: { ...sharedParts(this.#categories), values: sharedIntegers(this.#values) },
      statistics,
      bins: this.#bins,
      splits: { columns: sharedIntegers(columns), leasts: sharedBytes(leasts), flips: sharedBytes(flips) },
    };
  }

  #combination({
    combination: { categories, numbers, oneHots },
  }: StatisticFeature): Pick<CategoryStatistic, "columns" | "splits"> {
    const keys = [
      ...numbers.map(({ index, border }) => `${index}>${Math.fround(border)}`),
      ...oneHots.map(({ category, value }) => `${category}=${value}`),
    ];
    const splits = keys.map((key) => {
      const split = this.#known.get(key);
      if (split === undefined) throw damaged(this.#file, `has a statistic of the split ${key}, which no feature has`);
      return split;
    });
    return { columns: sharedIntegers(categories.map((index) => this.#categoryColumn(index))), splits: sharedIntegers(splits) };
  }

  #addStatisticSplits({ borders }: StatisticFeature, firstBin: number): void {
    for (let i = 0; i < borders.length; i++) {
      this.#splits.columns.push(firstBin + Math.floor(i / MOST_BIN));
      this.#splits.leasts.push((i % MOST_BIN) + 1);
      this.#splits.flips.push(0);
    }
  }

  #addSplit(least: number, flip: number, key: string): void {
    if (!this.#known.has(key)) this.#known.set(key, this.#splits.columns.length);
    this.#splits.columns.push(this.#bins);
    this.#splits.leasts.push(least);
    this.#splits.flips.push(flip);
  }

  #nextBin(): void {
    this.#bins++;
    if (this.#bins > MOST_COLUMNS) throw uncovered(this.#file, `compares more than ${MOST_COLUMNS} parts of columns`);
  }

  #categoryColumn(index: number): number {
    const column = this.#columns.categories.get(index);
    if (column === undefined) throw damaged(this.#file, `compares category ${index}, which it does not have`);
    return column;
  }

  #checkBorders(borders: ArrayLike<number>, what: string): void {
    for (let i = 0; i < borders.length; i++) {
      if (Number.isNaN(borders[i]) || (i > 0 && Math.fround(borders[i]!) < Math.fround(borders[i - 1]!))) {
        throw damaged(this.#file, `has borders of ${what} that do not rise`);
      }
    }
  }
}

interface Parts {
  readonly columns: number[];
  readonly starts: number[];
  readonly lengths: number[];
}

function newParts(): Parts {
  return { columns: [], starts: [], lengths: [] };
}

function addPart({ columns, starts, lengths }: Parts, column: number, start: number, length: number): void {
  columns.push(column);
  starts.push(start);
  lengths.push(length);
}

function sharedParts({ columns, starts, lengths }: Parts): Record<keyof Parts, Int32Array> {
  return { columns: sharedIntegers(columns), starts: sharedIntegers(starts), lengths: sharedIntegers(lengths) };
}
