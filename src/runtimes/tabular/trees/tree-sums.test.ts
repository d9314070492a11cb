import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  NODE_CATEGORICAL,
  NODE_DEFAULT_LEFT,
  NODE_NAN_IS_MISSING,
  NODE_ZERO_IS_MISSING,
} from "../../../model/tabular/tabular-program.ts";
import type { Matrix } from "../matrix.ts";
import { anyEnsemble, anyNumber, stump } from "./test-ensembles.ts";
import { hasPlainNodes, treeLayout } from "./tree-layout.ts";
import { leavesPlainly, treeLeaves } from "./tree-leaves.ts";
import { sumPlainly, treeSums } from "./tree-sums.ts";

const column = (...values: number[]): Matrix => ({ rows: values.length, width: 1, data: Float64Array.from(values) });
const sums =
  (...args: Parameters<typeof stump>) =>
  (rows: Matrix) =>
    Array.from(treeSums(stump(...args))(rows).data);

describe.each([
  ["nodes that compare numbers", true],
  ["nodes of every kind", false],
])("trees with %s", (_, plain) => {
  test("give in blocks and by levels what they give a row and a tree at a time, to the last bit", () => {
    fc.assert(
      fc.property(anyEnsemble(plain), fc.array(anyNumber, { maxLength: 600 }), (ensemble, values) => {
        const rows = Math.floor(values.length / ensemble.columns);
        const numbers = ensemble.precision === "float32" ? Float32Array : Float64Array;
        const matrix = { rows, width: ensemble.columns, data: numbers.from(values.slice(0, rows * ensemble.columns)) };
        const slow = sumPlainly(ensemble, matrix);
        const layout = treeLayout(ensemble);
        expect(layout !== undefined).toBe(hasPlainNodes(ensemble));
        for (const each of [ensemble, { ...ensemble, ...(layout && { layout }) }]) {
          const fast = treeSums(each)(matrix);
          expect(fast.width).toBe(slow.width);
          expect(new Uint8Array(fast.data.buffer)).toEqual(new Uint8Array(slow.data.buffer));
          expect(treeLeaves(each)(matrix)).toEqual(leavesPlainly(ensemble, matrix));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  ["less", 1, [10, 20, 20]],
  ["less-or-equal", 1, [10, 10, 20]],
] as const)("a node goes left when its value is %s", (leftWhen, threshold, wanted) => {
  expect(sums(0, threshold, 10, 20, { leftWhen })(column(0.5, 1, 1.5))).toEqual(wanted);
});

test.each([
  ["NaN is missing, right", NODE_NAN_IS_MISSING, [20, 10, 10]],
  ["NaN is missing, left", NODE_NAN_IS_MISSING | NODE_DEFAULT_LEFT, [10, 10, 10]],
  ["NaN is 0", 0, [10, 10, 10]],
  ["zero is missing, right", NODE_ZERO_IS_MISSING, [20, 20, 20]],
  ["zero is missing, left", NODE_ZERO_IS_MISSING | NODE_DEFAULT_LEFT, [10, 10, 10]],
])("what is not there: %s", (_, rule, wanted) => {
  expect(sums(0, 5, 10, 20, { rules: Uint8Array.of(rule, 0, 0) })(column(Number.NaN, 0, 1e-36))).toEqual(wanted);
});

test.each([
  ["left", [20, 10, 20, 20, 20, 20, 10]],
  ["right", [10, 20, 10, 10, 10, 10, 20]],
] as const)("a category in the set goes %s, and what is none is not in it", (inSet, wanted) => {
  const categories = { inSet, starts: Int32Array.of(0, 0, 0), lengths: Int32Array.of(2, 0, 0), words: Uint32Array.of(2, 1) };
  const rules = Uint8Array.of(NODE_CATEGORICAL, 0, 0);
  const values = column(0, 1.9, -1, 31, 64, Number.NaN, 32);
  expect(sums(0, 0, 10, 20, { rules, categories })(values)).toEqual(wanted);
});

test("a missing category goes where the node says", () => {
  const categories = {
    inSet: "right" as const,
    starts: Int32Array.of(0, 0, 0),
    lengths: Int32Array.of(1, 0, 0),
    words: Uint32Array.of(1),
  };
  const rules = Uint8Array.of(NODE_CATEGORICAL | NODE_NAN_IS_MISSING, 0, 0);
  expect(sums(0, 0, 10, 20, { rules, categories })(column(Number.NaN, 0, 1))).toEqual([20, 20, 10]);
});

test("sums are rounded at each addition in float32, and the base comes first or last", () => {
  const tenth = Math.fround(0.1);
  const roots = Int32Array.of(1, 1, 1);
  const more = { precision: "float32" as const, roots, treeGroups: Int32Array.of(0, 0, 0), values: Float32Array.of(0, 0.1, 0.2) };
  const base = Float32Array.of(1000);
  const first = sums(0, 0, 0, 0, { ...more, base, baseIsAdded: "first" })(column(0));
  const last = sums(0, 0, 0, 0, { ...more, base, baseIsAdded: "last" })(column(0));
  expect(first).toEqual([[tenth, tenth, tenth].reduce((sum, leaf) => Math.fround(sum + leaf), 1000)]);
  expect(last).toEqual([Math.fround(Math.fround(Math.fround(tenth + tenth) + tenth) + 1000)]);
  expect(first).not.toEqual(last);
});

test("an average is the sum divided by its trees", () => {
  expect(sums(0, 5, 10, 20, { roots: Int32Array.of(0, 0), treeGroups: Int32Array.of(0, 0), divisor: 2 })(column(1))).toEqual([
    10,
  ]);
});

test("a linear leaf is a function of the row, unless a number of it is not there", () => {
  const linearLeaves = {
    constants: Float64Array.of(0, 1, 2),
    starts: Int32Array.of(-1, 0, -1),
    lengths: Int32Array.of(0, 1, 0),
    columns: Int32Array.of(0),
    coefficients: Float64Array.of(3),
  };
  const rules = Uint8Array.of(NODE_NAN_IS_MISSING | NODE_DEFAULT_LEFT, 0, 0);
  expect(sums(0, 5, 10, 20, { linearLeaves, rules })(column(2, 7, Number.NaN))).toEqual([7, 20, 10]);
});

test("leaves have the numbers of their library", () => {
  expect(treeLeaves(stump(0, 5, 0, 0))(column(1, 9))).toEqual({ rows: 2, width: 1, data: Int32Array.of(10, 20) });
});
