import fc from "fast-check";
import { type BinTrees, type HashTable, hashSlot, MOST_BIN } from "../../../model/tabular/catboost-operations.ts";

/** For tests: a table of hashes, as readers make it. */
export function tableOf(hashes: readonly (readonly [low: number, high: number])[]): HashTable {
  const slots = 2 ** Math.ceil(Math.log2(2 * hashes.length + 2));
  const table = {
    low: new Int32Array(slots),
    high: new Int32Array(slots),
    places: new Int32Array(slots).fill(-1),
    count: hashes.length,
  };
  for (const [place, [low, high]] of hashes.entries()) {
    let slot = hashSlot(low, high, slots);
    while (table.places[slot]! >= 0) slot = (slot + 1) % slots;
    [table.low[slot], table.high[slot], table.places[slot]] = [low, high, place];
  }
  return table;
}

/** For tests: trees over two columns of numbers and one of hashes, without statistics. */
export function anyBinTrees(kind: "oblivious" | "nodes"): fc.Arbitrary<BinTrees> {
  return fc
    .record({
      seed: fc.nat(),
      groups: fc.integer({ min: 1, max: 3 }),
      depths: fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 6 }),
    })
    .map(({ seed, groups, depths }) => {
      let state = seed;
      const draw = (below: number) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % below;
      };
      const lengths = [1 + draw(MOST_BIN), 1 + draw(5), 1 + draw(4)];
      const splits = lengths.flatMap((length, column) =>
        Array.from({ length }, (_, i) =>
          column < 2 ? { column, least: i + 1, flip: 0 } : { column, least: MOST_BIN, flip: MOST_BIN ^ (i + 1) },
        ),
      );
      const leaves = depths.map((depth) => 2 ** depth);
      const count = kind === "oblivious" ? leaves.reduce((sum, leaf) => sum + leaf, 0) : 40;
      return {
        numbers: {
          columns: Int32Array.of(0, 1),
          starts: Int32Array.of(0, lengths[0]!),
          lengths: Int32Array.of(lengths[0]!, lengths[1]!),
          nanIsMost: Uint8Array.of(draw(2), draw(2)),
          borders: Float32Array.from(
            { length: lengths[0]! + lengths[1]! },
            (_, i) => (i < lengths[0]! ? i : i - lengths[0]!) / 4,
          ),
        },
        categories: {
          columns: Int32Array.of(0),
          starts: Int32Array.of(0),
          lengths: Int32Array.of(lengths[2]!),
          values: Int32Array.from({ length: lengths[2]! }, (_, i) => i),
        },
        statistics: [],
        bins: 3,
        splits: {
          columns: Int32Array.from(splits, ({ column }) => column),
          leasts: Uint8Array.from(splits, ({ least }) => least),
          flips: Uint8Array.from(splits, ({ flip }) => flip),
        },
        trees:
          kind === "oblivious"
            ? {
                kind,
                levels: Int32Array.from(depths.flatMap((depth) => Array.from({ length: depth }, () => draw(splits.length)))),
                depths: Uint8Array.from(depths),
                leaves: Int32Array.from(leaves, (_, tree) => leaves.slice(0, tree).reduce((sum, leaf) => sum + leaf, 0) * groups),
              }
            : {
                kind,
                roots: Int32Array.from(depths, () => 0),
                nodes: Int32Array.from({ length: 9 }, () => draw(splits.length)),
                // Behind itself, or a leaf.
                next: Int32Array.from({ length: 18 }, (_, i) =>
                  i < 14 && draw(2) === 0 ? (i >> 1) + 1 : ~(draw(count) * groups),
                ),
              },
        groups,
        values: Float64Array.from({ length: count * groups }, () => draw(1000) / 7 - 50),
        scale: draw(2) === 0 ? 1 : -2.5,
        bias: new Float64Array(groups).fill(draw(3)),
        width: groups + draw(2),
        places: Int32Array.from({ length: groups }, (_, i) => i),
      };
    });
}
