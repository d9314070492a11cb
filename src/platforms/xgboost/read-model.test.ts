import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import type { TabularProgram, TreeEnsemble } from "../../model/tabular/tabular-program.ts";
import { readModel } from "./read-model.ts";
import { answerOf } from "./test-evaluation.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/xgboost");
const never = new AbortController().signal;

const bytesOf = (name: string) => readFileSync(join(FIXTURES, name));
const read = (bytes: Buffer | string) => readModel(Buffer.from(bytes as string), "model.json", never);

/** One tree over two columns: a threshold, and the set of categories {1, 33}. */
const SMALL = `{"learner":{"attributes":{},"gradient_booster":{"model":{"gbtree_model_param":{"num_trees":"1"},"tree_info":[0],"trees":[{
"categories":[1,33],"categories_nodes":[2],"categories_segments":[0],"categories_sizes":[2],"default_left":[1,0,0,0,0],
"left_children":[1,-1,3,-1,-1],"right_children":[2,-1,4,-1,-1],"split_conditions":[0.5,10,NaN,20,30],"split_indices":[0,0,1,0,0],
"split_type":[0,0,1,0,0],"tree_param":{"size_leaf_vector":"1"}}]},"name":"gbtree"},
"learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2","num_target":"1"},
"objective":{"name":"reg:squarederror"}},"version":[2,1,4]}`;

function ensembleOf(program: TabularProgram): TreeEnsemble {
  const [operation] = program.operations;
  if (operation.kind !== "tree-sums") throw new Error("there are no trees");
  return operation.ensemble;
}

test("a tree's tables", async () => {
  const program = await read(SMALL);
  expect(program).toMatchObject({ runtime: "tabular", inputs: [{ alias: "X", columns: 2, type: "float32" }] });
  expect(program.bytes).toBe(SMALL.length);
  expect([...program.signatures.keys()]).toEqual(["serving_default", "predict", "margin", "leaf"]);
  const ensemble = ensembleOf(program);
  expect(ensemble).toMatchObject({ precision: "float32", groups: 1, leftWhen: "less", baseIsAdded: "first", divisor: 1 });
  expect(ensemble.features).toEqual(Int32Array.of(0, -1, 1, -1, -1));
  expect(ensemble.rules).toEqual(Uint8Array.of(5, 0, 6, 0, 0));
  expect(ensemble.categories).toMatchObject({ inSet: "right", words: Uint32Array.of(2, 2) });
  for (const table of [ensemble.values, ensemble.left, ensemble.base, ensemble.rules, ensemble.categories!.words]) {
    expect(table.buffer).toBeInstanceOf(SharedArrayBuffer);
  }
});

test.each([
  ["below the threshold", [0.4, 0], 10.5],
  ["on the threshold", [0.5, 2], 20.5],
  ["missing, to the left", [NaN, 33], 10.5],
  ["a category in the set", [1, 33], 30.5],
  ["a category in the set, with a fraction", [1, 1.5], 30.5],
  ["a category that is not in the set", [1, 2], 20.5],
  ["a category beyond the set", [1, 64], 20.5],
  ["a negative category", [1, -1], 20.5],
  ["a missing category, to the right", [1, NaN], 30.5],
])("a row %s", async (_, row, answer) => {
  expect(answerOf(await read(SMALL), "predict", [row])).toEqual([[answer]]);
});

test.each([
  ["2.1 and gbtree", SMALL, 0.5, "first"],
  ["1.3", SMALL.replace("[2,1,4]", "[1,3,0]"), 0.5, "first"],
  ["1.2", SMALL.replace("[2,1,4]", "[1,2,0]"), 0.5, "last"],
  ["no version that is said", SMALL.replace(',"version":[2,1,4]', ""), 0.5, "first"],
  ["binary:logitraw, whose base was a probability before 1.3", raw("[1,2,0]"), Math.log(0.25 / 0.75), "last"],
  ["binary:logitraw since then", raw("[1,3,0]"), 0.25, "first"],
])("the base of %s", async (_, text, base, added) => {
  const ensemble = ensembleOf(await read(text));
  expect(ensemble.baseIsAdded).toBe(added);
  expect(ensemble.base[0]).toBeCloseTo(base, 6);
});

