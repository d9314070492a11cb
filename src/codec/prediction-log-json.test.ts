import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { PredictionLogSchema } from "../gen/tensorflow_serving/apis/prediction_log_pb.ts";
import { ARRAY_TYPES, type DType } from "../tensor/dtype.ts";
import { stringTensor, type Tensor } from "../tensor/tensor.ts";
import { encodePlanned, PredictionLogPlan } from "./prediction-log.ts";
import { predictionLogLine } from "./prediction-log-json.ts";
import { LogMetadataPlan, PredictRequestPlan, PredictResponsePlan } from "./prediction-log-plans.ts";

const SERVED = { name: 'i"ris', version: 2n ** 53n + 1n, signatureName: "s" };
const METADATA = new LogMetadataPlan(SERVED, 1, 1_700_000_000);

function predictLine(inputs: Record<string, Tensor>, outputs: Record<string, Tensor> = {}): string {
  const request = new PredictRequestPlan({ name: "i", signatureName: "" }, new Map(Object.entries(inputs)), []);
  const response = new PredictResponsePlan(SERVED, new Map(Object.entries(outputs)));
  return Buffer.from(predictionLogLine(encodePlanned(new PredictionLogPlan("predict", METADATA, request, response)))).toString();
}

function lineOf(logType: { readonly case: string; readonly value: object }): Record<string, unknown> {
  const init = { logMetadata: { modelSpec: { name: "m", signatureName: "s" } }, logType };
  const log = create(PredictionLogSchema, init as MessageInitShape<typeof PredictionLogSchema>);
  return JSON.parse(Buffer.from(predictionLogLine(toBinary(PredictionLogSchema, log))).toString()) as Record<string, unknown>;
}

const INPUT = {
  kind: {
    case: "exampleList",
    value: {
      examples: [
        {
          features: {
            feature: {
              f: { kind: { case: "floatList", value: { value: [0.5, Number.NaN] } } },
              i: { kind: { case: "int64List", value: { value: [-7n] } } },
              b: { kind: { case: "bytesList", value: { value: [Buffer.from("ü"), Buffer.of(255)] } } },
              e: {},
            },
          },
        },
        {},
      ],
    },
  },
} as const;

const EXAMPLES = [{ f: [0.5, "NaN"], i: [-7], b: ["ü", { b64: "/w==" }], e: [] }, {}];

describe("a line of a predict log", () => {
  test("has one object with what was asked and answered, and ends", () => {
    const x: Tensor = { dtype: "float32", shape: [2, 1], data: Float32Array.of(1, 0.1) };
    expect(predictLine({ x, s: stringTensor([], ["a\n"]) }, { y: stringTensor([2], ["ü", Uint8Array.of(0xff)]) })).toBe(
      '{"time": "2023-11-14T22:13:20Z", "model": "i\\"ris", "version": 9007199254740993, "signature": "s", "api": "predict", ' +
        '"inputs": {"x": [[1.0], [0.1]], "s": "a\\n"}, "outputs": {"y": ["ü", {"b64": "/w=="}]}}\n',
    );
  });

  test("is refused for a tensor of few bytes and very many empty lists", () => {
    const empty = (...shape: number[]): Tensor => ({ dtype: "float32", shape, data: new Float32Array(0) });
    expect(predictLine({ x: empty(2, 0, 1_000_000_000) })).toContain('"inputs": {"x": [[], []]}');
    expect(() => predictLine({ x: empty(1000, 1_000_000, 0) })).toThrow(
      "a tensor of 1000000000 empty lists is not written as JSON, at most 65536",
    );
  });

  test.each<[DType, number[] | bigint[], string]>([
    ["float32", [Number.NaN, -Infinity], '["NaN", "-Infinity"]'],
    ["float64", [0.1, Infinity], '[0.1, "Infinity"]'],
    ["float16", [0x3c00, 0x7e00], '[1.0, "NaN"]'],
    ["bfloat16", [0x3f80, 0xff80], '[1.0, "-Infinity"]'],
    ["bool", [0, 1], "[false, true]"],
    ["int8", [-1, 127], "[-1, 127]"],
    ["uint32", [4294967295], "[4294967295]"],
    ["int64", [-(2n ** 63n)], "[-9223372036854775808]"],
    ["uint64", [2n ** 64n - 1n], "[18446744073709551615]"],
    ["complex64", [1, -2, 0.5, Number.NaN], '[[1.0, -2.0], [0.5, "NaN"]]'],
    ["complex128", [1, -2], "[[1.0, -2.0]]"],
    ["float32", [], "[]"],
  ])("writes %s", (dtype, values, expected) => {
    if (dtype === "string") throw new Error("strings have a test of their own");
    const { array, width } = ARRAY_TYPES[dtype];
    const data = (array as unknown as { from(values: readonly (number | bigint)[]): Float32Array }).from(values);
    const line = predictLine({ x: { dtype, shape: [values.length / width], data } });
    expect(line).toContain(`"inputs": {"x": ${expected}}`);
    expect(JSON.parse(line)).toHaveProperty("inputs");
  });
});

describe("a line of a log of examples", () => {
  test("has their features and the classes", () => {
    const classifications = [{ classes: [{ label: "cat", score: 0.25 }, { score: Infinity }] }, {}];
    const response = { result: { classifications } };
    const line = lineOf({ case: "classifyLog", value: { request: { input: INPUT }, response } });
    expect(line).toMatchObject({
      api: "classify",
      inputs: EXAMPLES,
      outputs: [
        [
          ["cat", 0.25],
          ["", "Infinity"],
        ],
        [],
      ],
    });
  });

  test("has the values of a regression", () => {
    const response = { result: { regressions: [{ value: 1.5 }, {}] } };
    const line = lineOf({ case: "regressLog", value: { request: { input: INPUT }, response } });
    expect(line).toMatchObject({ api: "regress", inputs: EXAMPLES, outputs: [1.5, 0] });
  });

  test("has the outcome of every task of a multi-inference", () => {
    const results = [
      {
        modelSpec: { signatureName: "a" },
        result: { case: "classificationResult", value: { classifications: [{ classes: [{ label: "x" }] }] } },
      },
      { modelSpec: { signatureName: "b" }, result: { case: "regressionResult", value: { regressions: [{ value: 2 }] } } },
    ] as const;
    const value = { request: { input: INPUT }, response: { results: [...results] } };
    expect(lineOf({ case: "multiInferenceLog", value })).toMatchObject({
      api: "multi-inference",
      inputs: EXAMPLES,
      outputs: [
        { signature: "a", outputs: [[["x", 0]]] },
        { signature: "b", outputs: [2] },
      ],
    });
  });

  test("is refused for what is no inference", () => {
    expect(() => lineOf({ case: "sessionRunLog", value: {} })).toThrow("a log of kind session-run has no form in JSON");
  });
});
