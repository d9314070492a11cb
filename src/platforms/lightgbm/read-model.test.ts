import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import type { TabularProgram, TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import { readModel } from "./read-model.ts";
import { answerOf } from "./test-evaluation.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/lightgbm");
const never = new AbortController().signal;

const textOf = (name: string) => readFileSync(join(FIXTURES, name, "model.txt"), "utf8");
const read = (text: string | Buffer) => readModel(Buffer.from(text as string), "model.txt", never);

/** One tree over two columns: a threshold, a set of categories {1, 33}, and a linear leaf. */
const SMALL = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names=a b
feature_infos=[0:1] 1:33
tree_sizes=1

Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
split_gain=1 1
threshold=0.5 0
decision_type=10 1
left_child=1 -1
right_child=-2 -3
leaf_value=1 2 3
leaf_weight=
leaf_count=1 1 1
cat_boundaries=0 2
cat_threshold=2 2
is_linear=1
leaf_const=10 20 30
num_features=2 0 1
leaf_features=0 1  1 
leaf_coeff=0.5 0.25  -1 
shrinkage=1


end of trees

feature_importances:
a=1

parameters:
[boosting: gbdt]
end of parameters

pandas_categorical:null
`;

function trees(program: TabularProgram): TreeEnsemble {
  const [operation] = program.operations;
  if (operation.kind !== "tree-sums") throw new Error("sums come first");
  return operation.ensemble;
}

test("makes tables of a tree: inner nodes, then leaves", async () => {
  const ensemble = trees(await read(SMALL));
  expect([...ensemble.features]).toEqual([0, 1, -1, -1, -1]);
  expect([...ensemble.left]).toEqual([1, 2, 0, 1, 2]);
  expect([...ensemble.right].slice(0, 2)).toEqual([3, 4]);
  expect([...ensemble.values]).toEqual([0.5, 0, 1, 2, 3]);
  expect([...ensemble.rules]).toEqual([1 | 4, 2, 0, 0, 0]);
  expect(ensemble.categories).toMatchObject({ inSet: "left", words: new Uint32Array([2, 2]) });
  expect([...ensemble.linearLeaves!.starts]).toEqual([-1, -1, 0, 2, 2]);
  const tables = [ensemble, ensemble.categories!, ensemble.linearLeaves!]
    .flatMap((each) => Object.values(each))
    .filter((each) => ArrayBuffer.isView(each));
  expect(tables).toHaveLength(16);
  for (const table of tables) expect(table.buffer).toBeInstanceOf(SharedArrayBuffer);
});

test("answers along its branches", async () => {
  const program = await read(SMALL);
  const rows = [
    [0.5, 1],
    [NaN, 33.9],
    [0, 2],
    [0, NaN],
    [1, NaN],
  ];
  expect(answerOf(program, "predict", rows)).toEqual([[10.5], [1], [28], [3], [20]]);
  expect(answerOf(program, "leaf", rows)).toEqual([[0], [0], [2], [2], [1]]);
});

describe("refuses what a file says wrongly:", () => {
  test.each<readonly [string, string, string, string]>([
    [
      "a feature beyond the columns",
      "split_feature=0 1",
      "split_feature=0 2",
      "tree 0: split_feature has 2 where 0 to 1 is expected",
    ],
    ["a feature below 0", "split_feature=0 1", "split_feature=-1 1", "has -1 where 0 to 1"],
    ["a child beyond the nodes", "left_child=1 -1", "left_child=2 -1", "tree 0: left_child has 2 where -3 to 1 is expected"],
    ["a leaf beyond the leaves", "right_child=-2 -3", "right_child=-2 -4", "right_child has -4"],
    ["a circle", "left_child=1 -1", "left_child=1 1", "tree 0 has node 1 twice as a child"],
    ["a circle to the root", "left_child=1 -1", "left_child=0 -1", "tree 0 has its root as a child"],
    ["a leaf of two nodes", "right_child=-2 -3", "right_child=-1 -3", "tree 0 has leaf 0 twice as a child"],
    ["more leaves than values", "num_leaves=3", "num_leaves=4", "tree 0: leaf_value has 3 numbers where 4 are expected"],
    ["fewer", "num_leaves=3", "num_leaves=2", "leaf_value has 3 numbers where 2 are expected"],
    ["leaves for which the file is too short", "num_leaves=3", "num_leaves=2000000000", "tree 0: num_leaves has 2000000000"],
    ["no leaf", "num_leaves=3", "num_leaves=0", "num_leaves has 0"],
    ["a leaf count that is no number", "num_leaves=3", "num_leaves=three", 'num_leaves has "three" where a whole number'],
    ["a value that is no number", "leaf_value=1 2 3", "leaf_value=1 0x2 3", 'leaf_value has "0x2" where a number'],
    ["an endless number", "leaf_value=1 2 3", `leaf_value=1 ${"2".repeat(70)} 3`, `leaf_value has "${"2".repeat(24)}"`],
    ["a value that is cut", "leaf_value=1 2 3", "leaf_value=1 2 -", 'leaf_value has "-"'],
    ["too few thresholds", "threshold=0.5 0", "threshold=0.5", "threshold has 1 numbers where 2"],
    ["a kind of decision that there is not", "decision_type=10 1", "decision_type=12 1", "decision_type has 12"],
    ["a set that there is not", "threshold=0.5 0", "threshold=0.5 1", "threshold has 1 where one of 1 sets"],
    ["half a set", "threshold=0.5 0", "threshold=0.5 0.5", "threshold has 0.5"],
    ["sets beyond their words", "cat_boundaries=0 2", "cat_boundaries=0 3", "cat_boundaries has 3"],
    ["sets that go back", "num_cat=1\nsplit_feature=0 1", "num_cat=2\nsplit_feature=0 1", "cat_boundaries has 2 numbers where 3"],
    ["sets that begin late", "cat_boundaries=0 2", "cat_boundaries=1 2", "cat_boundaries does not go up from 0"],
    ["words beyond the sets", "cat_threshold=2 2", "cat_threshold=2 2 2", "cat_threshold has 3 numbers where 2"],
    ["a word of more than 32 bits", "cat_threshold=2 2", "cat_threshold=2 4294967296", "cat_threshold has 4294967296"],
    ["no sets", "num_cat=1", "num_cat=0", "num_cat has 0"],
    ["a term's column beyond the columns", "leaf_features=0 1  1", "leaf_features=0 1  2", "leaf_features has 2"],
    ["terms beyond their list", "num_features=2 0 1", "num_features=2 2 2", "num_features adds up to 6"],
    ["fewer terms than columns", "num_features=2 0 1", "num_features=2 0 0", "leaf_features has 3 numbers where 2"],
    [
      "columns beyond the names",
      "max_feature_idx=1",
      "max_feature_idx=2",
      "feature_names has 2 parts where max_feature_idx makes 3",
    ],
    ["no columns", "max_feature_idx=1\n", "", "does not say max_feature_idx"],
    [
      "classes beyond the trees",
      "num_class=1\nnum_tree_per_iteration=1",
      "num_class=2\nnum_tree_per_iteration=2",
      "does not fit num_class=2",
    ],
    [
      "classes of another count",
      "num_tree_per_iteration=1",
      "num_tree_per_iteration=2",
      "num_tree_per_iteration is not num_class",
    ],
    ["a number of trees", "tree_sizes=1", "tree_sizes=1 1", "has 1 trees where tree_sizes makes 2"],
    ["a header without end", "\nTree=0", `${"x\n".repeat(1000)}Tree=0`, "has more than 1000 lines before its first tree"],
    ["a tree without end", "shrinkage=1\n", "x\n".repeat(100), "tree 0 has more than 100 lines"],
    ["nothing but empty lines", "end of trees", "\n".repeat(200), "has something else where a tree is expected"],
    ["no end", "end of trees", "start of trees", "has something else where a tree is expected"],
  ])("%s", async (_, from, to, message) => {
    expect(SMALL).toContain(from);
    await expect(read(SMALL.replace(from, to))).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/^model\.txt[:,] ?.*; save the model again with|^model\.txt .*save|^model\.txt: objective/),
    });
    await expect(read(SMALL.replace(from, to))).rejects.toThrow(message);
  });

  test.each([
    ["version=v4", "version=v9", 'model.txt is of version "v9" of LightGBM\'s format (known: v2, v3, v4)'],
    ["objective=regression", "objective=astrology deep", 'model.txt: objective is "astrology", which is not known'],
  ])("%s turned into %s", async (from, to, message) => {
    await expect(read(SMALL.replace(from, to))).rejects.toMatchObject({
      code: "unimplemented",
      message: expect.stringContaining(message),
    });
  });

  test("trees for a part of the classes", async () => {
    const text = SMALL.replace("num_class=1\nnum_tree_per_iteration=1", "num_class=2\nnum_tree_per_iteration=2");
    await expect(read(text.replace("objective=regression", "objective=multiclass num_class:2"))).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringContaining("has 1 trees, which is no multiple of num_class=2"),
    });
  });
});

describe.each(["binary_cat_missing", "linear_tree", "multiclass", "version_2", "one_leaf"])("%s", (name) => {
  const bytes = Buffer.from(textOf(name));
  const columns = /max_feature_idx=(\d+)/.exec(bytes.toString())!;
  const rows = [0, NaN, 1, -5, 40, 1e300].map((value) => Array<number>(Number(columns[1]) + 1).fill(value));

  test("is refused wherever it breaks off before the end of its trees", async () => {
    const end = bytes.indexOf(name === "version_2" ? "feature importances:" : "end of trees");
    for (let length = 16; length < end; length += 97) {
      const error = await read(bytes.subarray(0, length)).catch((reason: unknown) => reason);
      expect(error, `cut to ${length} bytes`).toBeInstanceOf(ServingError);
    }
    await expect(read(bytes.subarray(0, bytes.indexOf("parameters:")))).resolves.toMatchObject({ runtime: "tabular" });
  });

  test("is refused or leads nowhere outside, whatever is changed in it", async () => {
    const edit = fc.record({
      at: fc.nat(bytes.length - 1),
      text: fc.oneof(
        fc.constantFrom(
          "",
          " ",
          "\n",
          "=",
          "-",
          "9",
          "0",
          "-1",
          "99999999999",
          "1e999",
          "nan",
          "Tree=",
          "num_leaves=",
          "end of trees\n",
        ),
        fc.string({ maxLength: 8 }),
      ),
      instead: fc.nat(12),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        let changed = bytes.toString("latin1");
        for (const { at, text, instead } of edits) changed = changed.slice(0, at) + text + changed.slice(at + instead);
        const program = await read(Buffer.from(changed, "latin1")).catch((reason: unknown) => {
          expect(reason).toBeInstanceOf(ServingError);
          expect(["data-loss", "unimplemented"]).toContain((reason as ServingError).code);
        });
        if (program === undefined) return;
        const asked = rows.map((row) => Array<number>(program.inputs[0].columns).fill(row[0]));
        for (const signature of program.signatures.keys()) expect(answerOf(program, signature, asked)).toHaveLength(rows.length);
      }),
      { numRuns: 300 },
    );
  });
});

test("lets others have their turn in a long file, and stops when told to", async () => {
  const block = SMALL.slice(SMALL.indexOf("Tree=0"), SMALL.indexOf("end of trees"));
  const text = SMALL.replace("tree_sizes=1\n", "").replace(block, block.repeat(12_000));
  const cancel = new AbortController();
  const reading = readModel(Buffer.from(text), "model.txt", cancel.signal);
  setImmediate(() => cancel.abort());
  await expect(reading).rejects.toMatchObject({ code: "cancelled" });
});

describe("columns of a data frame", () => {
  const framed = (levels: string, more = "") => SMALL.replace("pandas_categorical:null", `${more}pandas_categorical:${levels}`);

  test("of texts are asked for one by one, as texts", async () => {
    const program = await read(framed('[["Oslo", "Rome"]]'));
    expect(program.inputs).toMatchObject([
      { alias: "a", type: "float64", vector: true },
      { alias: "b", type: "texts", vector: true },
    ]);
    const [lookup] = program.operations;
    expect(lookup).toMatchObject({
      kind: "lookup",
      tables: [{ keys: ["Oslo", "Rome"], unknown: Number.NaN, missing: Number.NaN }],
    });
  });

  test("of numbers stay columns of the matrix, whose values become codes", async () => {
    const program = await read(framed("[[10, 20]]"));
    expect(program.inputs).toMatchObject([{ alias: "X", columns: 2, columnNames: ["a", "b"] }]);
    expect(program.operations.map(({ kind }) => kind).slice(0, 5)).toEqual(["select", "lookup", "select", "concat", "select"]);
    expect(program.operations[4]).toMatchObject({ columns: Int32Array.of(0, 1) });
  });

  test("that training saw nothing of are told by its parameters", async () => {
    const text = framed('[["x"], ["Oslo", "Rome"]]', "[categorical_feature: 0,1]\n").replace("[0:1] 1:33", "none 1:33");
    expect((await read(text)).inputs.map(({ type }) => type)).toEqual(["texts", "texts"]);
  });

  test("are codes where it cannot be told which they are", async () => {
    expect((await read(framed('[["x"], ["Oslo"]]'))).inputs).toMatchObject([{ alias: "X", columns: 2 }]);
  });

  test.each([
    ["[", "is no list"],
    ["7", "is no list of lists"],
    ['[["x", 1]]', "has categories of several types"],
  ])("%s is refused as damaged", async (levels, what) => {
    await expect(read(framed(levels))).rejects.toMatchObject({
      code: "data-loss",
      message: expect.stringContaining(`model.txt: pandas_categorical ${what}`),
    });
  });
});

test.each([
  ["binary sigmoid:1", "1", { classes: { labels: [0, 1] } }],
  ["regression", "1", { regression: expect.any(String) }],
])("a model of %s says what classify or regress calls answer", async (objective, classes, wanted) => {
  const text = SMALL.replace("objective=regression", `objective=${objective}`).replace("num_class=1", `num_class=${classes}`);
  expect(await read(text)).toMatchObject(wanted);
});

test("columns with LightGBM's own names have none", async () => {
  expect(
    (await read(SMALL.replace("feature_names=a b", "feature_names=Column_0 Column_1"))).inputs[0].columnNames,
  ).toBeUndefined();
});