function raw(version: string): string {
  return SMALL.replace("reg:squarederror", "binary:logitraw").replace("5E-1", "2.5E-1").replace("[2,1,4]", version);
}

test("columns have the names that training gave them", async () => {
  const named = (names: string) => SMALL.replace('"attributes":{}', `"attributes":{},"feature_names":${names}`);
  expect((await read(named('["size","place"]'))).inputs[0].columnNames).toEqual(["size", "place"]);
  expect((await read(named("[]"))).inputs[0].columnNames).toBeUndefined();
  await expect(read(named('["size"]'))).rejects.toMatchObject({
    code: "data-loss",
    message: "model.json has names of 1 columns where 2 are expected",
  });
});

test.each([
  ["reg:squarederror", "0", { regression: expect.any(String) }],
  ["rank:ndcg", "0", { regression: expect.any(String) }],
  ["binary:logistic", "0", { classes: { scores: expect.any(String), labels: [0, 1] } }],
  ["multi:softprob", "3", { classes: { scores: expect.any(String), labels: [0, 1, 2] } }],
  ["multi:softmax", "3", { classes: { scores: expect.any(String), labels: [0, 1, 2] } }],
])("a model of %s says what classify or regress calls answer", async (objective, classes, wanted) => {
  const program = await read(SMALL.replace("reg:squarederror", objective).replace('"num_class":"0"', `"num_class":"${classes}"`));
  expect({ classes: program.classes, regression: program.regression }).toMatchObject(wanted);
});

test("leaves that are vectors have one of each group", async () => {
  const text = SMALL.replace('"size_leaf_vector":"1"', '"size_leaf_vector":"2"').replace('"num_target":"1"', '"num_target":"2"');
  const program = await read(text.replace('"categories":', '"base_weights":[0,0,1,2,0,0,3,4,5,6],"categories":'));
  expect(
    answerOf(program, "predict", [
      [0.1, 0],
      [0.9, 1],
      [0.9, 2],
    ]),
  ).toEqual([
    [1.5, 2.5],
    [5.5, 6.5],
    [3.5, 4.5],
  ]);
  expect(
    answerOf(program, "leaf", [
      [0.1, 0],
      [0.9, 1],
    ]),
  ).toEqual([[1], [4]]);
});

test("a tree that was pruned: nodes that no other leads to may be anything", async () => {
  const pruned = SMALL.replace("[1,-1,3,-1,-1]", "[1,-1,-1,77,0]").replace("[0,0,1,0,0]", "[0,0,0,2147483647,0]");
  expect(answerOf(await read(pruned.replace('"split_type":[0,0,1', '"split_type":[0,0,0')), "leaf", [[1, 0]])).toEqual([[2]]);
});

test("words that JSON does not have count outside of strings only", async () => {
  const named = SMALL.replace('"attributes":{}', '"attributes":{"a NaN":"\\"-Infinity, NaN"}');
  expect(ensembleOf(await read(named.replace("0.5,10", "-Infinity,Infinity"))).values).toEqual(
    Float32Array.of(-Infinity, Infinity, NaN, 20, 30),
  );
});

test("a binary file as base64, and behind its mark", async () => {
  const marked = bytesOf("binary_missing/model.deprecated");
  expect(marked.toString("latin1", 0, 4)).toBe("binf");
  const plain = marked.subarray(4);
  const program = await read(plain);
  for (const bytes of [marked, `bs64\t${plain.toString("base64")}\n`]) {
    expect((await read(bytes)).operations).toEqual(program.operations);
  }
});

