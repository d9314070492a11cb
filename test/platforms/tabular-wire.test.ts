import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import { createStfsHandler } from "../../src/api/stfs/stfs-handler.ts";
import { CallRecorder } from "../../src/api/tfs-grpc/call-recorder.ts";
import { predictionServiceMethods } from "../../src/api/tfs-grpc/prediction-service.ts";
import { createTfsRestHandler } from "../../src/api/tfs-rest/tfs-rest-handler.ts";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { ServingError } from "../../src/base/serving-error.ts";
import { signatureDefMap } from "../../src/codec/signature-def.ts";
import { decodeTensorProto } from "../../src/codec/tensor-proto.ts";
import { encodeTensorProto } from "../../src/codec/tensor-proto-plan.ts";
import type { ExampleSchema } from "../../src/gen/tensorflow/core/example/example_pb.ts";
import type { FeatureSchema } from "../../src/gen/tensorflow/core/example/feature_pb.ts";
import { TensorProtoSchema } from "../../src/gen/tensorflow/core/framework/tensor_pb.ts";
import {
  ClassificationRequestSchema,
  ClassificationResponseSchema,
} from "../../src/gen/tensorflow_serving/apis/classification_pb.ts";
import { MultiInferenceRequestSchema, MultiInferenceResponseSchema } from "../../src/gen/tensorflow_serving/apis/inference_pb.ts";
import { PredictRequestSchema, PredictResponseSchema } from "../../src/gen/tensorflow_serving/apis/predict_pb.ts";
import { RegressionRequestSchema, RegressionResponseSchema } from "../../src/gen/tensorflow_serving/apis/regression_pb.ts";
import { MetricsShard } from "../../src/metrics/metrics-shard.ts";
import { TabularRuntime } from "../../src/runtimes/tabular/tabular-runtime.ts";
import { Inference } from "../../src/serving/inference.ts";
import { RequestMetrics } from "../../src/serving/request-metrics.ts";
import { ServingTable } from "../../src/serving/serving-table.ts";
import { MISSING_TEXT } from "../../src/tensor/string-array.ts";
import { stringTensor, type Tensor } from "../../src/tensor/tensor.ts";
import type { GrpcCall } from "../../src/transport/grpc/method.ts";
import type { HttpHandler } from "../../src/transport/http-exchange.ts";
import { tensorAnswer } from "../support/tabular-golden.ts";
import { CLASSIFIER, REGRESSOR } from "../support/tabular-programs.ts";

const { signal } = new AbortController();
const faults: unknown[] = [];
const table = new ServingTable();
const metrics = new RequestMetrics(new MetricsShard(() => {}));
const inference = new Inference(table, metrics);
const services = {
  table,
  inference,
  metrics,
  timeoutMs: 60_000,
  clock: new FakeClock(),
  reportFault: (reason: unknown) => void faults.push(reason),
};
const restHandler = createTfsRestHandler(services);
const stfsHandler = createStfsHandler(services);
const recorder = new CallRecorder(metrics, (reason) => void faults.push(reason));
const methods = predictionServiceMethods({ inference, recorder, maxRequestBytes: 1 << 20, asTensorContent: false });

beforeAll(async () => {
  const runtime = new TabularRuntime();
  for (const [name, program] of [
    ["classifier", CLASSIFIER],
    ["regressor", REGRESSOR],
  ] as const) {
    const servable = runtime.attach(await runtime.load(program, signal));
    await table.servables.publish({ name, version: 1n }, servable);
    table.setStatuses(name, [{ version: 1n, state: "AVAILABLE" }]);
  }
});

async function post(handler: HttpHandler, target: string, body: unknown): Promise<Record<string, unknown>> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const header = (name: string) => (name === "content-type" ? "application/json" : undefined);
  const answer = await handler({ method: "POST", target, header, body: Buffer.from(text), signal } as never);
  expect(faults).toEqual([]);
  return JSON.parse(Buffer.from(answer.body as Uint8Array).toString());
}

const rest = (path: string, body: unknown) => post(restHandler, `/v1/models/${path}`, body);

