import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServingError } from "../../base/serving-error.ts";
import { SignatureDefSchema } from "../../gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import { type SavedModel as SavedModelMessage, SavedModelSchema } from "../../gen/tensorflow/core/protobuf/saved_model_pb.ts";
import { readSavedModel, type SavedModel } from "./saved-model.ts";
import { TestWindow } from "./test-window.ts";

const FIXTURES = resolve(import.meta.dirname, "../../../test/fixtures/tensorflow");
const MODELS = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("saved_model.pb"));
const NEVER = new AbortController().signal;

/** Small, so that the window has to be moved. */
const AT_HAND = 64;

function read(bytes: Uint8Array, atHand = 64 * 1024): Promise<SavedModel> {
  return readSavedModel(new TestWindow(bytes, atHand), "m.pb", NEVER);
}

/** The plain twin: the generated code's message. */
function plain(message: SavedModelMessage): unknown {
  return {
    schemaVersion: Number(message.savedModelSchemaVersion),
    metaGraphs: message.metaGraphs.map(({ metaInfoDef, graphDef, signatureDef, collectionDef }) => {
      const functions = graphDef?.library?.function ?? [];
      const names = functions.map(({ signature }) => signature?.name);
      const ops = [...(graphDef?.node ?? []), ...functions.flatMap(({ nodeDef }) => nodeDef)].map(({ op }) => op);
      return {
        tags: metaInfoDef?.tags ?? [],
        tensorflowVersion: metaInfoDef?.tensorflowVersion ?? "",
        signatures: new Map(Object.entries(signatureDef)),
        opTypes: new Set(ops.filter((op) => op !== "" && !names.includes(op))),
        hooks: new Set(Object.keys(collectionDef).filter((name) => /^(pre|post)process_function$/.test(name))),
      };
    }),
  };
}

function parsed({ schemaVersion, metaGraphs }: SavedModel): unknown {
  const definitions = (signatures: ReadonlyMap<string, Uint8Array>) =>
    new Map([...signatures].map(([name, bytes]) => [name, fromBinary(SignatureDefSchema, bytes)]));
  return { schemaVersion, metaGraphs: metaGraphs.map((graph) => ({ ...graph, signatures: definitions(graph.signatures) })) };
}

test.each(MODELS)("reads %s as the generated code does", async (name) => {
  const bytes = readFileSync(join(FIXTURES, name));
  const expected = plain(fromBinary(SavedModelSchema, bytes));
  expect(parsed(await read(bytes))).toEqual(expected);
  expect(parsed(await read(bytes, AT_HAND))).toEqual(expected);
});

