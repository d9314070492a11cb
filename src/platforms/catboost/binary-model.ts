import { ServingError } from "../../base/serving-error.ts";
import { FlatTable } from "../../codec/flatbuffers.ts";
import {
  type CatboostModel,
  type Combination,
  damaged,
  type Feature,
  type ModelInfo,
  type NodeModel,
  type NumberFeature,
  type ObliviousModel,
  STATISTIC_TYPES,
  type StatisticFeature,
  type StatisticTable,
  type StatisticType,
  tableKey,
  uncovered,
} from "./catboost-model.ts";
import { modelInfo } from "./model-info.ts";

const MAGIC = "CBM1";
const FORMAT = "FlabuffersModel_v1";
/** The part behind the core that has tables of statistics. */
const STATISTICS = "static_provider_v1";
const MOST_DIMENSIONS = 2 ** 20;
/** A bucket of a table: the hash, and the place of its numbers. */
const BUCKET_BYTES = 12;
/** What stands for a length that does not fit in 32 bits. */
const LONG_LENGTH = 0xffffffff;

/** Whether a file's first bytes are those of a model in the binary form. */
export function beginsLikeBinary(first: Uint8Array): boolean {
  return Buffer.from(first.subarray(0, MAGIC.length)).toString("latin1") === MAGIC;
}

/**
 * The model of a `.cbm` file: FlatBuffers by CatBoost's schemas `model.fbs`, `features.fbs` and `ctr_data.fbs`.
 * @param file what errors call it
 * @throws ServingError data-loss for a damaged file, unimplemented for what is not covered; each names the file
 */
export function binaryModel(bytes: Buffer, file: string): CatboostModel {
  try {
    return modelOf(new Parts(bytes, file), file);
  } catch (reason) {
    if (reason instanceof ServingError && !reason.message.startsWith(file))
      throw damaged(`${file}:`, reason.message, { cause: reason });
    throw reason;
  }
}

function modelOf(parts: Parts, file: string): CatboostModel {
  const core = FlatTable.root(parts.next());
  const format = core.text(0);
  if (format !== FORMAT) throw uncovered(file, `has the format ${JSON.stringify(format.slice(0, 64))} (known: ${FORMAT})`);
  const trees = core.table(1);
  if (trees === undefined) throw damaged(file, "has no trees");
  refuseTexts(trees, file);
  const dimensions = trees.int32(0, 0);
  if (dimensions < 1 || dimensions > MOST_DIMENSIONS) throw damaged(file, `has ${dimensions} sums a row`);
  const several = float64s(trees.items(16, 8));
  const single = trees.float64(15, 0);
  return {
    numbers: trees.tables(5).map((feature) => numberFeature(feature, file)),
    categories: trees.tables(4).map((feature) => featureOf(feature, 0)),
    oneHots: trees.tables(6).map((feature) => ({ category: feature.int32(0, -1), values: int32s(feature.items(1, 4)) })),
    statistics: statisticsOf(trees, file),
    tables: tablesOf(core, parts, file),
    trees: treesOf(trees, file),
    dimensions,
    leafValues: float64s(trees.items(8, 8)),
    scale: trees.float64(14, 1),
    bias: several.length > 0 || single === 0 ? several : Float64Array.of(single),
    info: infoOf(core, file),
  };
}

function refuseTexts(trees: FlatTable, file: string): void {
  for (const [field, kind, used] of [
    [12, "text", 3],
    [18, "embedding", 4],
  ] as const) {
    for (const feature of trees.tables(field)) {
      if (!feature.bool(used, true)) continue;
      const name = feature.text(2) || String(feature.int32(1, -1));
      throw uncovered(file, `uses the ${kind} feature ${JSON.stringify(name.slice(0, 100))}, which is not covered`);
    }
  }
  if (trees.items(13, 4).byteLength > 0)
    throw uncovered(file, "has features that are estimated from texts or embeddings, which is not covered");
}

