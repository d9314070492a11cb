import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { DataType } from "../gen/tensorflow/core/framework/types_pb.ts";
import { ClassificationRequestSchema } from "../gen/tensorflow_serving/apis/classification_pb.ts";
import { MultiInferenceRequestSchema } from "../gen/tensorflow_serving/apis/inference_pb.ts";
import { LogMetadataSchema } from "../gen/tensorflow_serving/apis/logging_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../gen/tensorflow_serving/apis/predict_pb.ts";
import { stringTensor, type Tensor } from "../tensor/tensor.ts";
import type { ModelSpec } from "./model-spec.ts";
import { encodePlanned } from "./prediction-log.ts";
import {
  ExampleRequestPlan,
  LogMetadataPlan,
  MultiInferenceRequestPlan,
  PredictRequestPlan,
  PredictResponsePlan,
} from "./prediction-log-plans.ts";

function message<Schema extends DescMessage>(schema: Schema, init: object): MessageShape<Schema> {
  return create(schema, init as MessageInitShape<Schema>);
}

const SERVED = { name: "iris", version: 2n ** 40n, signatureName: "serving_default" };
const SERVED_MESSAGE = {
  name: "iris",
  versionChoice: { case: "version", value: { value: 2n ** 40n } },
  signatureName: "serving_default",
} as const;

const SPECS: readonly (readonly [ModelSpec, object])[] = [
  [{ name: "iris", signatureName: "" }, { name: "iris" }],
  [
    { name: "blume ü", version: 0n, signatureName: "sig" },
    { name: "blume ü", versionChoice: { case: "version", value: { value: 0n } }, signatureName: "sig" },
  ],
  [
    { name: "iris", version: -1n, signatureName: "" },
    { name: "iris", versionChoice: { case: "version", value: { value: -1n } } },
  ],
  [
    { name: "iris", versionLabel: "canary", signatureName: "" },
    { name: "iris", versionChoice: { case: "versionLabel", value: "canary" } },
  ],
];

const TENSORS: ReadonlyMap<string, Tensor> = new Map<string, Tensor>([
  ["x", { dtype: "float32", shape: [2], data: Float32Array.of(1, -0.5) }],
  ["n", { dtype: "int64", shape: [], data: BigInt64Array.of(-3n) }],
  ["s", stringTensor([1, 2], ["a", Uint8Array.of(255)])],
  ["none", { dtype: "float32", shape: [0, 3], data: new Float32Array(0) }],
]);

const dim = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size: BigInt(size) })) });
const TENSOR_MESSAGES = {
  x: { dtype: DataType.DT_FLOAT, tensorShape: dim(2), tensorContent: Buffer.from("0000803f000000bf", "hex") },
  n: { dtype: DataType.DT_INT64, tensorShape: dim(), tensorContent: Buffer.from("fdffffffffffffff", "hex") },
  s: { dtype: DataType.DT_STRING, tensorShape: dim(1, 2), stringVal: [Buffer.from("a"), Buffer.of(255)] },
  none: { dtype: DataType.DT_FLOAT, tensorShape: dim(0, 3) },
};

describe("messages of a log are what the generated code reads", () => {
  test.each(SPECS)("a predict request with the spec %o", (spec, modelSpec) => {
    const read = fromBinary(PredictRequestSchema, encodePlanned(new PredictRequestPlan(spec, TENSORS, ["y", ""])));
    const expected = message(PredictRequestSchema, { modelSpec, inputs: TENSOR_MESSAGES, outputFilter: ["y", ""] });
    expect(toBinary(PredictRequestSchema, read)).toEqual(toBinary(PredictRequestSchema, expected));
  });

  test("a predict response", () => {
    const read = fromBinary(PredictResponseSchema, encodePlanned(new PredictResponsePlan(SERVED, TENSORS)));
    const expected = message(PredictResponseSchema, { modelSpec: SERVED_MESSAGE, outputs: TENSOR_MESSAGES });
    expect(toBinary(PredictResponseSchema, read)).toEqual(toBinary(PredictResponseSchema, expected));
  });

  test.each([0, 1, 3])("a classification request of %i examples", (count) => {
    const examples = Array.from({ length: count }, () => ({ features: { feature: { x: { kind: INT64 } } } }));
    const bytes = Buffer.from(EXAMPLE_BYTES, "hex");
    const read = fromBinary(
      ClassificationRequestSchema,
      encodePlanned(
        new ExampleRequestPlan(
          SPECS[0]![0],
          examples.map(() => bytes),
        ),
      ),
    );
    expect(read).toEqual(
      message(ClassificationRequestSchema, {
        modelSpec: { name: "iris" },
        input: { kind: { case: "exampleList", value: { examples } } },
      }),
    );
  });

  test("a multi-inference request", () => {
    const tasks = [
      { spec: { name: "iris", signatureName: "a" }, methodName: "tensorflow/serving/classify" },
      { spec: { name: "iris", signatureName: "b" }, methodName: "tensorflow/serving/regress" },
    ];
    const read = fromBinary(
      MultiInferenceRequestSchema,
      encodePlanned(new MultiInferenceRequestPlan(tasks, [Buffer.from(EXAMPLE_BYTES, "hex")])),
    );
    expect(read).toEqual(
      message(MultiInferenceRequestSchema, {
        tasks: tasks.map(({ spec, methodName }) => ({ modelSpec: spec, methodName })),
        input: {
          kind: { case: "exampleList", value: { examples: [{ features: { feature: { x: { kind: INT64 } } } }] } },
        },
      }),
    );
  });

  test("the metadata", () => {
    const read = fromBinary(LogMetadataSchema, encodePlanned(new LogMetadataPlan(SERVED, 0.25, 1_700_000_000)));
    expect(read).toEqual(
      message(LogMetadataSchema, {
        modelSpec: SERVED_MESSAGE,
        samplingConfig: { samplingRate: 0.25 },
        timestampSecs: 1_700_000_000n,
      }),
    );
  });
});

const INT64 = { case: "int64List", value: { value: [5n] } } as const;
const EXAMPLE_BYTES = "0a0c0a0a0a017812051a030a0105";