describe("is refused as damaged:", () => {
  test.each([
    ["a child beyond the tree", "[2,-1,4,-1,-1]", "[5,-1,4,-1,-1]", "has child 5 of node 0 where 0 to 4 is expected"],
    ["a child that is none", "[2,-1,4,-1,-1]", "[-1,-1,4,-1,-1]", "has child -1 of node 0"],
    ["a loop", "[2,-1,4,-1,-1]", "[2,-1,0,-1,-1]", "has node 0 below two nodes"],
    ["a node below two", "[2,-1,4,-1,-1]", "[2,-1,1,-1,-1]", "has node 1 below two nodes"],
    ["a child that is no whole number", "[2,-1,4,-1,-1]", "[1.5,-1,4,-1,-1]", "has child 1.5 of node 0"],
    ["a list of another length", "[2,-1,4,-1,-1]", "[2,-1,4,-1]", "right_children has 4 numbers where 5 are expected"],
    ["a column beyond the columns", "[0,0,1,0,0],\n", "[0,0,2,0,0],\n", "has column 2 in node 2 where 0 to 1 is expected"],
    ["a text among numbers", "[0.5,10,", '[0.5,"10",', "split_conditions has something else where a number is expected"],
    ["a tree without nodes", /:\[[-\d.,NaN]{9,}\]/g, ":[]", "tree 0 has no node"],
    ["a negative category", "[1,33]", "[-1,33]", "has category -1 in node 2"],
    ["a category that is too large", "[1,33]", "[1,16777216]", "has category 16777216 in node 2"],
    ["a set beyond the categories", '_sizes":[2]', '_sizes":[3]', "has a set of 3 categories at 0 where 0 to 2 is expected"],
    ["a set before the categories", '_segments":[0]', '_segments":[-1]', "has a set of 2 categories at -1"],
    ["no set of a node that has one", '_nodes":[2]', '_nodes":[1]', "has no set of categories for node 2"],
    ["a group beyond the groups", '"tree_info":[0]', '"tree_info":[1]', "has tree 0 of group 1 where 0 to 0 is expected"],
    ["groups of other trees", '"tree_info":[0]', '"tree_info":[0,0]', "has 2 groups of trees where 1 are expected"],
    ["leaves of more numbers than groups", '"size_leaf_vector":"1"', '"size_leaf_vector":"2"', "trees[0] has no base_weights"],
    ["no columns", '"num_feature":"2"', '"num_feature":"0"', "num_feature is 0 where 1 to"],
    ["too many classes", '"num_class":"0"', '"num_class":"99999999"', "num_class is 99999999 where 0 to"],
    ["a number that is none", '"num_class":"0"', '"num_class":""', "num_class is no number"],
    ["a base that is none", "5E-1", "half", 'base_score is "half" where a number is expected'],
    ["bases of other groups", "5E-1", "[1,2]", "base_score has 2 numbers where 1 or 1 are expected"],
    ["no name", '"name":"reg:squarederror"', '"nam":"reg:squarederror"', "learner.objective has no name"],
    [
      "a list in place of an object",
      '"objective":{"name":"reg:squarederror"}',
      '"objective":[]',
      "learner.objective is no object",
    ],
    ["an object in place of a list", '"tree_info":[0]', '"tree_info":{}', "tree_info is no list"],
    ["a number in place of a text", '"name":"gbtree"', '"name":7', "gradient_booster.name is no string"],
    ["no document", '"version":[2,1,4]}', '"version":[2,1,4]', "is no whole JSON document"],
    ["nothing of the kind", '"learner"', '"teacher"', "is no model of XGBoost"],
  ])("%s", async (_, from, to, message) => {
    const text = SMALL.replaceAll(typeof from === "string" ? from : new RegExp(from, "g"), to);
    expect(text).not.toBe(SMALL);
    const error = await read(text).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "data-loss",
      message: expect.stringMatching(/^model\.json[: ].*; save the model again with booster\.save_model\("model\.json"\)$/),
    });
    expect((error as Error).message).toContain(message);
  });

  test.each(["0", "1", "7"])("the probability %s as a base", async (base) => {
    const text = SMALL.replace("reg:squarederror", "binary:logistic").replace("5E-1", base);
    await expect(read(text)).rejects.toThrow(`model.json: base_score is ${base}, which the objective cannot have`);
  });

  test("weights of other trees than there are", async () => {
    const text = bytesOf("dart_binary/model.json").toString().replace('"weight_drop":[', '"weight_drop":[1,');
    await expect(read(text)).rejects.toThrow("model.json has 13 weights of trees where 12 are expected");
  });

  test("weights of other columns than there are", async () => {
    const text = bytesOf("gblinear_binary/model.json").toString().replace('"weights":[', '"weights":[1,');
    await expect(read(text)).rejects.toThrow("model.json has 8 weights where 7 are expected");
  });
});