test("reads random models as the generated code does", async () => {
  const name = fc.constantFrom("", "a", "MatMul", "inner", "__proto__", "long".repeat(40));
  const node = fc.record({ name, op: name });
  const signature = fc.dictionary(name, fc.record({ methodName: name }), { noNullPrototype: false });
  const metaGraph = fc.record(
    {
      metaInfoDef: fc.record({ tags: fc.array(name, { maxLength: 3 }), tensorflowVersion: name }),
      graphDef: fc.record({
        node: fc.array(node, { maxLength: 4 }),
        library: fc.record({
          function: fc.array(fc.record({ signature: fc.record({ name }), nodeDef: fc.array(node, { maxLength: 3 }) })),
        }),
      }),
      signatureDef: signature,
      collectionDef: fc.dictionary(
        fc.constantFrom("preprocess_function", "postprocess_function", "variables"),
        fc.record({
          kind: fc.record({ case: fc.constant("bytesList" as const), value: fc.record({ value: fc.array(fc.uint8Array()) }) }),
        }),
        { noNullPrototype: false },
      ),
    },
    { requiredKeys: [] },
  );
  const model = fc.record({
    savedModelSchemaVersion: fc.bigInt(0n, 2n ** 40n),
    metaGraphs: fc.array(metaGraph, { minLength: 1, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(model, async (fields) => {
      const message = create(SavedModelSchema, fields as MessageInitShape<typeof SavedModelSchema>);
      expect(parsed(await read(toBinary(SavedModelSchema, message), AT_HAND))).toEqual(plain(message));
    }),
    { numRuns: 200 },
  );
});

/** A field with bytes in it. */
function part(field: number, ...content: (Uint8Array | string)[]): Buffer {
  const bytes = Buffer.concat(content.map((each) => Buffer.from(each as string)));
  const header = [field * 8 + 2];
  let length = bytes.length;
  for (; length > 127; length >>>= 7) header.push((length & 127) | 128);
  return Buffer.concat([Buffer.from([...header, length]), bytes]);
}

describe("of fields that come again", () => {
  const signature = (name: string, ...values: Buffer[]) => part(5, part(1, name), ...values.map((value) => part(2, value)));

  test.each<[string, Buffer, object]>([
    [
      "information merges, its tags in a row",
      Buffer.concat([part(1, part(4, "a")), part(1, part(4, "b"))]),
      { tags: ["a", "b"] },
    ],
    ["the last version counts", part(1, part(5, "1.15"), part(5, "2.18")), { tensorflowVersion: "2.18" }],
    [
      "graphs merge",
      Buffer.concat([part(2, part(1, part(2, "A"))), part(2, part(1, part(2, "B")))]),
      { opTypes: new Set(["A", "B"]) },
    ],
    ["the last operation of a node counts", part(2, part(1, part(2, "A"), part(2, "B"))), { opTypes: new Set(["B"]) }],
    [
      "signatures of one function merge",
      part(2, part(2, part(1, part(1, part(1, "f")), part(1, part(1, "g")))), part(1, part(2, "f")), part(1, part(2, "g"))),
      { opTypes: new Set(["f"]) },
    ],
    [
      "the last signature of a name counts",
      Buffer.concat([signature("s", part(3, "m")), signature("s", part(3, "n"))]),
      { signatures: new Map([["s", new Uint8Array(part(3, "n"))]]) },
    ],
    [
      "values of one entry merge",
      signature("s", part(3, "m"), part(3, "n")),
      { signatures: new Map([["s", new Uint8Array(Buffer.concat([part(3, "m"), part(3, "n")]))]]) },
    ],
  ])("%s", async (_, fields, expected) => {
    const { metaGraphs } = await read(part(2, fields));
    expect(metaGraphs).toEqual([expect.objectContaining(expected)]);
  });
});

test("leaves out functions of the graph, wherever they stand", async () => {
  const node = (op: string) => part(1, part(1, "name"), part(2, op));
  const library = part(2, part(1, part(1, part(1, "inner")), part(3, part(2, "Deep"))));
  const { metaGraphs } = await read(part(2, part(2, node("inner"), library, node("Top"))));
  expect(metaGraphs[0]?.opTypes).toEqual(new Set(["Deep", "Top"]));
});

test("reads no constants", async () => {
  const node = (op: string) => part(1, part(2, op), part(5, Buffer.alloc(2 ** 21)));
  const window = new TestWindow(part(2, part(2, node("A"), node("B"))));
  const { metaGraphs } = await readSavedModel(window, "m.pb", NEVER);
  expect(metaGraphs[0]?.opTypes).toEqual(new Set(["A", "B"]));
  expect(window.moves).toBe(2);
});

test("reads a signature that is longer than what is at hand", async () => {
  const method = "m".repeat(100_000);
  const { metaGraphs } = await read(part(2, part(5, part(1, "s"), part(2, part(3, method)))));
  expect(fromBinary(SignatureDefSchema, metaGraphs[0]!.signatures.get("s")!).methodName).toBe(method);
});

describe("refuses, naming the file", () => {
  const graph = part(2);
  test.each<[string, Buffer, string, string]>([
    ["an empty file", Buffer.alloc(0), "data-loss", "m.pb is empty"],
    ["a file without a graph", Buffer.from([8, 1]), "invalid-argument", "m.pb is not a SavedModel: it holds no graph"],
    ["a GraphDef", part(1, part(1, "x"), part(2, "Const")), "data-loss", "its version is no number, as in a GraphDef at byte 0"],
    ["an end inside a number", Buffer.concat([graph, Buffer.from([8, 0x80])]), "data-loss", "it ends inside a number at byte 4"],
    [
      "a part too long for the one it is in",
      Buffer.from([0x12, 2, 0x0a, 5]),
      "data-loss",
      "a part of 5 bytes ends outside the one it is in at byte 4",
    ],
    ["a tag that never ends", Buffer.alloc(9, 0x80), "data-loss", "a number is too long at byte 5"],
    ["a tag above all", Buffer.from("ffffffff7f00", "hex"), "data-loss", "a field number is too large at byte 0"],
    ["a field numbered 0", Buffer.from([2, 0]), "data-loss", "there is a field numbered 0 at byte 0"],
    ["a group", Buffer.from([0x0b, 0x0c]), "data-loss", "there is a field of an unknown kind at byte 0"],
    ["a name that is no text", part(2, part(1, part(4, Buffer.from([255])))), "data-loss", "a string is not UTF-8 at byte 4"],
    ["a broken entry", part(2, part(5, Buffer.from([0x0a, 9]))), "data-loss", "it is cut off at byte 2"],
  ])("%s", async (_, bytes, code, message) => {
    const error = await read(bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServingError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect((error as ServingError).message).toMatch(/^m\.pb is (?:empty|not a)/);
  });

  test("one cut off anywhere, unless what is left is whole", async () => {
    const bytes = readFileSync(join(FIXTURES, "tf1_counter/1/saved_model.pb"));
    for (let length = 0; length < bytes.length; length++) {
      const error = await read(bytes.subarray(0, length)).catch((reason: unknown) => reason);
      expect(error, `cut at ${length}`).toBeInstanceOf(ServingError);
    }
  });

  test.each<[string, () => Buffer]>([
    ["signatures", () => part(2, ...times(17, part(5, part(1, "s"), part(2, part(3, Buffer.alloc(2 ** 22))))))],
    [
      "names of operations",
      () => part(2, part(2, ...times(17, "").map((_, i) => part(1, part(2, `${i}`, Buffer.alloc(2 ** 22, "x")))))),
    ],
    ["empty tags", () => part(2, part(1, Buffer.alloc(2 ** 23, part(4))))],
    ["empty graphs", () => Buffer.alloc(2 ** 18, part(2))],
  ])("more %s than memory is given for", async (_, bytes) => {
    await expect(read(bytes())).rejects.toMatchObject({
      message: expect.stringMatching(
        /^m\.pb is not a sound SavedModel: its names and signatures have more than 67108864 bytes at byte/,
      ),
    });
  });

  test("one name that is longer than all may be", async () => {
    const bytes = part(2, part(1, part(5, Buffer.alloc(2 ** 26 + 1, "x"))));
    await expect(read(bytes)).rejects.toMatchObject({
      message: expect.stringContaining("a part is too long to be read at byte"),
    });
  });
});

function times<Value>(count: number, value: Value): Value[] {
  return Array.from({ length: count }, () => value);
}

test("stops when it is cancelled", async () => {
  await expect(readSavedModel(new TestWindow(part(2)), "m.pb", AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
});