/** @param first the field of the index; the place and the name are behind it */
function featureOf(feature: FlatTable, first: number): Feature {
  return { index: feature.int32(first, -1), place: feature.int32(first + 1, -1), name: feature.text(2 + first * 2) };
}

function numberFeature(feature: FlatTable, file: string): NumberFeature {
  const treatment = feature.int8(5, 0);
  if (treatment < 0 || treatment > 2) throw damaged(file, `has ${treatment} for what NaN is`);
  return {
    ...featureOf(feature, 1),
    borders: float32s(feature.items(3, 4)),
    nanIsMost: feature.bool(0, false) && treatment === 2,
  };
}

function statisticsOf(trees: FlatTable, file: string): readonly StatisticFeature[] {
  const bases = new Map<number, Base>();
  return trees.tables(7).map((feature) => {
    const statistic = feature.table(0);
    const table = statistic?.table(0);
    if (statistic === undefined || table === undefined) throw damaged(file, "has a statistic that does not say of what");
    const base = bases.get(table.position) ?? baseOf(table, file);
    bases.set(table.position, base);
    return {
      ...base,
      targetBorder: statistic.int32(1, 0),
      priorNumerator: statistic.float32(2, 0),
      priorDenominator: statistic.float32(3, 1),
      shift: statistic.float32(4, 0),
      scale: statistic.float32(5, 1),
      borders: float32s(feature.items(1, 4)),
    };
  });
}

type Base = Pick<StatisticFeature, "type" | "combination" | "table">;

function baseOf(base: FlatTable, file: string): Base {
  const type: StatisticType | undefined = STATISTIC_TYPES[base.int8(1, 0)];
  if (type === undefined)
    throw uncovered(file, `has statistics of the type ${base.int8(1, 0)} (known: ${STATISTIC_TYPES.join(", ")})`);
  const combination = combinationOf(base.table(0));
  return { type, combination, table: tableKey(type, combination, base.int32(2, 0)) };
}

function combinationOf(table: FlatTable | undefined): Combination {
  if (table === undefined) return { categories: [], numbers: [], oneHots: [] };
  const numbers = table.items(1, 8);
  const oneHots = table.items(2, 8);
  const each = <Item>(view: DataView, read: (at: number) => Item) =>
    Array.from({ length: view.byteLength / 8 }, (_, i) => read(i * 8));
  return {
    categories: Array.from(int32s(table.items(0, 4))),
    numbers: each(numbers, (at) => ({ index: numbers.getInt32(at, true), border: numbers.getFloat32(at + 4, true) })),
    oneHots: each(oneHots, (at) => ({ category: oneHots.getInt32(at, true), value: oneHots.getInt32(at + 4, true) })),
  };
}

function tablesOf(core: FlatTable, parts: Parts, file: string): ReadonlyMap<string, StatisticTable> {
  const tables = new Map<string, StatisticTable>();
  const [first] = core.texts(3);
  if (first !== STATISTICS) return tables;
  for (let left = parts.length(); left > 0; left--) {
    const table = FlatTable.root(parts.next());
    const base = table.table(0);
    if (base === undefined) throw damaged(file, "has a table of statistics that does not say of what");
    const { type, table: key } = baseOf(base, file);
    tables.set(key, statisticTable(table, type, file));
  }
  return tables;
}

