import { damagedParquet } from "./damaged-parquet.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { inColumn, type ParquetFooter, type ParquetLeaf, readParquetFooter } from "./parquet-footer.ts";
import { type ParquetEntries, readColumn } from "./read-column.ts";

/** A column's values: a number, or a text, which is NaN, or null, where it is missing. */
export interface ParquetColumn {
  /**
   * For each list that the column is in, from the outermost on, where its parts begin: row `r` has the entries from `starts[0][r]` to
   * `starts[0][r + 1]`, entry `e` those from `starts[1][e]` on, and so on. A list that is missing is empty.
   */
  readonly starts: readonly Int32Array[];
  readonly values: Float64Array | readonly (string | null)[];
}

/** Rows of columns, by their names with dots. */
export interface ParquetTable {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ParquetColumn>;
}

/**
 * Reads columns of a Parquet file, of which all pages are checked; those of other columns are not read. Yields after each page, so that
 * others may have their turn.
 *
 * Covered are pages of both versions with plain values, dictionaries and runs, compressed with Snappy, gzip, LZ4 and Zstandard.
 * @param wants whether a column is read
 * @throws ServingError data-loss; unimplemented for what is not covered; resource-exhausted when it takes more memory than the budget has
 */
export function* readParquet(
  file: Buffer,
  wants: (path: string) => boolean,
  budget: MemoryBudget,
): Generator<void, ParquetTable> {
  const footer = readParquetFooter(file);
  const rows = footer.groups.reduce((sum, group) => sum + group.rows, 0);
  const columns = new Map<string, ParquetColumn>();
  for (const [place, leaf] of footer.leaves.entries()) {
    if (!wants(leaf.path)) continue;
    try {
      columns.set(leaf.path, yield* readLeaf(file, footer, place, leaf, rows, budget));
    } catch (reason) {
      throw inColumn(leaf.path, reason);
    }
  }
  return { rows, columns };
}

function* readLeaf(
  file: Buffer,
  { groups }: ParquetFooter,
  place: number,
  leaf: ParquetLeaf,
  rows: number,
  budget: MemoryBudget,
): Generator<void, ParquetColumn> {
  const entries = groups.reduce((sum, { chunks }) => sum + chunks[place].values, 0);
  budget.take(entries * 8 + leaf.repeated.length * (entries + 1) * 4);
  const column = new Column(leaf, entries);
  for (const { chunks } of groups) {
    for (const page of readColumn(file, leaf, chunks[place], budget)) {
      column.add(page);
      yield;
    }
  }
  return column.finish(rows);
}

class Column {
  readonly #leaf: ParquetLeaf;
  readonly #values: Float64Array | (string | null)[];
  readonly #starts: readonly Int32Array[];
  /** How many parts there are at each depth: rows first, values last. */
  readonly #counts: Int32Array;

  constructor(leaf: ParquetLeaf, entries: number) {
    this.#leaf = leaf;
    this.#values = leaf.type === "bytes" ? [] : new Float64Array(entries);
    this.#starts = leaf.repeated.map(() => new Int32Array(entries + 1));
    this.#counts = new Int32Array(leaf.repeated.length + 1);
  }

  add({ count, definitions, repetitions, values }: ParquetEntries): void {
    const { present, repeated } = this.#leaf;
    const depth = repeated.length;
    let next = 0;
    for (let i = 0; i < count; i++) {
      const level = definitions === undefined ? present : definitions[i];
      let at = repetitions === undefined ? 0 : repetitions[i];
      if (at > 0 && (level < repeated[at - 1] || this.#counts[at - 1] === 0))
        throw damagedParquet("a page goes on with a list that is not there");
      // A part begins at this depth, and at each one below to which the entry is there.
      for (;;) {
        if (at === depth) {
          this.#set(this.#counts[at]++, level === present ? values[next++] : undefined);
          break;
        }
        this.#starts[at][this.#counts[at]++] = this.#counts[at + 1];
        if (level < repeated[at]) break;
        at++;
      }
    }
  }

  /** @throws ServingError data-loss when there are not as many rows */
  finish(rows: number): ParquetColumn {
    if (this.#counts[0] !== rows) throw damagedParquet(`it has ${this.#counts[0]} rows, not ${rows}`);
    const starts = this.#starts.map((places, depth) => {
      const count = this.#counts[depth];
      places[count] = this.#counts[depth + 1];
      return places.subarray(0, count + 1);
    });
    const found = this.#counts[starts.length];
    return { starts, values: this.#values instanceof Float64Array ? this.#values.subarray(0, found) : this.#values };
  }

  #set(place: number, value: number | string | undefined): void {
    const values = this.#values;
    if (values instanceof Float64Array) values[place] = (value as number | undefined) ?? Number.NaN;
    else values[place] = (value as string | undefined) ?? null;
  }
}
