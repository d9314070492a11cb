import { damagedParquet, uncoveredParquet } from "./damaged-parquet.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { ParquetChunk, ParquetLeaf } from "./parquet-footer.ts";
import { type ParquetValues, readBooleanRuns, readPlainValues } from "./plain-values.ts";
import { readRunLengths } from "./run-lengths.ts";
import { countIn, readThriftStruct, structIn, type ThriftStruct } from "./thrift-struct.ts";
import { unpackPage } from "./unpack-page.ts";

/** Kinds of pages, by their numbers. */
const DATA = 0;
const INDEX = 1;
const DICTIONARY = 2;
const DATA_2 = 3;
/** Ways to write values, by their numbers. */
const PLAIN = 0;
const PLAIN_DICTIONARY = 2;
const RUNS = 3;
const RUN_DICTIONARY = 8;

/** Entries of a column in some rows, a page's: their levels, and the values of those that are there. */
export interface ParquetEntries {
  /** How far down each entry is there; absent when all are. */
  readonly definitions?: Uint8Array;
  /** The list that each entry goes on in; absent in a column without lists. */
  readonly repetitions?: Uint8Array;
  readonly count: number;
  readonly values: ParquetValues;
}

/** A page with its levels and values apart. */
interface Page {
  readonly count: number;
  readonly encoding: number;
  readonly definitions?: Uint8Array;
  readonly repetitions?: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * Reads the pages of a column's chunk.
 * @throws ServingError data-loss; unimplemented for ways to write values that are not known; resource-exhausted for too much memory
 */
export function* readColumn(
  file: Buffer,
  leaf: ParquetLeaf,
  chunk: ParquetChunk,
  budget: MemoryBudget,
): Generator<ParquetEntries> {
  let dictionary: ParquetValues | undefined;
  let left = chunk.values;
  for (let at = chunk.start; left > 0; ) {
    const { struct: header, end } = readThriftStruct(file.subarray(at, chunk.end));
    const start = at + end;
    const packed = countIn(header, 3);
    if (packed > chunk.end - start) throw damagedParquet("a page breaks off");
    at = start + packed;
    const bytes = file.subarray(start, at);
    const kind = countIn(header, 1);
    if (kind === INDEX) continue;
    const length = countIn(header, 2);
    budget.take(length);
    if (kind === DICTIONARY) {
      const about = structIn(header, 7);
      const encoding = countIn(about, 2);
      if (dictionary !== undefined || (encoding !== PLAIN && encoding !== PLAIN_DICTIONARY))
        throw damagedParquet("a dictionary is not in its place");
      dictionary = readPlainValues(unpackPage(chunk.codec, bytes, length, budget), leaf.type, countIn(about, 1), budget);
      continue;
    }
    if (kind !== DATA && kind !== DATA_2) throw damagedParquet(`a page is of no kind that there is (${kind})`);
    const count = countIn(structIn(header, kind === DATA ? 5 : 8), 1);
    if (count > left || count === 0) throw damagedParquet("a page has more values than its column");
    budget.take(count * (leaf.repeated.length > 0 ? 2 : 1));
    const page =
      kind === DATA
        ? firstPage(header, leaf, unpackPage(chunk.codec, bytes, length, budget))
        : secondPage(header, leaf, bytes, chunk.codec, budget);
    left -= count;
    const { definitions, repetitions } = page;
    yield { definitions, repetitions, count, values: valuesOf(page, leaf, dictionary, budget) };
  }
}

/** Levels are in front of the values, each behind their length in bytes, and compressed with them. */
function firstPage(header: ThriftStruct, leaf: ParquetLeaf, bytes: Uint8Array): Page {
  const about = structIn(header, 5);
  const count = countIn(about, 1);
  let at = 0;
  const levels = (most: number, encoding: number): Uint8Array | undefined => {
    if (most === 0) return undefined;
    if (encoding !== RUNS) throw uncoveredParquet(`levels of the encoding ${encoding}`);
    if (bytes.length - at < 4) throw damagedParquet("a page breaks off");
    const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
    at += 4;
    if (length > bytes.length - at) throw damagedParquet("a page breaks off");
    at += length;
    return levelsOf(bytes.subarray(at - length, at), most, count);
  };
  const repetitions = levels(leaf.repeated.length, countIn(about, 4));
  const definitions = levels(leaf.present, countIn(about, 3));
  return { count, encoding: countIn(about, 2), repetitions, definitions, data: bytes.subarray(at) };
}

/** Levels are in front of the values and never compressed; their lengths are in the header. */
function secondPage(header: ThriftStruct, leaf: ParquetLeaf, bytes: Uint8Array, codec: number, budget: MemoryBudget): Page {
  const about = structIn(header, 8);
  const count = countIn(about, 1);
  const repeated = countIn(about, 6);
  const start = repeated + countIn(about, 5);
  const length = countIn(header, 2) - start;
  if (start > bytes.length || length < 0) throw damagedParquet("a page breaks off");
  const values = bytes.subarray(start);
  return {
    count,
    encoding: countIn(about, 4),
    repetitions: leaf.repeated.length === 0 ? undefined : levelsOf(bytes.subarray(0, repeated), leaf.repeated.length, count),
    definitions: leaf.present === 0 ? undefined : levelsOf(bytes.subarray(repeated, start), leaf.present, count),
    data: about.get(7) === false ? values : unpackPage(codec, values, length, budget),
  };
}

function levelsOf(bytes: Uint8Array, most: number, count: number): Uint8Array {
  const levels = new Uint8Array(count);
  readRunLengths(bytes, 0, 32 - Math.clz32(most), levels);
  for (const level of levels) if (level > most) throw damagedParquet("a page has a level that there is not");
  return levels;
}

function valuesOf(page: Page, leaf: ParquetLeaf, dictionary: ParquetValues | undefined, budget: MemoryBudget): ParquetValues {
  const { data, encoding } = page;
  let count = page.count;
  if (page.definitions !== undefined) {
    count = 0;
    for (const level of page.definitions) if (level === leaf.present) count++;
  }
  if (encoding === PLAIN) return readPlainValues(data, leaf.type, count, budget);
  if (encoding === RUNS && leaf.type === "boolean") return readBooleanRuns(data, count, budget);
  if (encoding !== PLAIN_DICTIONARY && encoding !== RUN_DICTIONARY) throw uncoveredParquet(`values of the encoding ${encoding}`);
  if (count === 0) return new Float64Array(0);
  if (dictionary === undefined || data.length === 0) throw damagedParquet("a page has no dictionary");
  budget.take(count * 12);
  const places = new Int32Array(count);
  readRunLengths(data, 1, data[0], places);
  const most = dictionary.length;
  for (const place of places)
    if (place < 0 || place >= most) throw damagedParquet("a page has a value that is not in its dictionary");
  if (dictionary instanceof Float64Array) {
    const numbers = new Float64Array(count);
    for (let i = 0; i < count; i++) numbers[i] = dictionary[places[i]];
    return numbers;
  }
  const texts = dictionary;
  return Array.from(places, (place) => texts[place]);
}
