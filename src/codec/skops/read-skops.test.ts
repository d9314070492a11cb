import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { zip } from "../../base/zip/test-zip.ts";
import { NumpyArray } from "../pickle/numpy-array.ts";
import { PickleName, PickleObject, type PickleValue } from "../pickle/pickle-value.ts";
import { readSkops } from "./read-skops.ts";
import { readSkopsFile } from "./read-skops-file.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/sklearn");
const never = new AbortController().signal;
const NPY = Buffer.concat([
  Buffer.from("\x93NUMPY\x01\0", "latin1"),
  Buffer.of(60, 0),
  Buffer.from("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}".padEnd(60)),
  Buffer.from(Float64Array.of(1, 2).buffer),
]);

type Json = unknown;
const node = (loader: string, rest: object, name = "builtins.object"): Json => {
  const dot = name.lastIndexOf(".");
  return { __loader__: loader, __module__: name.slice(0, dot), __class__: name.slice(dot + 1), ...rest };
};
const json = (text: string) => node("JsonNode", { content: text, is_json: true });
const type = (name: string) => node("TypeNode", {}, name);
const list = (...content: Json[]) => node("ListNode", { content });
const dictionary = (entries: Record<string, Json>, keys: string[] = Object.keys(entries).map(() => "builtins.str")) =>
  node("DictNode", { content: entries, key_types: list(...keys.map(type)) });

const read = (schema: Json, allows: (name: PickleName) => boolean = () => true): PickleValue =>
  readSkops(JSON.stringify(schema), {
    allows,
    file: (name) => (name === "1.npy" ? NPY : name === "2.bin" ? Buffer.of(1, 2) : undefined),
    sparse: (name) =>
      name === "3.npz"
        ? new Map([
            ["data.npy", NPY],
            ["shape.npy", NPY],
          ])
        : undefined,
  });

describe("each kind of node is what a pickle would have", () => {
  test.each([
    ["null", json("null"), null],
    ["a truth", json("true"), true],
    ["a text", json('"l2"'), "l2"],
    ["NaN, which Python writes", json("NaN"), Number.NaN],
    ["an infinite number", json("-Infinity"), Number.NEGATIVE_INFINITY],
    ["a whole number beyond 2^53", json("12345678901234567890"), 12345678901234567890n],
    ["a list", list(json("1"), json("2")), [1, 2]],
    ["a tuple", node("TupleNode", { content: [json("1")] }), [1]],
    ["a set", node("SetNode", { content: [json("1")] }), new Set([1])],
    [
      "a dictionary of texts",
      dictionary({ b: json("1"), a: json("2") }),
      new Map([
        ["b", 1],
        ["a", 2],
      ]),
    ],
    ["a dictionary of numbers", dictionary({ "3": json("1") }, ["numpy.int64"]), new Map([[3, 1]])],
    [
      "a dictionary of both",
      dictionary({ "3": json("1"), a: json("2") }, ["builtins.str", "builtins.int"]),
      new Map<PickleValue, PickleValue>([
        [3, 1],
        ["a", 2],
      ]),
    ],
    [
      "a dictionary with a default",
      node("DefaultDictNode", { content: { main: dictionary({ a: json("1") }), default_factory: type("builtins.list") } }),
      new Map([["a", 1]]),
    ],
    ["a type", type("numpy.float64"), new PickleName("numpy", "float64")],
    ["a function", node("FunctionNode", {}, "numpy.log1p"), new PickleName("numpy", "log1p")],
    [
      "a function of the first versions",
      node("FunctionNode", { content: { module_path: "numpy", function: "log1p" } }),
      new PickleName("numpy", "log1p"),
    ],
    ["bytes", node("BytesNode", { file: "2.bin" }), Buffer.of(1, 2)],
    ["bytes that change", node("BytearrayNode", { file: "2.bin" }), Buffer.of(1, 2)],
  ])("%s", (_, schema, wanted) => {
    expect(read(schema)).toEqual(wanted);
  });

  test.each([
    [
      "an estimator",
      node("ObjectNode", { content: dictionary({ a: json("1") }) }, "sklearn.svm.SVC"),
      "sklearn.svm.SVC",
      [],
      new Map([["a", 1]]),
    ],
    ["an object without a state", node("ObjectNode", {}, "sklearn.x.Y"), "sklearn.x.Y", [], null],
    [
      "a tree",
      node(
        "TreeNode",
        { __reduce__: { args: list(json("4")) }, content: dictionary({ n: json("2") }) },
        "sklearn.tree._tree.Tree",
      ),
      "sklearn.tree._tree.Tree",
      [4],
      new Map([["n", 2]]),
    ],
    [
      "a loss",
      node("LossNode", { __reduce__: { args: list() }, content: dictionary({}) }, "_loss.Cy"),
      "_loss.Cy",
      [],
      new Map(),
    ],
    ["a slice", node("SliceNode", { content: { start: 0, stop: 2, step: null } }), "builtins.slice", [0, 2, null], null],
    ["what its arguments make", node("ConstructorFromReduceNode", { content: list(json("3")) }, "a.B"), "a.B", [3], null],
    [
      "a random state",
      node("RandomStateNode", { content: dictionary({}) }, "numpy.random.mtrand.RandomState"),
      "numpy.random.mtrand.RandomState",
      [],
      null,
    ],
    [
      "a random generator",
      node("RandomGeneratorNode", { content: {} }, "numpy.random.Generator"),
      "numpy.random.Generator",
      [],
      null,
    ],
    [
      "a masked array",
      node("MaskedArrayNode", { content: { data: json("1"), mask: json("2") } }, "numpy.ma.MaskedArray"),
      "numpy.ma.MaskedArray",
      [1, 2],
      null,
    ],
    [
      "an operator",
      node("OperatorFuncNode", { attrs: list(json('"a"')) }, "operator.attrgetter"),
      "operator.attrgetter",
      ["a"],
      null,
    ],
    ["a method", node("MethodNode", { content: { func: "fit", obj: json("1") } }), "builtins.getattr", [1, "fit"], null],
    [
      "a partial call",
      node(
        "PartialNode",
        { content: { func: type("a.f"), args: list(), kwds: dictionary({}), namespace: dictionary({}) } },
        "functools.partial",
      ),
      "functools.partial",
      [new PickleName("a", "f")],
      [new PickleName("a", "f"), [], new Map(), new Map()],
    ],
  ])("%s", (_, schema, name, args, state) => {
    const object = read(schema) as PickleObject;
    expect(object).toBeInstanceOf(PickleObject);
    expect([object.type.full, object.args, object.state]).toEqual([name, args, state]);
  });

  test("arrays of numbers, scalars, types, arrays of objects and sparse matrices", () => {
    const array = node("NdArrayNode", { type: "numpy", file: "1.npy" }, "numpy.ndarray");
    expect([...NumpyArray.of(read(array))!.numbers()]).toEqual([1, 2]);
    expect(read(node("NdArrayNode", { type: "numpy", file: "1.npy" }, "numpy.float64"))).toBe(1);
    expect(read(node("DTypeNode", { content: array }))).toMatchObject({ args: ["f8", false, true] });
    const texts = { type: "json", shape: list(json("2"), json("1")), content: [list(json('"a"')), list(json("null"))] };
    const objects = NumpyArray.of(read(node("NdArrayNode", texts, "numpy.ndarray")))!;
    expect([objects.shape, objects.values()]).toEqual([
      [2, 1],
      ["a", null],
    ]);
    const sparse = read(
      node("SparseMatrixNode", { type: "scipy", file: "3.npz" }, "scipy.sparse._csr.csr_matrix"),
    ) as PickleObject;
    expect([...(sparse.state as Map<string, PickleValue>).keys()]).toEqual(["data", "_shape"]);
  });

  test("an object that is there twice is the same", () => {
    const shared = { ...(list(json("1")) as object), __id__: 5 };
    const [one, other] = read(list(shared, shared, node("CachedNode", { __id__: 5 }))) as PickleValue[];
    expect(one).toBe(other);
  });
});