async function grpc<In extends DescMessage, Out extends DescMessage>(
  name: string,
  input: In,
  request: MessageInitShape<In>,
  output: Out,
): Promise<MessageShape<Out>> {
  const method = methods.get(`/tensorflow.serving.PredictionService/${name}`)!;
  if (method.kind !== "unary") throw new Error("not unary");
  return fromBinary(output, await method.run(toBinary(input, create(input, request)), { signal } as GrpcCall));
}

type Features = Record<string, MessageInitShape<typeof FeatureSchema>["kind"]>;

function example(features: Features) {
  return {
    features: { feature: Object.fromEntries(Object.entries(features).map(([name, kind]) => [name, { kind }])) },
  } satisfies MessageInitShape<typeof ExampleSchema>;
}

const floats = (...value: number[]) => ({ case: "floatList", value: { value } }) as const;
const integers = (...value: bigint[]) => ({ case: "int64List", value: { value } }) as const;
const texts = (...value: string[]) => ({ case: "bytesList", value: { value: value.map((text) => Buffer.from(text)) } }) as const;
const examples = (...list: Features[]) => ({ kind: { case: "exampleList", value: { examples: list.map(example) } } }) as const;

describe("REST", () => {
  const marginsOf = (margin: number[]) => ({ predictions: margin });
  test.each<[string, object, number[]]>([
    [
      "rows of the matrix",
      {
        instances: [
          [5, 2],
          [5, 3],
          [null, 3],
        ],
      },
      [0, 10, 5],
    ],
    ["objects of columns", { instances: [{ b: 2, a: 5 }, { a: 5, b: 3 }, { b: 3 }] }, [0, 10, 5]],
    ["objects of the matrix", { instances: [{ X: [5, 2] }, { X: [5, 3] }, { X: [null, 3] }] }, [0, 10, 5]],
  ])("%s", async (_, body, margins) => {
    expect(await rest("classifier:predict", { signature_name: "decision_function", ...body })).toEqual(marginsOf(margins));
  });

  test.each<[string, object]>([
    [
      "the matrix",
      {
        inputs: {
          X: [
            [5, 2],
            [null, 3],
          ],
        },
      },
    ],
    [
      "the matrix alone",
      {
        inputs: [
          [5, 2],
          [null, 3],
        ],
      },
    ],
    ["columns", { inputs: { a: [5, null], b: [2, 3] } }],
  ])("columnar: %s", async (_, body) => {
    expect(await rest("classifier:predict", { signature_name: "decision_function", ...body })).toEqual({ outputs: [0, 5] });
  });

  const first = { value: 62, city: "Rome" };
  test.each<[string, object, object[]]>([
    ["objects", { instances: [{ age: 62, city: "Rome" }, { city: "Paris" }] }, [first, { value: 100, city: "Paris" }]],
    [
      "lists",
      {
        instances: [
          [62, "Rome", null],
          [1, null, 2],
        ],
      },
      [first, { value: 2301, city: null }],
    ],
    ["a category that is a number", { instances: [{ age: 0, city: 3 }] }, [{ value: 700, city: "3" }]],
  ])("several inputs as %s", async (_, body, predictions) => {
    expect(await rest("regressor:predict", body)).toEqual({ predictions });
  });

  test("several inputs as columns", async () => {
    const outputs = { value: [62, 300], city: ["Rome", null] };
    expect(await rest("regressor:predict", { inputs: { age: [62, null], city: [["Rome"], [null]] } })).toEqual({ outputs });
  });

  test.each<[string, string, object, string]>([
    ["a row that is too short", "classifier", { instances: [[1]] }, 'input "X" must have the shape [?, 2], got [1, 1]'],
    ["an unknown column", "classifier", { instances: [{ c: 1 }] }, "does not have named input: c (inputs: X, a, b)"],
    ["a matrix and a column of it", "classifier", { inputs: { X: [[1, 2]], a: [1] } }, 'has both "X" and its column "a"'],
    [
      "columns of unlike lengths",
      "classifier",
      { inputs: { a: [1, 2], b: [1] } },
      'column "b" has 1 rows where column "a" has 2',
    ],
    ["a text for a number", "regressor", { instances: [{ age: "62", city: "Rome" }] }, "is not of expected type: double"],
  ])("%s", async (_, model, body, error) => {
    expect((await rest(`${model}:predict`, body)).error).toContain(error);
  });
});

