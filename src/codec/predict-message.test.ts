import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Int64ValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TensorProtoSchema } from "../gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../gen/tensorflow_serving/apis/predict_pb.ts";
import { stringTensor, type Tensor, zeros } from "../tensor/tensor.ts";
import type { ModelSpec } from "./model-spec.ts";
import { decodePredictRequest, encodePredictResponse } from "./predict-message.ts";
import { decodeTensorProto } from "./tensor-proto.ts";

/** The text with lone surrogates replaced, as UTF-8 has it. */
const wellFormed = (text: string) => Buffer.from(text).toString();

const TEXT = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => wellFormed(text));
const VERSION_CHOICE = fc.oneof(
  fc.constant({ case: undefined }),
  fc.record({ case: fc.constant("version" as const), value: fc.record({ value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }) }),
  fc.record({ case: fc.constant("versionLabel" as const), value: TEXT }),
);
const REQUEST = fc.record({
  modelSpec: fc.option(fc.record({ name: TEXT, signatureName: TEXT, versionChoice: VERSION_CHOICE }), { nil: undefined }),
  inputs: fc
    .array(fc.tuple(TEXT, fc.array(fc.float())))
    .map((entries) => Object.fromEntries(entries.map(([alias, floatVal]) => [alias, { dtype: DataType.DT_FLOAT, floatVal }]))),
  outputFilter: fc.array(TEXT, { maxLength: 4 }),
  clientId: fc.uint8Array({ maxLength: 5 }),
});

/** The plain twin: the generated code's message in our form. */
function plainDecode(bytes: Uint8Array) {
  const { modelSpec, inputs, outputFilter } = fromBinary(PredictRequestSchema, bytes);
  const spec: ModelSpec | undefined = modelSpec && {
    name: modelSpec.name,
    signatureName: modelSpec.signatureName,
    ...(modelSpec.versionChoice.case === "version" && { version: modelSpec.versionChoice.value.value }),
    ...(modelSpec.versionChoice.case === "versionLabel" && { versionLabel: modelSpec.versionChoice.value }),
  };
  return { spec, inputs: Object.entries(inputs), outputFilter };
}

function compare(bytes: Uint8Array): void {
  const request = decodePredictRequest(bytes);
  const plain = plainDecode(bytes);
  expect(request.modelSpec).toEqual(plain.spec);
  expect(request.outputFilter).toEqual(plain.outputFilter);
  expect([...request.inputs.keys()].sort()).toEqual(plain.inputs.map(([alias]) => alias).sort());
  for (const [alias, message] of plain.inputs) {
    const ours = fromBinary(TensorProtoSchema, request.inputs.get(alias)!);
    expect(toBinary(TensorProtoSchema, ours)).toEqual(toBinary(TensorProtoSchema, message));
  }
}

