import { describe, expect, test } from "vitest";
import type { ModelFolder } from "./model-folder.ts";
import { ProgramBuilder } from "./program-builder.ts";
import { Stage } from "./stage.ts";
import { readStageMetadata } from "./stage-metadata.ts";
import { type TestValue, testTable } from "./test-tables.ts";
import { ensembleOf, readTrees } from "./tree-tables.ts";

const NEVER = new AbortController().signal;
const METADATA =
  '{"class":"org.apache.spark.ml.classification.RandomForestClassificationModel","uid":"x","sparkVersion":"3.5.3"}';
const stage = new Stage(readStageMetadata(METADATA, ""), { place: "" } as ModelFolder);
const builder = () => new ProgramBuilder(new Map(), new Set(), NEVER);

/** A node: its tree, number, children, and split: the column, what it is compared with, and its categories. */
type Node = readonly [
  tree: number,
  id: number,
  left: number,
  right: number,
  feature: number,
  split: readonly number[],
  categories: number,
];

function table(nodes: readonly Node[], change: Readonly<Record<string, readonly TestValue[]>> = {}) {
  const column = (i: number) => nodes.map((node) => node[i]);
  return testTable({
    treeID: column(0),
    "nodeData.id": column(1),
    "nodeData.leftChild": column(2),
    "nodeData.rightChild": column(3),
    "nodeData.split.featureIndex": column(4),
    "nodeData.split.leftCategoriesOrThreshold": column(5),
    "nodeData.split.numCategories": column(6),
    "nodeData.prediction": nodes.map(([, id]) => id),
    "nodeData.impurity": nodes.map(() => 0),
    "nodeData.impurityStats": nodes.map(() => [1, 2]),
    ...change,
  });
}

const leaf = (tree: number, id: number): Node => [tree, id, -1, -1, -1, [], -1];
const STUMP: readonly Node[] = [[0, 0, 1, 2, 0, [0.5], -1], leaf(0, 1), leaf(0, 2)];

test("rows may be in any order, and trees one after the other", async () => {
  const second: readonly Node[] = [[1, 0, 1, 2, 1, [1.5], -1], leaf(1, 1), leaf(1, 2)];
  const mixed = [second[2], STUMP[1], second[0], STUMP[2], STUMP[0], second[1]];
  const trees = await readTrees(stage, table(mixed), 2, builder());
  expect([...trees.roots]).toEqual([0, 3]);
  expect([...trees.features]).toEqual([0, -1, -1, 1, -1, -1]);
  expect([...trees.left]).toEqual([1, -1, -1, 4, -1, -1]);
  expect([...trees.predictions]).toEqual([0, 1, 2, 0, 1, 2]);
});

test("the smaller side of categories is kept, and what is in neither goes the other way", async () => {
  const split = (categories: readonly number[]): readonly Node[] => [[0, 0, 1, 2, 0, categories, 5], leaf(0, 1), leaf(0, 2)];
  const sidesOf = async (categories: readonly number[]) => {
    const trees = await readTrees(stage, table(split(categories)), 1, builder());
    const {
      left,
      right,
      categories: sets,
    } = await ensembleOf(stage, trees, 1, { valueAt: () => 0, numbered: "in-all" }, builder());
    return { set: sets!.words[0], inSet: left[0], others: right[0] };
  };
  expect(await sidesOf([1, 3])).toEqual({ set: 0b01010, inSet: 1, others: 2 });
  expect(await sidesOf([0, 1, 3])).toEqual({ set: 0b10100, inSet: 2, others: 1 });
});

describe("trees whose walks would not end at a leaf are refused", () => {
  test.each<[string, readonly Node[], RegExp]>([
    [
      "a node that is its own child",
      [[0, 0, 0, 2, 0, [0.5], -1], leaf(0, 1), leaf(0, 2)],
      /node 0, whose children are not possible/,
    ],
    ["a child before its parent", [STUMP[0], leaf(0, 1), [0, 2, 1, 3, 0, [0.5], -1], leaf(0, 3)], /node 2, whose children/],
    [
      "a child of two parents",
      [[0, 0, 1, 2, 0, [0.5], -1], [0, 1, 2, 3, 0, [0.5], -1], leaf(0, 2), leaf(0, 3)],
      /node 1, whose children/,
    ],
    ["one child twice", [[0, 0, 1, 1, 0, [0.5], -1], leaf(0, 1)], /node 0, whose children/],
    ["a child that there is not", [[0, 0, 1, 9, 0, [0.5], -1], leaf(0, 1)], /node 0, whose children/],
    ["a child of another tree", [[0, 0, 1, 2, 0, [0.5], -1], leaf(0, 1), [1, 0, -1, -1, -1, [], -1]], /node 0, whose children/],
    ["one child only", [[0, 0, 1, -1, 0, [0.5], -1], leaf(0, 1)], /node 0, whose children/],
    ["a node that belongs to none", [leaf(0, 0), leaf(0, 1)], /node 1, which belongs to none/],
    ["a number twice", [STUMP[0], leaf(0, 1), leaf(0, 1)], /id does not count the nodes/],
    ["a tree that is left out", [leaf(1, 0)], /treeID does not count the trees/],
    ["a column that there is not", [[0, 0, 1, 2, 9, [0.5], -1], leaf(0, 1), leaf(0, 2)], /featureIndex is 9, of 2 features/],
    ["two thresholds", [[0, 0, 1, 2, 0, [0.5, 1], -1], leaf(0, 1), leaf(0, 2)], /split is damaged/],
    ["half a category", [[0, 0, 1, 2, 0, [0.5], 2.5], leaf(0, 1), leaf(0, 2)], /split is damaged/],
  ])("%s", async (_, nodes, message) => {
    await expect(readTrees(stage, table(nodes), 2, builder())).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(message),
    });
  });

  test("a category that there is not", async () => {
    const trees = await readTrees(stage, table([[0, 0, 1, 2, 0, [7], 5], leaf(0, 1), leaf(0, 2)]), 1, builder());
    await expect(ensembleOf(stage, trees, 1, { valueAt: () => 0, numbered: "in-all" }, builder())).rejects.toThrow(
      "split has the category 7, of 5",
    );
  });

  test("sets of 2^31 categories each", async () => {
    const trees = await readTrees(
      stage,
      table([[0, 0, 1, 2, 0, [7], 2 ** 31 - 64], leaf(0, 1), [0, 2, 3, 4, 0, [7], 2 ** 31 - 64], leaf(0, 3), leaf(0, 4)]),
      1,
      builder(),
    );
    await expect(ensembleOf(stage, trees, 1, { valueAt: () => 0, numbered: "in-all" }, builder())).rejects.toMatchObject({
      code: "unimplemented",
    });
  });

  test("counts of other classes in one node", async () => {
    const counts = table(STUMP, { "nodeData.impurityStats": [[1, 2], [1], [1, 2]] });
    await expect(readTrees(stage, counts, 2, builder())).rejects.toThrow("impurityStats are not as many in each node");
  });
});
