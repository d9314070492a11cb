import { damagedParquet, uncoveredParquet } from "./damaged-parquet.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { ParquetLeaf } from "./parquet-footer.ts";
import { readRunLengths } from "./run-lengths.ts";

/** Values of one column: numbers, true and false among them as 1 and 0, or texts. */
export type ParquetValues = Float64Array | readonly string[];

/** What a text takes in memory besides its characters. */
const TEXT_BYTES = 32;

/**
 * Reads `count` values that stand one after the other. Integers of 64 bits are exact up to 2^53.
 * @throws ServingError data-loss; unimplemented for times of 96 bits and bytes of a fixed length
 */
export function readPlainValues(
  bytes: Uint8Array,
  type: ParquetLeaf["type"],
  count: number,
  budget: MemoryBudget,
): ParquetValues {
  if (type === "int96" || type === "fixed") throw uncoveredParquet(`values of the type ${type}`);
  const least = type === "boolean" ? Math.ceil(count / 8) : count * (type === "int64" || type === "double" ? 8 : 4);
  if (least > bytes.length) throw damagedParquet("a page has fewer values than it says");
  if (type === "bytes") return readTexts(bytes, count, budget);
  budget.take(count * 8);
  const numbers = new Float64Array(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) numbers[i] = NUMBERS[type](view, i);
  return numbers;
}

/** Reads `count` values true and false, in runs behind their length. @throws ServingError data-loss */
export function readBooleanRuns(bytes: Uint8Array, count: number, budget: MemoryBudget): Float64Array {
  budget.take(count * 9);
  const flags = new Uint8Array(count);
  readRunLengths(bytes, 4, 1, flags);
  return Float64Array.from(flags);
}

const NUMBERS: Readonly<Record<"boolean" | "int32" | "int64" | "float" | "double", (view: DataView, i: number) => number>> = {
  boolean: (view, i) => (view.getUint8(i >>> 3) >>> (i & 7)) & 1,
  int32: (view, i) => view.getInt32(i * 4, true),
  int64: (view, i) => view.getInt32(i * 8 + 4, true) * 2 ** 32 + view.getUint32(i * 8, true),
  float: (view, i) => view.getFloat32(i * 4, true),
  double: (view, i) => view.getFloat64(i * 8, true),
};

function readTexts(bytes: Uint8Array, count: number, budget: MemoryBudget): readonly string[] {
  budget.take(count * TEXT_BYTES + bytes.length * 2);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    const length = at + 4 <= bytes.length ? buffer.readUInt32LE(at) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > bytes.length) throw damagedParquet("a page has fewer values than it says");
    texts.push(buffer.toString("utf8", at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}