test.each([
  ['"name":"reg:squarederror"', '"name":"reg:astrology"', 'model.json: objective is "reg:astrology", which is not known'],
  ['"name":"gbtree"', '"name":"gbforest"', 'gradient_booster is "gbforest", which is not known (known: gbtree, dart, gblinear)'],
])("%s turned into %s is not known", async (from, to, message) => {
  await expect(read(SMALL.replace(from, to))).rejects.toMatchObject({
    code: "unimplemented",
    message: expect.stringContaining(message),
  });
});

test("sets of categories that the file has far less of are refused", async () => {
  const [stump] = /\{\s*"categories".*?\}\}/s.exec(SMALL)!;
  const many = SMALL.replace(stump, Array(200).fill(stump.replace("[1,33]", "[1,16777215]")).join(","));
  await expect(read(many.replace('"tree_info":[0]', `"tree_info":[${Array(200).fill(0).join(",")}]`))).rejects.toMatchObject({
    code: "unimplemented",
    message: "model.json has sets of categories of more than 256 MiB",
  });
});

describe.each([
  "categories_v21/model.json",
  "categorical/model.ubj",
  "gblinear_v31/model.json",
  "dart_softprob_v21/model.ubj",
  "binary_missing/model.deprecated",
  "dart_v090/model.bst",
  "gblinear_softprob_v21/model.deprecated",
])("%s", (name) => {
  const bytes = bytesOf(name);

  test("is refused wherever it breaks off", async () => {
    // What lies behind the model of a binary file, attributes and metrics, is not read.
    const end = name.endsWith(".json") || name.endsWith(".ubj") ? bytes.length : bytes.length - 200;
    for (let length = 0; length < end; length += length < 600 ? 7 : 97) {
      const error = await read(bytes.subarray(0, length)).catch((reason: unknown) => reason);
      expect(error, `cut to ${length} bytes`).toMatchObject({ code: "data-loss" });
    }
  });

  test("is refused or leads nowhere outside, whatever is changed in it", async () => {
    const text = fc.constantFrom(...'0 9 -1 99999999999 1e999 NaN [ ] { } , : " \0 \x01 \x7f \x80 \xff L i # $'.split(" "));
    const edit = fc.record({
      at: fc.oneof(fc.nat(bytes.length - 1), fc.nat(Math.min(700, bytes.length - 1))),
      put: fc.oneof(
        text,
        fc.uint8Array({ minLength: 1, maxLength: 4 }).map((each) => Buffer.from(each).toString("latin1")),
      ),
      moves: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        let changed = bytes.toString("latin1");
        for (const { at, put, moves } of edits)
          changed = changed.slice(0, at) + put + changed.slice(at + (moves ? 0 : put.length));
        const program = await read(Buffer.from(changed, "latin1")).catch((reason: unknown) => {
          expect(reason).toBeInstanceOf(ServingError);
          expect(["data-loss", "unimplemented"]).toContain((reason as ServingError).code);
        });
        if (program === undefined || program.inputs[0].columns > 100_000) return;
        const rows = [0, NaN, 1, -5, 40, 1e30].map((value) => Array<number>(program.inputs[0].columns).fill(value));
        for (const signature of program.signatures.keys()) expect(answerOf(program, signature, rows)).toHaveLength(rows.length);
      }),
      { numRuns: 300 },
    );
  });
});

test("stops when told to", async () => {
  const cancel = new AbortController();
  cancel.abort();
  await expect(readModel(Buffer.from(SMALL), "model.json", cancel.signal)).rejects.toMatchObject({ code: "cancelled" });
});
