import { type HashTable, hashSlot, MOST_BIN } from "../../model/tabular/catboost-operations.ts";
import { damaged, type StatisticFeature, type StatisticTable } from "./catboost-model.ts";
import type { Turns } from "./turns.ts";

/** Slots that are looked at for each hash, all in all: only hashes that were made up to have the same slot take more. */
const MOST_STEPS = 64;

/**
 * A table of the places of hashes, over shared memory.
 * @throws ServingError data-loss for hashes that were made up to make looking for them slow
 */
export function hashTable({ low, high }: StatisticTable, file: string): HashTable {
  const slots = 2 ** Math.ceil(Math.log2(2 * low.length + 2));
  const table: HashTable = {
    low: new Int32Array(new SharedArrayBuffer(slots * 4)),
    high: new Int32Array(new SharedArrayBuffer(slots * 4)),
    places: new Int32Array(new SharedArrayBuffer(slots * 4)).fill(-1),
    count: low.length,
  };
  let steps = MOST_STEPS * (low.length + MOST_STEPS);
  for (let place = 0; place < low.length; place++) {
    let slot = hashSlot(low[place]!, high[place]!, slots);
    while (table.places[slot]! >= 0 && (table.low[slot] !== low[place] || table.high[slot] !== high[place])) {
      slot = (slot + 1) & (slots - 1);
      if (--steps < 0) throw damaged(file, "has a table of statistics whose hashes are not spread");
    }
    // Of two with the same hash the first is found.
    if (table.places[slot]! >= 0) continue;
    table.low[slot] = low[place]!;
    table.high[slot] = high[place]!;
    table.places[slot] = place;
  }
  return table;
}

/**
 * The bins of some statistics of a table, over shared memory: `width` for each of its hashes, and for one that it does not have.
 * @throws ServingError data-loss for a statistic of classes that the table does not have
 */
export async function statisticBins(
  table: StatisticTable,
  features: readonly StatisticFeature[],
  width: number,
  file: string,
  turns: Turns,
): Promise<Uint8Array> {
  const count = table.low.length;
  const bins = new Uint8Array(new SharedArrayBuffer((count + 1) * width));
  let first = 0;
  for (const feature of features) {
    const borders = Float32Array.from(feature.borders);
    const worth = worthOf(feature, table, file);
    for (let place = 0; place <= count; place++) {
      const above = bordersBelow(borders, worth(place));
      for (let start = 0, bin = 0; start < borders.length; start += MOST_BIN, bin++) {
        bins[place * width + first + bin] = Math.min(MOST_BIN, borders.length - start, Math.max(0, above - start));
      }
    }
    first += Math.ceil(borders.length / MOST_BIN);
    await turns.after(count);
  }
  return bins;
}

/** What a combination was worth, by its place; behind the last that of one that is not known. */
function worthOf(feature: StatisticFeature, table: StatisticTable, file: string): (place: number) => number {
  const { type, targetBorder } = feature;
  const { stride, values, denominator } = table;
  const count = table.low.length;
  if (type === "Counter" || type === "FeatureFreq") {
    return (place) => value(feature, place < count ? values[place]! : 0, denominator);
  }
  if (type === "BinarizedTargetMeanValue" || type === "FloatTargetMeanValue") {
    return (place) => (place < count ? value(feature, values[place * 2]!, values[place * 2 + 1]!) : value(feature, 0, 0));
  }
  if (targetBorder < 0 || targetBorder >= stride || (type === "Borders" && stride < 2)) {
    throw damaged(file, `has a statistic of class ${targetBorder} where ${stride} classes were counted`);
  }
  // Of two classes there is but one border.
  const above = stride === 2 ? 1 : targetBorder + 1;
  return (place) => {
    let good = 0;
    let all = 0;
    for (let i = 0; place < count && i < stride; i++) {
      const own = values[place * stride + i]!;
      all += own;
      if (type === "Buckets" ? i === targetBorder : i >= above) good += own;
    }
    return value(feature, good, all);
  };
}

const { fround } = Math;

/** In float32, step by step, as the library does it. */
function value({ priorNumerator, priorDenominator, shift, scale }: StatisticFeature, good: number, all: number): number {
  const share = fround(fround(fround(good) + fround(priorNumerator)) / fround(fround(all) + fround(priorDenominator)));
  return fround(fround(share + fround(shift)) * fround(scale));
}

function bordersBelow(borders: Float32Array, worth: number): number {
  let count = 0;
  while (count < borders.length && worth > borders[count]!) count++;
  return count;
}
