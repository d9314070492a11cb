import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TensorProtoSchema } from "../gen/tensorflow/core/framework/tensor_pb.ts";
import { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import { SessionRunRequestSchema, SessionRunResponseSchema } from "../gen/tensorflow_serving/apis/session_service_pb.ts";
import { stringTensor, type Tensor, zeros } from "../tensor/tensor.ts";
import { decodeSessionRunRequest, encodeSessionRunResponse } from "./session-run-message.ts";
import { decodeTensorProto } from "./tensor-proto.ts";

const TEXT = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => Buffer.from(text).toString());
const NAMES = fc.array(TEXT, { maxLength: 4 });
const REQUEST = fc.record({
  modelSpec: fc.option(fc.record({ name: TEXT, signatureName: TEXT }), { nil: undefined }),
  feed: fc.array(
    fc.record({
      name: TEXT,
      tensor: fc.option(
        fc.array(fc.float()).map((floatVal) => ({ dtype: DataType.DT_FLOAT, floatVal })),
        { nil: undefined },
      ),
    }),
  ),
  fetch: NAMES,
  target: NAMES,
  options: fc.option(
    fc.record({ timeoutInMs: fc.bigInt(-(2n ** 53n), 2n ** 53n), interOpThreadPool: fc.integer({ min: -1, max: 3 }) }),
    { nil: undefined },
  ),
  tensorNameIsAlias: fc.boolean(),
});

/** Serializes a TensorProto anew, so that two are alike when they mean the same. */
const normal = (bytes: Uint8Array) => toBinary(TensorProtoSchema, fromBinary(TensorProtoSchema, bytes));

function serialize(init: unknown): Uint8Array {
  return toBinary(SessionRunRequestSchema, create(SessionRunRequestSchema, init as never));
}

/** Compares with the generated code. */
function compare(bytes: Uint8Array): void {
  const request = decodeSessionRunRequest(bytes);
  const plain = fromBinary(SessionRunRequestSchema, bytes);
  const timeout = Number(plain.options?.timeoutInMs ?? 0n);
  expect(request.modelSpec?.name).toBe(plain.modelSpec?.name);
  expect(request.modelSpec?.signatureName).toBe(plain.modelSpec?.signatureName);
  expect([request.fetches, request.targets]).toEqual([plain.fetch, plain.target]);
  expect(request.feeds.map(({ name, tensor }) => [name, normal(tensor)])).toEqual(
    plain.feed.map(({ name, tensor }) => [name, toBinary(TensorProtoSchema, tensor ?? create(TensorProtoSchema))]),
  );
  expect([request.timeoutMs, request.namesAreAliases]).toEqual([Math.max(0, timeout), plain.tensorNameIsAlias]);
  expect(request.message).toBe(bytes);
}

describe("requests", () => {
  test("are read as the generated code reads them", () => {
    fc.assert(
      fc.property(REQUEST, (init) => compare(serialize(init))),
      { numRuns: 200 },
    );
  });

  test("two messages put together merge as the generated code merges them", () => {
    fc.assert(
      fc.property(REQUEST, REQUEST, (first, second) => compare(Buffer.concat([serialize(first), serialize(second)]))),
      { numRuns: 200 },
    );
  });

  test("tensors of one feed merge", () => {
    const scalar = toBinary(TensorProtoSchema, create(TensorProtoSchema, { dtype: DataType.DT_FLOAT, floatVal: [1] }));
    const shape = toBinary(TensorProtoSchema, create(TensorProtoSchema, { tensorShape: { dim: [{ size: 1n }] } }));
    const feed = new BinaryWriter().tag(2, WireType.LengthDelimited).fork();
    for (const part of [scalar, shape]) feed.tag(2, WireType.LengthDelimited).bytes(part);
    const [read] = decodeSessionRunRequest(feed.join().finish()).feeds;
    expect(decodeTensorProto(read!.tensor)).toEqual({ dtype: "float32", shape: [1], data: Float32Array.of(1) });
  });

  test("keep a name that is fed twice", () => {
    const { feeds } = decodeSessionRunRequest(serialize({ feed: [{ name: "x:0" }, { name: "x:0" }] }));
    expect(feeds.map(({ name }) => name)).toEqual(["x:0", "x:0"]);
  });

  test.each([
    ["cut off", Uint8Array.of(0x12, 5, 0x0a)],
    ["a name that is not UTF-8", Uint8Array.of(0x1a, 1, 0xff)],
    ["options that are cut off", Uint8Array.of(0x2a, 1, 0x10)],
  ])("that are malformed are refused: %s", (_, bytes) => {
    expect(() => decodeSessionRunRequest(bytes)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  test.each([
    ["feeds", 0x12],
    ["fetches", 0x1a],
    ["targets", 0x22],
  ])("a few million %s are refused", (_, tag) => {
    const bytes = new Uint8Array(2 * 3_000_000).map((_byte, index) => (index % 2 === 0 ? tag : 0));
    expect(() => decodeSessionRunRequest(bytes)).toThrow(/more than the 134217728 bytes/);
  });
});

describe("responses", () => {
  const spec = { name: "modèle", version: 7n, signatureName: "" };
  const names = ["y:0", "labels:0", "y:0", "none:1"];
  const y: Tensor = { dtype: "float32", shape: [2], data: Float32Array.of(2.5, -1) };
  const tensors: readonly Tensor[] = [y, stringTensor([2, 1], ["ja", "nein"]), y, zeros("float64", [0])];

  test.each([false, true])("are what the generated code writes, in the order of the names (content: %s)", (asTensorContent) => {
    const bytes = encodeSessionRunResponse(spec, names, tensors, asTensorContent);
    const message = fromBinary(SessionRunResponseSchema, bytes);
    expect(toBinary(SessionRunResponseSchema, message)).toEqual(Uint8Array.from(bytes));
    expect(message.tensor.map(({ name }) => name)).toEqual(names);
    expect(message.tensor.map(({ tensor }) => decodeTensorProto(toBinary(TensorProtoSchema, tensor!)))).toEqual(tensors);
    expect(message.tensor[0]!.tensor!.tensorContent.length).toBe(asTensorContent ? 8 : 0);
    expect(message.modelSpec).toMatchObject({
      name: "modèle",
      signatureName: "",
      versionChoice: { case: "version", value: { value: 7n } },
    });
    expect(message.metadata).toBeUndefined();
  });
});
