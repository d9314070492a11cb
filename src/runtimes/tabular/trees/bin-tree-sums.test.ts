import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binTreeSums, sumBinTreesPlainly } from "./bin-tree-sums.ts";
import { anyBinTrees } from "./test-bin-trees.ts";

const anyRow = fc.tuple(
  fc.oneof(fc.integer({ min: -2, max: 140 }), fc.constantFrom(Number.NaN, 0.25, 0.26, Number.POSITIVE_INFINITY)),
  fc.oneof(fc.integer({ min: -1, max: 2 }), fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY)),
  fc.integer({ min: -1, max: 5 }),
);

describe.each(["oblivious", "nodes"] as const)("trees that are %s", (kind) => {
  test("give in blocks what they give a row and a tree at a time, to the last bit", () => {
    fc.assert(
      fc.property(anyBinTrees(kind), fc.array(anyRow, { minLength: 1, maxLength: 300 }), (model, rows) => {
        const numbers = {
          rows: rows.length,
          width: 2,
          data: Float32Array.from(rows.flatMap((row) => row.slice(0, 2))),
        };
        const hashes = { rows: rows.length, width: 1, data: Int32Array.from(rows, ([, , hash]) => hash) };
        const fast = binTreeSums(model)([numbers, hashes]);
        const slow = sumBinTreesPlainly(model, [numbers, hashes]);
        expect(fast.width).toBe(model.width);
        expect(new Uint8Array(fast.data.buffer)).toEqual(new Uint8Array(slow.data.buffer));
      }),
      { numRuns: 200 },
    );
  });
});

test("a model answers again after few rows and many", () => {
  const [model] = fc.sample(anyBinTrees("oblivious"), { seed: 7, numRuns: 1 });
  const sums = binTreeSums(model!);
  const ask = (rows: number) =>
    sums([
      { rows, width: 2, data: new Float32Array(rows * 2).fill(1) },
      { rows, width: 1, data: new Int32Array(rows) },
    ]).data.slice(0, model!.width);
  expect([ask(1), ask(200), ask(3), ask(129)]).toEqual(Array(4).fill(ask(1)));
});