describe("requests", () => {
  test("are read as the generated code reads them", () => {
    fc.assert(
      fc.property(REQUEST, (init) => compare(toBinary(PredictRequestSchema, create(PredictRequestSchema, init as never)))),
      { numRuns: 200 },
    );
  });

  test("two messages put together merge as the generated code merges them", () => {
    fc.assert(
      fc.property(REQUEST, REQUEST, (first, second) => {
        const parts = [first, second].map((init) => toBinary(PredictRequestSchema, create(PredictRequestSchema, init as never)));
        compare(Buffer.concat(parts));
      }),
      { numRuns: 200 },
    );
  });

  test("an entry without key or value has an empty one, and values of one entry merge", () => {
    const scalar = toBinary(TensorProtoSchema, create(TensorProtoSchema, { dtype: DataType.DT_FLOAT, floatVal: [1] }));
    const more = toBinary(TensorProtoSchema, create(TensorProtoSchema, { tensorShape: { dim: [{ size: 1n }] } }));
    const bytes = new BinaryWriter()
      .tag(2, WireType.LengthDelimited)
      .fork()
      .tag(2, WireType.LengthDelimited)
      .bytes(scalar)
      .tag(2, WireType.LengthDelimited)
      .bytes(more)
      .join()
      .tag(2, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.LengthDelimited)
      .string("bare")
      .join()
      .finish();
    compare(bytes);
    const { inputs } = decodePredictRequest(bytes);
    expect(decodeTensorProto(inputs.get("")!)).toEqual({ dtype: "float32", shape: [1], data: Float32Array.of(1) });
    expect(inputs.get("bare")).toEqual(new Uint8Array(0));
  });

  test("names such as __proto__ are names like others", () => {
    const bytes = new BinaryWriter()
      .tag(2, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.LengthDelimited)
      .string("__proto__")
      .join()
      .finish();
    expect([...decodePredictRequest(bytes).inputs.keys()]).toEqual(["__proto__"]);
  });

  test("an absent model_spec is told from an empty one", () => {
    expect(decodePredictRequest(new Uint8Array(0)).modelSpec).toBeUndefined();
    expect(decodePredictRequest(Uint8Array.of(0x0a, 0)).modelSpec).toEqual({ name: "", signatureName: "" });
  });

  test("a version wrapper without a value is version 0", () => {
    expect(decodePredictRequest(Uint8Array.of(0x0a, 2, 0x12, 0)).modelSpec?.version).toBe(0n);
  });

  test.each([
    ["inputs", Uint8Array.of(0x12, 0)],
    ["output names", Uint8Array.of(0x1a, 0)],
  ])("a million %s are refused", (_, entry) => {
    const bytes = new Uint8Array(2 * 1_000_000 * 3);
    for (let i = 0; i < bytes.length; i += 2) bytes.set(entry, i);
    expect(() => decodePredictRequest(bytes)).toThrow(/more than the 134217728 bytes/);
  });
});

describe("responses", () => {
  const spec = { name: "modèle", version: 7n, signatureName: "serving_default" };
  const outputs = new Map<string, Tensor>([
    ["y", { dtype: "float32", shape: [2], data: Float32Array.of(2.5, -1) }],
    ["labels", stringTensor([2, 1], ["ja", "nein"])],
    ["counts", { dtype: "int64", shape: [3], data: BigInt64Array.of(-1n, 0n, 2n ** 40n) }],
    ["none", zeros("float64", [0])],
  ]);

  test.each([false, true])("are what the generated code writes (content: %s)", (asTensorContent) => {
    const bytes = encodePredictResponse(spec, outputs, asTensorContent);
    const message = fromBinary(PredictResponseSchema, bytes);
    expect(toBinary(PredictResponseSchema, message)).toEqual(Uint8Array.from(bytes));
    expect(message.modelSpec).toMatchObject({
      name: "modèle",
      signatureName: "serving_default",
      versionChoice: { case: "version", value: { value: 7n } },
    });
    for (const [alias, tensor] of outputs) {
      expect(decodeTensorProto(toBinary(TensorProtoSchema, message.outputs[alias]))).toEqual(tensor);
    }
    expect(message.outputs.y.tensorContent.length).toBe(asTensorContent ? 8 : 0);
  });

  test("begin after the headroom", () => {
    const bare = encodePredictResponse(spec, outputs, false);
    const bytes = encodePredictResponse(spec, outputs, false, 14);
    expect([...bytes.subarray(0, 14)]).toEqual(Array.from({ length: 14 }, () => 0));
    expect(bytes.subarray(14)).toEqual(bare);
  });

  test("version 0 is an empty wrapper, not an absent one", () => {
    const message = fromBinary(
      PredictResponseSchema,
      encodePredictResponse({ name: "m", version: 0n, signatureName: "s" }, new Map(), false),
    );
    expect(message.modelSpec?.versionChoice).toEqual({ case: "version", value: create(Int64ValueSchema) });
  });

  test("known bytes", () => {
    const one = new Map<string, Tensor>([["y", { dtype: "float32", shape: [1], data: Float32Array.of(1) }]]);
    const bytes = encodePredictResponse({ name: "m", version: 1n, signatureName: "s" }, one, false);
    expect(Buffer.from(bytes).toString("hex")).toBe(
      "0a130a01" + "79120e0801" + "120412020801" + "2a040000803f" + "120a0a016d" + "120208011a0173",
    );
  });
});