describe("refuses", () => {
  const within = { ...(node("ListNode", { content: [node("ListNode", { content: [], __id__: 1 })] }) as object), __id__: 1 };
  let deep: Json = json("1");
  for (let i = 0; i < 300; i++) deep = list(deep);
  test.each([
    [
      "a name that is no model's",
      node("ObjectNode", {}, "os.system"),
      "invalid-argument",
      "schema.json names os.system, which is not a model's part",
    ],
    ["an object within itself", within, "data-loss", "schema.json has an object within itself"],
    ["nodes that are deep", deep, "resource-exhausted", "schema.json has more than 200 nodes within one another"],
    [
      "an unknown node",
      node("KerasNode", {}),
      "unimplemented",
      "schema.json has a KerasNode, which is not known: save the model with joblib.dump",
    ],
    [
      "a file that is not there",
      node("BytesNode", { file: "../x" }),
      "data-loss",
      "schema.json refers to ..?x, which is not in the archive",
    ],
    ["a value that is code", json("__import__('os')"), "data-loss", "schema.json has a value that is no JSON"],
    ["a value that is a list", json("[[]]"), "data-loss", "schema.json has a value that is no single one"],
    ["no node", [], "data-loss", "schema.json has something else where a node is expected"],
    [
      "keys without types",
      node("DictNode", { content: { a: json("1") }, key_types: list() }),
      "data-loss",
      "schema.json has a dictionary without the types of its keys",
    ],
    [
      "a cached node of nothing",
      node("CachedNode", { __id__: 8 }),
      "data-loss",
      "schema.json refers to an object that is not there",
    ],
  ])("%s", (_, schema, code, message) => {
    const allows = ({ module }: PickleName) => module !== "os";
    expect(() => read(schema, allows)).toThrow(expect.objectContaining({ code, message }));
  });

  test("an archive without a schema, and one that inflates to more than it may", async () => {
    const open = (bytes: Buffer) => readSkopsFile("model.skops", bytes, () => true, never);
    await expect(open(zip([{ name: "a", content: "b" }]))).rejects.toMatchObject({
      code: "data-loss",
      message: "it is an archive without schema.json, so none of skops's",
    });
    await expect(open(zip([{ name: "schema.json", content: Buffer.alloc(3e6) }]))).rejects.toMatchObject({
      code: "resource-exhausted",
    });
    const inner = zip([{ name: "data.npy", content: Buffer.alloc(3e6) }]);
    const outer = zip([
      { name: "schema.json", content: "{}" },
      { name: "1.npz", content: inner },
    ]);
    await expect(open(outer)).rejects.toMatchObject({ code: "resource-exhausted" });
  });
});

test("a model cut off anywhere, or with another byte, is refused with an error of its own", async () => {
  const whole = readFileSync(join(FIXTURES, "logreg_iris/model.skops"));
  for (let i = 0; i < 200; i++) {
    const at = Math.floor((i * whole.length) / 200);
    const changed = Buffer.from(whole);
    changed[at] ^= 0x11;
    for (const bytes of [whole.subarray(0, at), changed]) {
      const reason = await readSkopsFile("model.skops", bytes, () => true, never).catch((error: unknown) => error);
      if (reason instanceof Error) expect(reason).toMatchObject({ name: "ServingError" });
      else expect(bytes.length).toBe(whole.length);
    }
  }
});