describe("classify and regress", () => {
  test("REST classifies by features of the columns' names, or by the matrix's", async () => {
    const expected = {
      results: [
        [
          ["no", 0.5],
          ["yes", 0.5],
        ],
        [
          ["no", expect.closeTo(1, 6)],
          ["yes", expect.closeTo(0, 6)],
        ],
      ],
    };
    expect(await rest("classifier:classify", { examples: [{ a: 5, b: 2, other: "x" }, {}] })).toEqual(expected);
    expect(await rest("classifier:classify", { examples: [{ X: [5, 2] }, { X: [] }] })).toEqual(expected);
    expect(
      await rest("classifier:classify", { signature_name: "classify", context: { a: 5 }, examples: [{ b: 2 }, { b: 0, a: 0 }] }),
    ).toEqual(expected);
  });

  test("REST regresses", async () => {
    const body = { examples: [{ age: 62.5, city: "Rome" }, { age: 1, city: 3 }, { bonus: 2 }] };
    expect(await rest("regressor:regress", body)).toEqual({ results: [62.5, 701, 2300] });
  });

  test("gRPC answers as REST does", async () => {
    const modelSpec = { name: "classifier" };
    const input = examples({ a: floats(5), b: integers(2n) }, { X: floats(5, 3) });
    const { result } = await grpc("Classify", ClassificationRequestSchema, { modelSpec, input }, ClassificationResponseSchema);
    expect(result!.classifications.map(({ classes }) => classes.map(({ label }) => label))).toEqual([
      ["no", "yes"],
      ["no", "yes"],
    ]);
    expect(result!.classifications[0]!.classes.map(({ score }) => score)).toEqual([0.5, 0.5]);
    const regressed = await grpc(
      "Regress",
      RegressionRequestSchema,
      {
        modelSpec: { name: "regressor", signatureName: "regress" },
        input: examples({ age: integers(7n), city: texts("Paris") }),
      },
      RegressionResponseSchema,
    );
    expect(regressed.result!.regressions).toMatchObject([{ value: 107 }]);
    expect(regressed.modelSpec).toMatchObject({ signatureName: "regress" });
  });

  test("multi-inference finds the signature of a task that names none", async () => {
    const tasks = [{ modelSpec: { name: "classifier" }, methodName: "tensorflow/serving/classify" }];
    const request = { tasks, input: examples({ a: floats(5), b: floats(2) }) };
    const { results } = await grpc("MultiInference", MultiInferenceRequestSchema, request, MultiInferenceResponseSchema);
    expect(results).toMatchObject([{ modelSpec: { signatureName: "classify" }, result: { case: "classificationResult" } }]);
  });

  test.each<[string, Features, string]>([
    ["texts for a number", { a: texts("5") }, 'example 0: feature "a" has texts of bytes_list where numbers are expected'],
    ["two values for one", { a: floats(1, 2) }, 'example 0: feature "a" has 2 values where 1 is expected'],
    ["a matrix of another width", { X: floats(1, 2, 3) }, 'example 0: feature "X" has 3 values where 2 are expected'],
  ])("%s is refused", async (_, features, message) => {
    const request = { modelSpec: { name: "classifier" }, input: examples(features) };
    const call = grpc("Classify", ClassificationRequestSchema, request, ClassificationResponseSchema);
    await expect(call).rejects.toMatchObject({ code: "invalid-argument", message });
  });

  test("fractions for a text are refused", async () => {
    expect((await rest("regressor:regress", { examples: [{ age: 1, city: 3.5 }] })).error).toContain(
      'example 0: feature "city" has numbers of float_list where texts are expected',
    );
  });

  test("a model that does not classify says so in TensorFlow Serving's words", async () => {
    expect((await rest("regressor:classify", { examples: [{ age: 1 }] })).error).toBe("Expected one input Tensor.");
    expect((await rest("classifier:regress", { examples: [{ a: 1 }] })).error).toBe("Expected one input Tensor.");
  });

  test("what is no example is refused by its place", async () => {
    const inputs = [Buffer.from([0x0a, 0x05, 0x01]).toString("base64")].map((b64) => ({ b64 }));
    expect((await rest("classifier:predict", { signature_name: "classify", inputs })).error).toContain(
      "example 0: malformed protobuf message",
    );
  });
});

