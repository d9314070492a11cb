import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SignatureDefSchema } from "../gen/tensorflow/core/protobuf/meta_graph_pb.ts";
import { SavedModelSchema } from "../gen/tensorflow/core/protobuf/saved_model_pb.ts";
import { readSignatureDef, type SignatureReading } from "./read-signature-def.ts";
import { plainSignature } from "./test-plain-signature.ts";

const ODD = resolve(import.meta.dirname, "../../test/fixtures/tensorflow/reading/odd_signatures/1/saved_model.pb");
const odd = fromBinary(SavedModelSchema, readFileSync(ODD)).metaGraphs[0]!.signatureDef;

function reading(name: string): SignatureReading {
  return readSignatureDef(toBinary(SignatureDefSchema, odd[name]!));
}

/** What was read in the plain twin's form. */
function plainForm({ signature, defaults }: SignatureReading) {
  const { inputs, outputs, methodName, uncallable } = signature;
  return { methodName, inputs, outputs, callable: uncallable === undefined, defaults: [...defaults.keys()].sort() };
}

test("reads names, types, shapes and dimension names in the order of the aliases", () => {
  const { signature } = reading("plain");
  expect(signature.inputs).toEqual([
    { alias: "a", name: "a:0", dtype: "string", shape: [-1, 4], dimensionNames: ["batch", ""] },
    { alias: "any", name: "any:0", dtype: "float32", shape: undefined },
    { alias: "scalar", name: "s:0", dtype: "float32", shape: [], optional: true },
    { alias: "shapeless", name: "n:0", dtype: "float32", shape: undefined },
    { alias: "z", name: "z:0", dtype: "float32", shape: [-1, 3] },
  ]);
  expect(signature).toMatchObject({
    methodName: "tensorflow/serving/predict",
    definition: toBinary(SignatureDefSchema, odd.plain!),
  });
  expect(signature.uncallable).toBeUndefined();
});

test("counts a reference type as what it refers to", () => {
  expect(reading("plain").signature.outputs).toEqual([{ alias: "r", name: "r:0", dtype: "float32", shape: [2] }]);
});

test("gives the defaults of inputs, and of nothing else", () => {
  expect([...reading("plain").defaults].map(([alias, bytes]) => [alias, bytes.length > 0])).toEqual([["scalar", true]]);
});

test("leaves out outputs that are no tensor", () => {
  expect(reading("partly").signature).toMatchObject({ outputs: [{ alias: "y" }] });
  expect(reading("partly").signature.uncallable).toBeUndefined();
});

test.each([
  ["sparse", 'input "x" is a sparse tensor'],
  ["composite", 'input "x" is a composite tensor'],
  ["resource", 'input "x" has the data type DT_RESOURCE'],
  ["quantized", 'input "x" has the data type DT_QINT8'],
  ["untyped", 'input "x" has the data type DT_INVALID'],
  ["__saved_model_init_op", "it has no output that is a tensor"],
  ["__proto__", "it has no output that is a tensor"],
])("the signature %s cannot be called: %s", (name, uncallable) => {
  expect(reading(name).signature.uncallable).toBe(uncallable);
});

test("keeps nothing of the bytes it was given", () => {
  const bytes = new Uint8Array(1000);
  bytes.set(toBinary(SignatureDefSchema, odd.plain!), 500);
  const { signature, defaults } = readSignatureDef(bytes.subarray(500, 500 + toBinary(SignatureDefSchema, odd.plain!).length));
  const { definition } = signature;
  expect(definition?.buffer.byteLength).toBe(definition?.length);
  for (const value of defaults.values()) expect(value.buffer.byteLength).toBe(value.length);
});

describe("of fields that come again", () => {
  const info = (hex: string) =>
    `0a${(hex.length / 2 + 5).toString(16).padStart(2, "0")}0a017812${(hex.length / 2).toString(16).padStart(2, "0")}${hex}`;
  test.each<[string, string, object]>([
    ["an alias that comes again replaces", `${info("0a01611001")}${info("0a01621002")}`, { name: "b", dtype: "float64" }],
    ["the last name and type count", info("0a0161100110020a0162"), { name: "b", dtype: "float64" }],
    ["shapes merge", info("0a016110011a0412020801" + "1a0412020802"), { shape: [1, 2] }],
    ["an unknown rank outlasts a piece that says nothing", info("0a016110011a0218011a00"), { shape: undefined }],
    ["a name behind a sparse tensor counts", info("100122000a0161"), { name: "a" }],
  ])("%s", (_, hex, expected) => {
    const { signature } = readSignatureDef(Buffer.from(hex, "hex"));
    expect(signature.inputs).toEqual([expect.objectContaining({ alias: "x", ...expected })]);
  });

  test("a sparse tensor behind a name counts", () => {
    const { signature } = readSignatureDef(Buffer.from(info("10010a01612200"), "hex"));
    expect(signature).toMatchObject({ inputs: [], uncallable: 'input "x" is a sparse tensor' });
  });
});

test("reads random signatures as the generated code has them", () => {
  const word = fc.constantFrom("", "a", "b:0", "ä", "__proto__");
  const dim = fc.record({ size: fc.constantFrom(-1n, 0n, 7n, -5n, 2n ** 53n, 2n ** 62n), name: word });
  const tensorInfo = fc.record(
    {
      encoding: fc.oneof(
        fc.record({ case: fc.constant("name" as const), value: word }),
        fc.record({ case: fc.constant("cooSparse" as const), value: fc.record({ valuesTensorName: word }) }),
        fc.record({ case: fc.constant("compositeTensor" as const), value: fc.constant({}) }),
      ),
      dtype: fc.constantFrom(0, 1, 7, 11, 20, 22, 101, 107, 111, 123, 200, -1),
      tensorShape: fc.record({ dim: fc.array(dim, { maxLength: 3 }), unknownRank: fc.boolean() }),
    },
    { requiredKeys: [] },
  );
  const infos = fc.dictionary(word, tensorInfo, { maxKeys: 4 });
  const defaults = fc.dictionary(word, fc.constant({ dtype: 1, floatVal: [1] }), { maxKeys: 2 });
  fc.assert(
    fc.property(fc.record({ inputs: infos, outputs: infos, methodName: word, defaults }), (fields) => {
      const message = create(SignatureDefSchema, fields as unknown as MessageInitShape<typeof SignatureDefSchema>);
      expect(plainForm(readSignatureDef(toBinary(SignatureDefSchema, message)))).toEqual(plainSignature(message));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["one cut off", "0a05"],
  ["a name that is no text", "1a01ff"],
  ["a broken tensor", "0a060a01781201ff"],
  ["broken parts that are not read here", "0a080a017812030a0180"],
  ["a broken type of a composite tensor", "120c0a017912072a050a031a01ff"],
])("refuses %s", (_, hex) => {
  expect(() => readSignatureDef(Buffer.from(hex, "hex"))).toThrow(
    expect.objectContaining({
      name: "ServingError",
      code: "invalid-argument",
      message: expect.stringMatching(/^malformed protobuf/),
    }),
  );
});