function statisticTable(table: FlatTable, type: StatisticType, file: string): StatisticTable {
  const buckets = table.items(1, 1);
  const blob = table.items(2, 1);
  const isMean = type === "BinarizedTargetMeanValue" || type === "FloatTargetMeanValue";
  const isCount = type === "Counter" || type === "FeatureFreq";
  const stride = isMean ? 2 : isCount ? 1 : table.int32(4, 0);
  if (stride < 1 || buckets.byteLength % BUCKET_BYTES !== 0)
    throw damaged(file, `has a table of statistics for ${stride} classes`);
  const slots = buckets.byteLength / BUCKET_BYTES;
  const low = new Int32Array(slots);
  const high = new Int32Array(slots);
  const values = new Float64Array(Math.floor(blob.byteLength / 4));
  const items = Math.floor(values.length / stride);
  // A place that is given twice has its numbers twice, which no file needs.
  const taken = new Uint8Array(items);
  let count = 0;
  const places = new Int32Array(slots);
  for (let slot = 0; slot < slots; slot++) {
    const at = slot * BUCKET_BYTES;
    const [ownLow, ownHigh] = [buckets.getInt32(at, true), buckets.getInt32(at + 4, true)];
    // What marks an empty slot.
    if (ownLow === -1 && ownHigh === -1) continue;
    const place = buckets.getUint32(at + 8, true);
    if (place >= items || taken[place] === 1) throw damaged(file, `has statistics at ${place} where one of ${items} is expected`);
    taken[place] = 1;
    low[count] = ownLow;
    high[count] = ownHigh;
    places[count++] = place;
  }
  const ordered = new Float64Array(count * stride);
  for (let i = 0; i < count; i++) {
    for (let item = 0; item < stride; item++) {
      const at = (places[i]! * stride + item) * 4;
      ordered[i * stride + item] = isMean && item === 0 ? blob.getFloat32(at, true) : blob.getInt32(at, true);
    }
  }
  return { low: low.slice(0, count), high: high.slice(0, count), stride, values: ordered, denominator: table.int32(3, 0) };
}

function treesOf(trees: FlatTable, file: string): ObliviousModel | NodeModel {
  const splits = int32s(trees.items(1, 4));
  const sizes = int32s(trees.items(2, 4));
  const steps = trees.items(10, 4);
  if (steps.byteLength === 0) return { kind: "oblivious", splits, depths: sizes };
  const count = steps.byteLength / 4;
  const leaves = trees.items(11, 4);
  if (splits.length !== count || leaves.byteLength / 4 !== count)
    throw damaged(file, `has ${count} nodes, ${splits.length} splits and ${leaves.byteLength / 4} leaves`);
  return {
    kind: "nodes",
    sizes,
    splits,
    left: Uint16Array.from({ length: count }, (_, i) => steps.getUint16(i * 4, true)),
    right: Uint16Array.from({ length: count }, (_, i) => steps.getUint16(i * 4 + 2, true)),
    leaves: Uint32Array.from({ length: count }, (_, i) => leaves.getUint32(i * 4, true)),
  };
}

function infoOf(core: FlatTable, file: string): ModelInfo {
  const texts = new Map(core.tables(2).map((entry) => [entry.text(0), entry.text(1)]));
  const json = (key: string): unknown => {
    const text = texts.get(key);
    if (text === undefined || text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw damaged(file, `has ${key} that are no JSON`, { cause });
    }
  };
  return modelInfo((key) => (key === "binclass_probability_threshold" ? texts.get(key) : json(key)));
}

/** The parts of a file, one behind the other, each behind its length. */
class Parts {
  readonly #bytes: Buffer;
  readonly #file: string;
  #at = MAGIC.length;

  constructor(bytes: Buffer, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    if (!beginsLikeBinary(bytes)) throw damaged(file, "is no model of CatBoost");
  }

  /** A length that is not checked. */
  length(): number {
    const short = this.#take(4).readUInt32LE(0);
    return short === LONG_LENGTH ? Number(this.#take(8).readBigUInt64LE(0)) : short;
  }

  next(): Buffer {
    return this.#take(this.length());
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw damaged(this.#file, "breaks off before its end");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function int32s(view: DataView): Int32Array {
  return Int32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(i * 4, true));
}

function float32s(view: DataView): Float32Array {
  return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
}

function float64s(view: DataView): Float64Array {
  return Float64Array.from({ length: view.byteLength / 8 }, (_, i) => view.getFloat64(i * 8, true));
}
