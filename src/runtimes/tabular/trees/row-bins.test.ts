import fc from "fast-check";
import { expect, test } from "vitest";
import type { BinTrees } from "../../../model/tabular/catboost-operations.ts";
import { RowBins } from "./row-bins.ts";
import { tableOf } from "./test-bin-trees.ts";

const FACTOR = 0x4906ba494954cb65n;

/** CatBoost's hash of several values, in plain words. */
function combined(values: readonly number[]): readonly [low: number, high: number] {
  const hash = values.reduce((sum, value) => BigInt.asUintN(64, FACTOR * (sum + FACTOR * BigInt.asUintN(64, BigInt(value)))), 0n);
  return [Number(BigInt.asIntN(32, hash)), Number(BigInt.asIntN(32, hash >> 32n))];
}

function modelOf(known: readonly (readonly [number, number])[]): BinTrees {
  return {
    numbers: {
      columns: Int32Array.of(0),
      starts: Int32Array.of(0),
      lengths: Int32Array.of(2),
      nanIsMost: Uint8Array.of(0),
      borders: Float32Array.of(0.5, 1.5),
    },
    categories: { columns: new Int32Array(0), starts: new Int32Array(0), lengths: new Int32Array(0), values: new Int32Array(0) },
    statistics: [
      {
        columns: Int32Array.of(0, 1),
        splits: Int32Array.of(0),
        table: tableOf(known),
        firstBin: 1,
        bins: 1,
        values: Uint8Array.from({ length: known.length + 1 }, (_, place) => (place === known.length ? 99 : place)),
      },
    ],
    bins: 2,
    splits: { columns: Int32Array.of(0), leasts: Uint8Array.of(2), flips: Uint8Array.of(0) },
    trees: { kind: "oblivious", levels: new Int32Array(0), depths: new Uint8Array(0), leaves: new Int32Array(0) },
    groups: 1,
    values: new Float64Array(0),
    scale: 1,
    bias: new Float64Array(1),
    width: 1,
    places: Int32Array.of(0),
  };
}

test("categories and splits are hashed together as 64-bit numbers", () => {
  const int32 = fc.oneof(fc.constantFrom(-1, 0, 2 ** 31 - 1, -(2 ** 31)), fc.integer());
  const row = fc.tuple(int32, int32, fc.constantFrom(0, 1, 2));
  fc.assert(
    fc.property(fc.uniqueArray(row, { minLength: 1, maxLength: 50, selector: String }), (rows) => {
      const asked = rows.map(([first, second, number]) => combined([first, second, number > 1.5 ? 1 : 0]));
      const known = [...new Map(asked.map((hash) => [String(hash), hash])).values()];
      const bins = new RowBins(modelOf(known), 64);
      const hashes = Int32Array.from(rows.flatMap((row) => row.slice(0, 2)));
      bins.fill({ numbers: rows.map(([, , number]) => number), numberColumns: 1, hashes, hashColumns: 2 }, 0, rows.length);
      for (const [i, hash] of asked.entries()) {
        expect(bins.bins[64 + i]).toBe(known.findIndex((each) => String(each) === String(hash)));
      }
    }),
  );
});

test("a combination that is not known has bins of its own", () => {
  const bins = new RowBins(modelOf([combined([1, 2, 0])]), 4);
  bins.fill({ numbers: [0, 0], numberColumns: 1, hashes: Int32Array.of(1, 2, 2, 1), hashColumns: 2 }, 0, 2);
  expect(Array.from(bins.bins.slice(4, 6))).toEqual([0, 99]);
});

test.each([
  [0.5, 0],
  [0.51, 1],
  [1.5, 1],
  [9, 2],
  [Number.NaN, 0],
])("the number %d is above its borders, and not on them", (number, wanted) => {
  const bins = new RowBins(modelOf([]), 1);
  bins.fill({ numbers: [number], numberColumns: 1, hashes: Int32Array.of(0, 0), hashColumns: 2 }, 0, 1);
  expect(bins.bins[0]).toBe(wanted);
});