describe("gRPC predict", () => {
  async function predict(model: string, inputs: Record<string, Tensor>, signatureName = "") {
    const protos = Object.entries(inputs).map(([name, tensor]) => [
      name,
      fromBinary(TensorProtoSchema, encodeTensorProto(tensor)),
    ]);
    const request = { modelSpec: { name: model, signatureName }, inputs: Object.fromEntries(protos) };
    const { outputs } = await grpc("Predict", PredictRequestSchema, request, PredictResponseSchema);
    return Object.fromEntries(
      Object.entries(outputs).map(([alias, proto]) => [
        alias,
        tensorAnswer(decodeTensorProto(toBinary(TensorProtoSchema, proto))).data,
      ]),
    );
  }
  const doubles = (shape: number[], ...values: number[]): Tensor => ({
    dtype: "float64",
    shape,
    data: Float64Array.from(values),
  });

  test("a missing number is NaN, a missing text the byte 0xff, both ways", async () => {
    const inputs = { age: doubles([2], 1, Number.NaN), city: stringTensor([2], [MISSING_TEXT, "Paris"]) };
    expect(await predict("regressor", inputs)).toEqual({ value: [301, 100], city: [null, "Paris"] });
  });

  test("a matrix comes whole or as all its columns", async () => {
    const margin = [0, 10];
    expect(await predict("classifier", { X: doubles([2, 2], 5, 2, 5, 3) }, "decision_function")).toEqual({ margin });
    expect(await predict("classifier", { a: doubles([2], 5, 5), b: doubles([2, 1], 2, 3) }, "decision_function")).toEqual({
      margin,
    });
  });

  test.each<[string, string, Record<string, Tensor>, string]>([
    ["some columns", "classifier", { a: doubles([1], 1) }, 'column "b" of input "X" is missing'],
    [
      "a matrix and a column",
      "classifier",
      { X: doubles([1, 2], 1, 2), a: doubles([1], 1) },
      'has both input "X" and its column "a"',
    ],
    ["nothing", "classifier", {}, 'input "X" is missing, and none of its columns "a", "b" is there'],
    ["an unknown input", "classifier", { X: doubles([1, 2], 1, 2), c: doubles([1], 1) }, "Sent extra: {c}"],
    [
      "a lacking input",
      "regressor",
      { age: doubles([1], 1) },
      "Signature input alias: city(feed name: city) not found in request",
    ],
  ])("%s", async (_, model, inputs, message) => {
    const call = predict(model, inputs);
    await expect(call).rejects.toBeInstanceOf(ServingError);
    await expect(call).rejects.toMatchObject({ code: "invalid-argument", message: expect.stringContaining(message) });
  });
});

test("Simple TensorFlow Serving's requests take the same forms", async () => {
  const ask = (model_name: string, data: unknown, signature_name = "") =>
    post(stfsHandler, "/", { model_name, signature_name, data });
  expect(await ask("classifier", [{ a: 5, b: 2 }, { b: 3 }], "decision_function")).toEqual({ margin: [0, 5] });
  expect(await ask("classifier", { a: [5, null], b: [2, 3] }, "decision_function")).toEqual({ margin: [0, 5] });
  expect(
    await ask("regressor", [
      [62, "Rome", null],
      [1, null, 2],
    ]),
  ).toEqual({ value: [62, 2301], city: ["Rome", null] });
  expect(await ask("regressor", { age: [62], city: [null] })).toEqual({ value: [362], city: [null] });
});

test("metadata shows the matrix and not its columns", () => {
  const { signatureDef } = signatureDefMap(CLASSIFIER.signatures);
  expect(Object.keys(signatureDef.serving_default!.inputs)).toEqual(["X"]);
});
